//! Why a job ended as it did, and what one that is on a machine does.

use chrono::TimeDelta;
use solstice_api::user::{Attempt, Fault, Reason, ReasonKind, Standing};
use solstice_display::duration;
use solstice_forge::text::cut;
use solstice_model::{JobState, Outcome, SkipReason, TimeLimit};
use solstice_store::JobFacts;

use super::{Asked, LogEnd, Told, because, estimate, waits};
use crate::check::{description, one_line, step_of};

/// The most tries that are told one by one.
const MAX_TRIES: usize = 5;

/// The most characters of what a tool or a log says.
const MAX_SAID: usize = 200;

/// What a job does that a host works on.
pub(super) fn still_going(asked: &Asked<'_>, facts: &JobFacts) -> Told {
    let mut reasons = Vec::new();
    let host = facts.job.state.holding().map_or("", |held| held.host.as_str());
    let open = facts.steps.iter().rev().find(|step| step.finished_at.is_none());
    let claimed = facts.job.claimed_at.unwrap_or(facts.job.queued_at);
    let text = match (&facts.job.state, open) {
        (JobState::Running(_), Some(step)) => {
            format!("{} at {host}", step_of(step.index, &facts.spec.steps))
        }
        (JobState::Running(_), None) => format!("at {host}, between two steps"),
        (state, _) => description(state, &[], None),
    };
    let since = duration(asked.now - facts.job.started_at.unwrap_or(claimed));
    reasons.push(Reason {
        place: open.and_then(|step| step_place(asked, facts, step.index)),
        link: Some(format!("/jobs/{}", facts.job.id)),
        ..because(ReasonKind::Step, format!("{text}, for {since}"))
    });
    reasons.extend(lost_tries(asked, facts));
    let estimate = estimate::of(facts, 0, asked.now);
    Told { standing: Standing::Runs, fault: None, reasons, estimate }
}

/// Why a job ended so.
pub(super) fn told(
    asked: &Asked<'_>,
    facts: &JobFacts,
    outcome: &Outcome,
    log: Option<&LogEnd>,
) -> Told {
    let (standing, fault) = judged(outcome);
    let mut reasons = match outcome {
        Outcome::Succeeded => Vec::new(),
        Outcome::Failed { step, .. } => {
            let place = step_place(asked, facts, *step);
            let mut all = vec![Reason { place, ..because(ReasonKind::Step, said(facts, outcome)) }];
            all.extend(evidence(asked, facts, log));
            all
        }
        Outcome::ArtifactFailed { .. } => {
            let remedy = "let the job leave that file, or say `required=#false`";
            let reason = because(ReasonKind::Artifact, said(facts, outcome));
            vec![Reason { remedy: Some(remedy.to_owned()), ..reason }]
        }
        Outcome::TimedOut { limit } => {
            let mut all = vec![limited(asked, facts, outcome, limit)];
            all.extend(last_line(facts, log));
            all
        }
        Outcome::Cancelled { by } => {
            let text = format!("{} stopped it", one_line(by));
            let remedy = format!("`ciadm rerun {}` runs it once more", facts.job.id);
            vec![Reason { remedy: Some(remedy), ..because(ReasonKind::Person, text) }]
        }
        Outcome::InfraFailed { why } => infrastructure(asked, facts, why),
        Outcome::Skipped { why } => vec![skipped(asked, facts, why)],
    };
    let allowed = facts.spec.continue_on_error && outcome.is_failure();
    if let (true, Some(first)) = (allowed, reasons.first_mut()) {
        first.text = format!("{} (allowed by `continue_on_error`)", first.text);
    }
    if standing != Standing::Succeeded && !matches!(outcome, Outcome::InfraFailed { .. }) {
        reasons.extend(lost_tries(asked, facts));
    }
    Told { standing, fault, reasons, estimate: None }
}

fn judged(outcome: &Outcome) -> (Standing, Option<Fault>) {
    match outcome {
        Outcome::Succeeded => (Standing::Succeeded, None),
        Outcome::Failed { .. } | Outcome::ArtifactFailed { .. } => {
            (Standing::Failed, Some(Fault::Author))
        }
        Outcome::TimedOut { .. } => (Standing::Failed, Some(Fault::Limit)),
        Outcome::Cancelled { .. } => (Standing::Cancelled, Some(Fault::Person)),
        Outcome::InfraFailed { .. } => (Standing::Failed, Some(Fault::Infrastructure)),
        Outcome::Skipped { why: SkipReason::NeedNotMet { .. } } => {
            (Standing::Skipped, Some(Fault::Need))
        }
        Outcome::Skipped { .. } => (Standing::Skipped, None),
    }
}

/// The outcome, as the checks say it.
fn said(facts: &JobFacts, outcome: &Outcome) -> String {
    let state = JobState::Finished { outcome: outcome.clone() };
    let spec = solstice_model::JobSpec { continue_on_error: false, ..facts.spec.clone() };
    description(&state, &[], Some(&spec))
}

fn step_place(asked: &Asked<'_>, facts: &JobFacts, step: u32) -> Option<solstice_api::user::Place> {
    let lines = asked.story.grounds.job(&facts.spec)?;
    let step = lines.steps.get(usize::try_from(step).ok()?)?;
    asked.in_file(Some(step.step))
}

