//! The whole file: name, triggers, jobs.

use std::cell::Cell;

use serde::Serialize;
use solstice_kdl::{Diagnostics, Document, Limits, Reader};
use solstice_model::Grounds;

use crate::interpolate::verbatim;
use crate::job::{self, Draft};
use crate::limits::{MAX_DEPTH, MAX_FILE_BYTES, MAX_ITEMS, MAX_JOBS, MAX_TRIGGERS};
use crate::lines::{Lines, Spans};
use crate::matrix::Axes;
use crate::plan::Job;
use crate::rules::{self, too_many_of};
use crate::trigger::{self, Decision, Trigger, TriggerEvent};
use crate::{env, expand, graph};

/// A workflow file that can run as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Workflow {
    /// For people; the file's name without `.kdl` if it gives none.
    pub name: String,
    /// What starts it; at least one.
    pub triggers: Vec<Trigger>,
    /// Its jobs in the file's order, at least one, each cell of a matrix on its
    /// own. Every need is the name of another job, and no job waits for itself,
    /// directly or through others.
    #[serde(rename = "jobs")]
    pub expanded: Vec<Job>,
    /// Where things are written.
    #[serde(skip)]
    pub(crate) lines: Lines,
}

impl Workflow {
    /// Decides whether the event starts this workflow.
    pub fn triggered_by(&self, event: &TriggerEvent<'_>) -> Decision {
        trigger::decide(&self.triggers, event)
    }

    /// Which trigger an event starts it by, and where its jobs are written.
    pub fn grounds(&self, event: &TriggerEvent<'_>) -> Grounds {
        let which = trigger::which(&self.triggers, event);
        let trigger = which.and_then(|index| self.lines.triggers.get(index).copied());
        Grounds { trigger, jobs: self.lines.jobs.clone(), ..Grounds::default() }
    }
}

/// Reads a workflow file; `file_name` is what diagnostics call it.
///
/// # Errors
///
/// Returns all that is wrong with the file, up to a bound.
pub fn parse(file_name: &str, bytes: &[u8]) -> Result<Workflow, Diagnostics> {
    let limits = Limits { max_bytes: MAX_FILE_BYTES, max_items: MAX_ITEMS, max_depth: MAX_DEPTH };
    let document = Document::parse(file_name, bytes, limits)?;
    let (mut workflow, spans) = document.decode(|file| {
        let workflow = file.required_child("workflow")?;
        read(workflow, file_name)
    })?;
    workflow.lines = spans.lines(bytes);
    Ok(workflow)
}

fn read(mut node: Reader<'_>, file_name: &str) -> Option<(Workflow, Spans)> {
    let name = node.setting("name", verbatim(rules::name));
    let env = env::read(&mut node, Axes::None);
    let mut spans = Spans::default();
    let triggers = read_triggers(&mut node, &mut spans);
    let jobs = read_jobs(&mut node, &env, &mut spans);
    rules::refuse_planned(&mut node);
    node.finish();
    let name = name.unwrap_or_else(|| stem(file_name));
    let workflow = Workflow { name, triggers, expanded: jobs?, lines: Lines::default() };
    Some((workflow, spans))
}

/// Reads all jobs; `None` if anything between them is wrong, or in one of them.
fn read_jobs(node: &mut Reader<'_>, env: &env::Block, spans: &mut Spans) -> Option<Vec<Job>> {
    let help = "add at least one: job id=\"…\" runs_on=\"…\" { … }";
    let mut drafts: Vec<Draft> = Vec::new();
    let mut count = 0;
    let patterns = Cell::new(0);
    for job in node.required_children("job", help) {
        let draft = job::read(job, env, &patterns);
        count += draft.cell_count();
        if count > MAX_JOBS {
            // What is refused anyway is not worth reading.
            node.report(too_many_of("jobs", MAX_JOBS, draft.span));
            return None;
        }
        drafts.push(draft);
    }
    spans.note_jobs(&drafts);
    let problems = graph::problems(&drafts);
    let expanded = match problems.is_empty() {
        true => expand::expand(&drafts, env),
        false => Err(problems),
    };
    expanded.unwrap_or_else(|problems| {
        problems.into_iter().for_each(|problem| node.report(problem));
        None
    })
}

fn read_triggers(node: &mut Reader<'_>, spans: &mut Spans) -> Vec<Trigger> {
    let nodes = node.children("on");
    if nodes.is_empty() {
        return Trigger::defaults();
    }
    if let Some(surplus) = nodes.get(MAX_TRIGGERS) {
        node.report(too_many_of("triggers", MAX_TRIGGERS, surplus.span()));
    }
    spans.triggers = nodes.iter().map(Reader::span).collect();
    nodes.into_iter().take(MAX_TRIGGERS).filter_map(trigger::read).collect()
}

/// The last part of a path, without `.kdl`.
fn stem(file_name: &str) -> String {
    let last = file_name.rsplit('/').next().unwrap_or(file_name);
    last.strip_suffix(".kdl").unwrap_or(last).to_owned()
}
