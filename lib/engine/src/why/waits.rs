//! Why a job waits: an approval, needs, hosts, others before it.

use solstice_api::user::{Fault, Host, Reason, ReasonKind, Standing};
use solstice_display::duration;
use solstice_model::NeededOutcome;
use solstice_store::{JobFacts, NeedFact};

use super::{Asked, Told, because, cause, ended, estimate};

/// The most needs that are told one by one.
const MAX_NEEDS: usize = 10;

/// The most labels that are told.
const MAX_LABELS: usize = 12;

pub(super) fn told(asked: &Asked<'_>, facts: &JobFacts) -> Told {
    let mut reasons = Vec::new();
    let (mut fault, mut expected) = (None, None);
    if let Some(approval) = cause::waited_for(asked) {
        fault = Some(Fault::Policy);
        reasons.push(approval);
    } else if facts.needs.iter().any(|need| !need.met) && facts.attempts.is_empty() {
        reasons.extend(open_needs(asked, facts));
    } else {
        let able: Vec<&Host> = facts.able().collect();
        match able.is_empty() {
            true => reasons.push(no_host(asked, facts)),
            false => {
                let room = able.iter().map(|host| host.room).sum();
                expected = estimate::of(facts, room, asked.now);
                reasons.extend(hosts_are_busy(facts, &able, room));
            }
        }
    }
    reasons.extend(ended::lost_tries(asked, facts));
    Told { standing: Standing::Waits, fault, reasons, estimate: expected }
}

fn open_needs<'a>(asked: &'a Asked<'_>, facts: &'a JobFacts) -> impl Iterator<Item = Reason> + 'a {
    let open = facts.needs.iter().filter(|need| !need.met).take(MAX_NEEDS);
    open.map(|need| need_reason(asked, facts, need, "must"))
}

/// What a job needs of another one, and where that one stands.
pub(super) fn need_reason(
    asked: &Asked<'_>,
    facts: &JobFacts,
    need: &NeedFact,
    must: &str,
) -> Reason {
    let how = match need.outcome {
        NeededOutcome::Succeeded => "succeed",
        NeededOutcome::Failed => "fail",
        NeededOutcome::Completed => "run to an end",
        NeededOutcome::Any => "end",
    };
    let stands = crate::check::description(&need.state, &[], None);
    let text = format!("{} {must} {how} first: {stands}", need.name);
    let lines = asked.story.grounds.job(&facts.spec);
    // The file names the job of a matrix, not its cell.
    let of_file = |(name, line): (&solstice_model::JobName, &u32)| {
        need.name.as_str().starts_with(name.as_str()).then_some(*line)
    };
    let line = lines.and_then(|lines| {
        lines.needs.get(&need.name).copied().or_else(|| lines.needs.iter().find_map(of_file))
    });
    Reason {
        place: asked.in_file(line),
        link: Some(format!("/jobs/{}", need.job)),
        ..because(ReasonKind::Need, text)
    }
}

/// Why no host could take it.
fn no_host(asked: &Asked<'_>, facts: &JobFacts) -> Reason {
    let (job, hosts) = (&facts.job, &facts.hosts);
    let labelled: Vec<&Host> =
        hosts.iter().filter(|host| host.labels.contains(&job.runs_on)).collect();
    let fitting: Vec<&&Host> = labelled.iter().filter(|host| facts.fits(host)).collect();
    let (text, remedy) = if hosts.is_empty() {
        let remedy = "start solstice-orchestrator on a host (docs/operating.md)";
        ("no host has ever reported".to_owned(), remedy.to_owned())
    } else if labelled.is_empty() {
        return no_label(asked, facts);
    } else if fitting.is_empty() {
        let size = job.size.as_ref().map_or("", |size| size.as_str());
        let text = format!("no host with the label {} makes machines of size {size}", job.runs_on);
        (text, "ask for another size, or give one of the hosts that size".to_owned())
    } else if let Some(host) = fitting.iter().find(|host| host.online) {
        let text = format!("{} drains: it takes no more jobs", names(&fitting));
        (text, format!("`ciadm host undrain {}`", host.name))
    } else {
        let last = fitting.iter().map(|host| host.seen_at).max().unwrap_or(asked.now);
        let text = format!(
            "{} could take it and does not answer, last heard {}",
            names(&fitting),
            asked.ago(last)
        );
        (text, "look at solstice-orchestrator there; `ciadm doctor` helps".to_owned())
    };
    Reason { remedy: Some(remedy), ..because(ReasonKind::Host, text) }
}

fn no_label(asked: &Asked<'_>, facts: &JobFacts) -> Reason {
    let mut offered: Vec<&str> =
        facts.hosts.iter().flat_map(|host| &host.labels).map(|label| label.as_str()).collect();
    offered.sort_unstable();
    offered.dedup();
    let mut known = offered.iter().take(MAX_LABELS).copied().collect::<Vec<_>>().join(", ");
    if offered.len() > MAX_LABELS {
        known.push_str(", …");
    }
    let wanted = &facts.job.runs_on;
    let text = match offered.is_empty() {
        true => format!("no host offers the label {wanted}, nor any other"),
        false => format!("no host offers the label {wanted}; they offer {known}"),
    };
    let remedy = match solstice_kdl::nearest(wanted.as_str(), offered) {
        Some(meant) => format!("did you mean runs_on=\"{meant}\"?"),
        None => format!("correct `runs_on`, or import an image with the label {wanted}"),
    };
    let lines = asked.story.grounds.job(&facts.spec);
    Reason {
        place: asked.in_file(lines.and_then(|lines| lines.runs_on)),
        remedy: Some(remedy),
        ..because(ReasonKind::Host, text)
    }
}

fn names(hosts: &[&&Host]) -> String {
    hosts.iter().map(|host| host.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Who is before it.
fn hosts_are_busy(facts: &JobFacts, able: &[&Host], room: u32) -> Vec<Reason> {
    let names = able.iter().map(|host| host.name.as_str()).collect::<Vec<_>>().join(", ");
    let mut reasons = Vec::new();
    let queue = facts.queue.as_ref().filter(|queue| queue.ahead > 0 || queue.more);
    if let Some(queue) = queue {
        let count = match (queue.ahead, queue.more) {
            (many, true) => format!("at least {many} jobs go"),
            (1, _) => "1 job goes".to_owned(),
            (many, _) => format!("{many} jobs go"),
        };
        let text = format!("{count} before it to the same hosts");
        reasons.push(because(ReasonKind::Queue, text));
    }
    let busy = facts.queue.as_ref().map_or(0, |queue| queue.busy.len());
    let longest = facts.queue.as_ref().and_then(|queue| queue.busy.iter().max().copied());
    reasons.push(match (room, longest) {
        (0, Some(longest)) => {
            let jobs = if busy == 1 { "1 job" } else { "jobs" };
            let text = format!(
                "{names} could take it and is full: {jobs} at work, the longest for {}",
                duration(longest)
            );
            because(ReasonKind::Host, text)
        }
        (0, None) => {
            let remedy = "look at its memory and disk: `ciadm hosts`, `ciadm doctor`";
            let text = format!("{names} could take it and says that it has no room");
            Reason { remedy: Some(remedy.to_owned()), ..because(ReasonKind::Host, text) }
        }
        (room, _) => {
            let machines = if room == 1 { "a machine" } else { "machines" };
            let text = format!("{names} has room for {room} more {machines}")
                .replace("1 more a machine", "1 more machine");
            because(ReasonKind::Host, text)
        }
    });
    reasons
}