/// What there is to see of a failure.
fn evidence(asked: &Asked<'_>, facts: &JobFacts, log: Option<&LogEnd>) -> Vec<Reason> {
    let mut all = Vec::new();
    if let Some(found) = &facts.failure {
        let text = cut(&one_line(&found.message), MAX_SAID);
        all.push(Reason {
            place: Some(asked.in_source(&found.path, found.line)),
            link: Some(format!("/jobs/{}#annotations", facts.job.id)),
            ..because(ReasonKind::Annotation, text)
        });
    }
    all.extend(last_line(facts, log));
    all
}

fn last_line(facts: &JobFacts, log: Option<&LogEnd>) -> Option<Reason> {
    let log = log?;
    let text = format!("line {} of the log: {}", log.line, cut(&one_line(&log.text), MAX_SAID));
    let link = format!("/jobs/{}?line={}#L{}", facts.job.id, log.line, log.line);
    Some(Reason { link: Some(link), ..because(ReasonKind::Log, text) })
}

fn limited(asked: &Asked<'_>, facts: &JobFacts, outcome: &Outcome, limit: &TimeLimit) -> Reason {
    let lines = asked.story.grounds.job(&facts.spec);
    let line = lines.and_then(|lines| match limit {
        TimeLimit::Job { .. } => lines.timeout,
        TimeLimit::Step { step, .. } => {
            usize::try_from(*step).ok().and_then(|step| lines.steps.get(step)?.timeout)
        }
    });
    let remedy = match line {
        Some(_) => "find what hangs, or raise `timeout` there",
        None => "find what hangs, or write a longer `timeout`; without one it is an hour",
    };
    Reason {
        place: asked.in_file(line.or_else(|| lines.map(|lines| lines.job))),
        remedy: Some(remedy.to_owned()),
        ..because(ReasonKind::Limit, said(facts, outcome))
    }
}

/// A failure of ours: what went wrong, where, in which phase, how often.
fn infrastructure(asked: &Asked<'_>, facts: &JobFacts, why: &str) -> Vec<Reason> {
    let tries = facts.attempts.len();
    let times = if tries == 1 { "1 try".to_owned() } else { format!("{tries} tries") };
    let remedy = format!(
        "nothing is wrong with the change: `ciadm rerun {}`; the operator sees more with `ciadm doctor` \
         and in the serial console",
        facts.job.id
    );
    let first = Reason {
        remedy: Some(remedy),
        ..because(ReasonKind::Attempt, format!("{} ({times})", one_line(why)))
    };
    let mut all = vec![first];
    all.extend(lost_tries(asked, facts));
    all
}

/// The tries that came to nothing, the last ones.
pub(super) fn lost_tries(asked: &Asked<'_>, facts: &JobFacts) -> Vec<Reason> {
    let lost: Vec<&Attempt> = facts.attempts.iter().filter(|one| one.lost.is_some()).collect();
    let from = lost.len().saturating_sub(MAX_TRIES);
    lost[from..].iter().map(|attempt| lost_try(asked, facts, attempt)).collect()
}

fn lost_try(asked: &Asked<'_>, facts: &JobFacts, attempt: &Attempt) -> Reason {
    let why = attempt.lost.as_deref().map(one_line).unwrap_or_default();
    // The phases are told as they end: the one that failed is the next.
    let phase = match attempt.phases.last() {
        Some(last) => {
            let took = duration(TimeDelta::milliseconds(last.took_ms.try_into().unwrap_or(0)));
            format!(", after the phase {} ({took})", one_line(&last.name))
        }
        None => String::new(),
    };
    let text = format!(
        "try {} of at most {} at {}{phase}: {why}",
        attempt.number,
        asked.max_attempts.max(attempt.number),
        attempt.host
    );
    Reason { link: Some(format!("/jobs/{}", facts.job.id)), ..because(ReasonKind::Attempt, text) }
}

fn skipped(asked: &Asked<'_>, facts: &JobFacts, why: &SkipReason) -> Reason {
    let lines = asked.story.grounds.job(&facts.spec);
    match why {
        SkipReason::NeedNotMet { need } => match facts.needs.iter().find(|one| one.name == *need) {
            Some(fact) => waits::need_reason(asked, facts, fact, "had to"),
            None => because(ReasonKind::Need, format!("{need} did not end as it must")),
        },
        SkipReason::Condition { condition } => Reason {
            place: asked.in_file(lines.and_then(|lines| lines.condition)),
            ..because(
                ReasonKind::Condition,
                format!("its condition `{}` does not hold", cut(&one_line(condition), MAX_SAID)),
            )
        },
        SkipReason::CommitMessage { marker } => Reason {
            remedy: Some(format!("`ciadm rerun {}` runs it all the same", facts.job.id)),
            ..because(
                ReasonKind::CommitMessage,
                format!("the commit's message says {}", cut(&one_line(marker), 40)),
            )
        },
        SkipReason::NoFileChanged => Reason {
            place: asked.in_file(asked.story.grounds.trigger),
            remedy: Some(format!("`ciadm rerun {}` runs it all the same", facts.job.id)),
            ..because(
                ReasonKind::Files,
                "none of the files has changed for which the workflow is to run".to_owned(),
            )
        },
    }
}
