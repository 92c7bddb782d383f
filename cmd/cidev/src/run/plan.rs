//! Which workflow, which jobs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use solstice_model::{JobName, JobSpec};
use solstice_workflow::{Decision, RunContext, TriggerEvent, Workflow};

use super::options::Event;
use super::tree::WorkTree;
use super::{Options, RunError};
use crate::files::{FileError, WorkflowFile, read_all};
use crate::output;

/// The file that is taken where there are several.
const USUAL: &str = "workflow.kdl";

/// The number of the pull request that a run is said to be of.
pub(crate) const PULL_REQUEST: u64 = 1;

/// Who is said to have started it.
pub(crate) const ACTOR: &str = "cidev";

/// What is to be run.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The file's path in the work tree.
    pub(crate) file: String,
    /// The workflow's name.
    pub(crate) workflow: String,
    /// Its jobs, or those that were asked for with all that they need.
    pub(crate) jobs: Vec<JobSpec>,
}

impl Plan {
    /// Reads the workflow and picks its jobs.
    pub(crate) fn of(options: &Options, tree: &WorkTree) -> Result<Self, RunError> {
        let path = match &options.file {
            Some(path) => path.clone(),
            None => usual(&tree.root.join(".solstice"))?,
        };
        let WorkflowFile { path, parsed } = WorkflowFile::read(&path)?;
        let workflow = parsed.map_err(|wrong| {
            output::complain(&miette::Report::new(wrong));
            RunError::Workflow { path: path.clone() }
        })?;
        triggered(&workflow, options, tree)?;
        let jobs = workflow.jobs(&RunContext {
            event: options.event.kind(),
            git_ref: &tree.git_ref,
            repository: &tree.name,
            actor: ACTOR,
            base: (options.event == Event::PullRequest).then_some(options.base.as_str()),
            pull_request: (options.event == Event::PullRequest).then_some(PULL_REQUEST),
            fork: false,
        });
        let absolute = std::path::absolute(&path).map_err(RunError::io("find", &path))?;
        let file = absolute.strip_prefix(&tree.root).unwrap_or(&path).display().to_string();
        let jobs = wanted(jobs, &options.job)?;
        Ok(Self { file, workflow: workflow.name, jobs })
    }
}

/// The only workflow of a folder, or the usual one.
fn usual(folder: &Path) -> Result<PathBuf, RunError> {
    let files = read_all(&[folder.to_owned()])?;
    let paths: Vec<PathBuf> = files.into_iter().map(|file| file.path).collect();
    match paths.as_slice() {
        [] => Err(FileError::NoWorkflow { folder: folder.to_owned() }.into()),
        [only] => Ok(only.clone()),
        several => several.iter().find(|path| path.ends_with(USUAL)).cloned().ok_or_else(|| {
            let names: Vec<_> = several.iter().map(|path| path.display().to_string()).collect();
            RunError::Several { names: names.join(", ") }
        }),
    }
}

fn triggered(workflow: &Workflow, options: &Options, tree: &WorkTree) -> Result<(), RunError> {
    let event = match options.event {
        Event::Push => TriggerEvent::Push { git_ref: &tree.git_ref },
        Event::PullRequest => TriggerEvent::PullRequest { base: &options.base },
        Event::Manual => TriggerEvent::Manual,
    };
    match workflow.triggered_by(&event) {
        // What is started by hand here is wanted, whichever files have changed.
        Decision::Start | Decision::StartIfChanged { .. } => Ok(()),
        Decision::Ignore { reason } => Err(RunError::NotTriggered { reason }),
    }
}

/// The named jobs with all that they need, in the file's order. The name that a
/// job of a matrix has in the file means all of its cells.
fn wanted(jobs: Vec<JobSpec>, names: &[JobName]) -> Result<Vec<JobSpec>, RunError> {
    if names.is_empty() {
        return Ok(jobs);
    }
    let mut keep: BTreeSet<JobName> = BTreeSet::new();
    for name in names {
        let cell = |job: &&JobSpec| job.matrix.as_ref().is_some_and(|cell| cell.job == *name);
        let meant = jobs.iter().filter(|job| job.name == *name || cell(job));
        let before = keep.len();
        keep.extend(meant.map(|job| job.name.clone()));
        if keep.len() == before {
            let known: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
            return Err(RunError::NoJob { job: name.to_string(), known: known.join(", ") });
        }
    }
    // Needs form no circle, so there are as many rounds as jobs at most.
    loop {
        let needed = jobs.iter().filter(|job| keep.contains(&job.name));
        let needed: Vec<JobName> =
            needed.flat_map(|job| job.needs.iter().map(|need| need.job.clone())).collect();
        let before = keep.len();
        keep.extend(needed);
        if keep.len() == before {
            break;
        }
    }
    Ok(jobs.into_iter().filter(|job| keep.contains(&job.name)).collect())
}
