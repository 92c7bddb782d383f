//! What needs what: ids are unique, needs exist, and no job waits for itself.

use std::collections::{BTreeMap, BTreeSet};

use solstice_kdl::{MAX_DIAGNOSTICS, Problem, Span, Spanned, nearest, quoted};
use solstice_model::JobName;

use crate::job::Draft;

/// Finds all that is wrong between jobs.
pub(crate) fn problems(jobs: &[Draft]) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut known: BTreeMap<&JobName, &Draft> = BTreeMap::new();
    for job in jobs {
        let Some(id) = &job.id else { continue };
        if known.insert(&id.value, job).is_some() {
            let message = format!("there are two jobs with the id {}", quoted(id.value.as_str()));
            let problem = Problem::new(id.span, message).label("the second one");
            found.push(problem.help("give each job an id of its own"));
        }
    }
    for job in jobs {
        if found.len() > MAX_DIAGNOSTICS {
            // Finding out what was meant costs more than it helps.
            return found;
        }
        found.extend(bad_needs(job, &known));
    }
    if found.is_empty() {
        found.extend(cycle(&known, jobs));
    }
    found
}

fn bad_needs(job: &Draft, known: &BTreeMap<&JobName, &Draft>) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for need in &job.needs {
        if found.len() > MAX_DIAGNOSTICS {
            break;
        }
        let name = quoted(need.job.value.as_str());
        let (message, help) = if job.id.as_ref().is_some_and(|id| id.value == need.job.value) {
            (format!("the job {name} needs itself"), "remove it".to_owned())
        } else if !known.contains_key(&need.job.value) {
            (format!("there is no job {name}"), meant(&need.job, known))
        } else if !seen.insert(&need.job.value) {
            (format!("{name} is named twice"), "once is enough".to_owned())
        } else {
            continue;
        };
        found.push(Problem::new(need.job.span, message).label("this need").help(help));
    }
    found
}

fn meant(need: &Spanned<JobName>, known: &BTreeMap<&JobName, &Draft>) -> String {
    match nearest(need.value.as_str(), known.keys().map(|id| id.as_str())) {
        Some(id) => format!("did you mean {}?", quoted(id)),
        None => "a need is the `id` of another job of this file".to_owned(),
    }
}

/// One circle of needs, if there is any.
///
/// Jobs without an open need are struck out until none is left; what remains
/// has an open need each, so following those must come back to where it was.
fn cycle(known: &BTreeMap<&JobName, &Draft>, jobs: &[Draft]) -> Option<Problem> {
    let mut open = known.clone();
    loop {
        let before = open.len();
        let still = open.clone();
        open.retain(|_, job| job.needs.iter().any(|need| still.contains_key(&need.job.value)));
        if open.len() == before {
            break;
        }
    }
    let is_open = |job: &&Draft| job.id.as_ref().is_some_and(|id| open.contains_key(&id.value));
    let mut job = jobs.iter().find(is_open)?;
    let mut path: Vec<&Spanned<JobName>> = Vec::new();
    loop {
        let need = job.needs.iter().find(|need| open.contains_key(&need.job.value))?;
        let need = &need.job;
        if let Some(start) = path.iter().position(|seen| seen.value == need.value) {
            return Some(cycle_problem(&path[start..], need.span));
        }
        path.push(need);
        job = open.get(&need.value)?;
    }
}

/// `circle` are the needs in turn; the job of the last one has the closing need.
fn cycle_problem(circle: &[&Spanned<JobName>], closing: Span) -> Problem {
    const SHOWN: usize = 8;
    let mut names: Vec<_> = circle.iter().take(SHOWN).map(|need| need.value.as_str()).collect();
    if circle.len() > SHOWN {
        names.push("…");
    }
    names.extend(circle.first().map(|need| need.value.as_str()));
    Problem::new(closing, format!("jobs wait for each other: {}", names.join(" → ")))
        .label("this need closes the circle")
        .help("remove one of these needs")
}
