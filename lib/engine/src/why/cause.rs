//! Why there is a run or a job at all.

use solstice_api::user::{Reason, ReasonKind};
use solstice_model::EventKind;
use solstice_store::JobFacts;

use super::{Asked, because};
use crate::check::one_line;

/// How a run came to be, in the order in which that happened.
pub(super) fn of_run(asked: &Asked<'_>) -> Vec<Reason> {
    let story = asked.story;
    let mut cause = vec![because(ReasonKind::Event, event(asked))];
    for delivery in &story.deliveries {
        let text = format!(
            "{} told of it {}: delivery {} ({})",
            delivery.forge,
            asked.ago(delivery.received_at),
            delivery.id,
            one_line(&delivery.event)
        );
        cause.push(because(ReasonKind::Delivery, text));
    }
    cause.extend(trigger(asked));
    if let Some(changed) = &story.grounds.changed {
        let text = format!("{} changed, for which it is to run", one_line(changed));
        cause.push(because(ReasonKind::Files, text));
    }
    if let Some(policy) = &story.grounds.policy {
        cause.push(because(ReasonKind::Policy, one_line(policy)));
    }
    cause.extend(given(asked));
    cause
}

/// What is to be added for one of its jobs.
pub(super) fn of_job(asked: &Asked<'_>, facts: &JobFacts) -> Vec<Reason> {
    let mut cause = Vec::new();
    if let Some(lines) = asked.story.grounds.job(&facts.spec) {
        let text = match &facts.spec.matrix {
            Some(cell) => {
                let values = cell.values.iter().map(|(axis, value)| format!("{axis}={value}"));
                let values = values.collect::<Vec<_>>().join(" ");
                format!("it is job {} of the workflow with {}", cell.job, one_line(&values))
            }
            None => format!("it is job {} of the workflow", facts.spec.name),
        };
        let place = asked.in_file(Some(lines.job));
        cause.push(Reason { place, ..because(ReasonKind::Workflow, text) });
    }
    if let Some(by) = &facts.rerun_by {
        let number = u64::from(facts.job.rerun) + 1;
        let text = format!("{} had it run once more; this is the {number}. time", one_line(by));
        cause.push(because(ReasonKind::Person, text));
    }
    cause
}

/// What keeps all of a run from going on, or did.
pub(super) fn keeps(asked: &Asked<'_>) -> Option<Reason> {
    let run = &asked.story.run;
    if let Some(problem) = &run.problem {
        let first = problem.lines().find(|line| !line.trim().is_empty()).unwrap_or("it is broken");
        // `file:line:column: message`, as our diagnostics begin.
        let rest = first.strip_prefix(run.file.as_str()).and_then(|rest| rest.strip_prefix(':'));
        let line = rest.and_then(|rest| rest.split(':').next()).and_then(|line| line.parse().ok());
        return Some(Reason {
            place: asked.in_file(line),
            remedy: Some(format!("mend {} and push; `cidev validate` checks it before", run.file)),
            ..because(ReasonKind::Workflow, one_line(first))
        });
    }
    waited_for(asked)
}

/// The approval that is waited for, or that never came.
pub(super) fn waited_for(asked: &Asked<'_>) -> Option<Reason> {
    let run = &asked.story.run;
    let approval = run.approval.as_ref().filter(|approval| approval.by.is_none())?;
    let over = run.finished_at.is_some();
    let (said, remedy) = match over {
        true => ("nobody approved of the commit", "a new commit asks again".to_owned()),
        false => (
            "somebody has to approve of the commit",
            format!("look at the change, then `ciadm approve {}` or its page", run.id),
        ),
    };
    Some(Reason {
        link: Some(format!("/runs/{}", run.id)),
        remedy: Some(remedy),
        ..because(ReasonKind::Approval, format!("{said}: {}", one_line(&approval.why)))
    })
}

fn given(asked: &Asked<'_>) -> Option<Reason> {
    let approval = asked.story.run.approval.as_ref()?;
    let (by, at) = (approval.by.as_ref()?, approval.at?);
    let text = format!("{} approved of it {}", one_line(by), asked.ago(at));
    Some(because(ReasonKind::Approval, text))
}

/// What happened.
fn event(asked: &Asked<'_>) -> String {
    let run = &asked.story.run;
    let (actor, git_ref, commit) =
        (one_line(&run.actor), one_line(run.git_ref.short()), run.commit.short());
    let base = asked.story.base.as_deref().map(one_line).unwrap_or_default();
    match (run.event, run.pull_request) {
        (EventKind::Push, _) => format!("{actor} pushed {git_ref} to {commit}"),
        (EventKind::PullRequest, number) => {
            let number = number.map(|number| format!(" {number}")).unwrap_or_default();
            format!("{actor} brought pull request{number} into {base} to {commit}")
        }
        (EventKind::MergeGroup, _) => {
            format!("a merge queue wants to know whether {commit} may be merged into {base}")
        }
        (EventKind::Manual, _) => format!("{actor} started it by hand for {git_ref} at {commit}"),
    }
}

/// What in the file asks for it.
fn trigger(asked: &Asked<'_>) -> Option<Reason> {
    let (run, grounds) = (&asked.story.run, &asked.story.grounds);
    // Nothing was written down of what older versions made.
    if run.problem.is_some() || grounds.jobs.is_empty() {
        return None;
    }
    let text = match grounds.trigger {
        Some(_) => format!("{} has an `on` that covers this", run.file),
        None => {
            let all = "so each push of a branch and each pull request starts it";
            format!("{} has no `on`, {all}", run.file)
        }
    };
    Some(Reason { place: asked.in_file(grounds.trigger), ..because(ReasonKind::Trigger, text) })
}
