//! `needs`: which jobs must have ended before, and how.

use solstice_kdl::{Reader, Refusal, Spanned, nearest, quoted, value};
use solstice_model::{JobName, NeededOutcome};

use crate::rules;

/// A need with the place of its name; the name is that of the file, not of a cell.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Which job.
    pub(crate) job: Spanned<JobName>,
    /// How it must have ended.
    pub(crate) outcome: NeededOutcome,
}

const OUTCOMES: [(&str, NeededOutcome); 4] = [
    ("succeeded", NeededOutcome::Succeeded),
    ("failed", NeededOutcome::Failed),
    ("completed", NeededOutcome::Completed),
    ("any", NeededOutcome::Any),
];

/// Reads `needs="a" "b"` and all nodes `needs "a" outcome="failed"` of a job.
pub(crate) fn read(job: &mut Reader<'_>) -> Vec<Draft> {
    let id = value::spanned(rules::text(rules::word::<JobName>));
    let listed = job.prop_list("needs", &id).unwrap_or_default();
    let need = |job, outcome| Draft { job, outcome };
    let mut needs: Vec<_> =
        listed.into_iter().map(|job| need(job, NeededOutcome::default())).collect();
    for mut node in job.children("needs") {
        let result = node.prop("outcome", rules::text(outcome)).unwrap_or_default();
        let jobs = node.required_args("at least one value", &id);
        needs.extend(jobs.into_iter().map(|job| need(job, result)));
        node.finish();
    }
    needs
}

fn outcome(text: &str) -> Result<NeededOutcome, Refusal> {
    if let Some((_, outcome)) = OUTCOMES.iter().find(|(name, _)| *name == text) {
        return Ok(*outcome);
    }
    let names = OUTCOMES.map(|(name, _)| name);
    let help = match nearest(text, names) {
        Some(meant) => format!("did you mean {}?", quoted(meant)),
        None => format!("write one of {}", names.join(", ")),
    };
    Err(Refusal::because(format!("no job ends as {}", quoted(text))).help(help))
}
