//! `cidev show`: a workflow with every default filled in.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use solstice_model::{ArtifactRule, StepSpec};
use solstice_workflow::{Condition, Job, PathFilter, Pattern, Trigger, Workflow};

use crate::files::{FileError, Found, WorkflowFile};
use crate::output::{self, harmless};

/// Shows a workflow, or one job of it.
pub(crate) fn run(path: &Path, job: Option<&str>, json: bool) -> Result<Found, FileError> {
    let workflow = match WorkflowFile::read(path)?.parsed {
        Ok(workflow) => workflow,
        Err(wrong) => {
            output::complain(&wrong.into());
            return Ok(Found::SomeInvalid);
        }
    };
    let jobs = job.map(|id| find(path, &workflow, id)).transpose()?;
    output::print(&match (jobs.as_deref(), json) {
        (Some([job]), true) => output::json(job),
        (Some(jobs), true) => output::json(&jobs),
        (None, true) => output::json(&workflow),
        (Some(jobs), false) => jobs.iter().map(|job| job_text(job)).collect::<Vec<_>>().join("\n"),
        (None, false) => workflow_text(&workflow),
    });
    Ok(Found::AllValid)
}

/// The job of this name, or all that the matrix of this id makes.
fn find<'w>(path: &Path, workflow: &'w Workflow, id: &str) -> Result<Vec<&'w Job>, FileError> {
    let is_meant = |job: &&Job| {
        let matrix = job.spec.matrix.as_ref();
        job.spec.name.as_str() == id || matrix.is_some_and(|cell| cell.job.as_str() == id)
    };
    let found: Vec<_> = workflow.expanded.iter().filter(is_meant).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let known = workflow.expanded.iter().map(|job| job.spec.name.as_str());
    Err(FileError::NoJob {
        path: path.to_owned(),
        job: id.to_owned(),
        known: known.collect::<Vec<_>>().join(", "),
    })
}

fn workflow_text(workflow: &Workflow) -> String {
    let mut text = format!("workflow {}\n", workflow.name);
    for trigger in &workflow.triggers {
        text += &format!("  on       {}\n", trigger_text(trigger));
    }
    for job in &workflow.expanded {
        text += "\n";
        text += &job_text(job);
    }
    text
}

fn trigger_text(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Push { branches, tags, files } => {
            let of = match (branches.as_slice(), tags.as_slice()) {
                ([], []) => "push to any branch".to_owned(),
                (branches, []) => format!("push to {}", patterns(branches)),
                ([], tags) => format!("push of the tag {}", patterns(tags)),
                (branches, tags) => {
                    format!("push to {}, or of the tag {}", patterns(branches), patterns(tags))
                }
            };
            of + &files_text(files)
        }
        Trigger::PullRequest { branches, files } => {
            format!("pull request into {}{}", base(branches), files_text(files))
        }
        Trigger::MergeGroup { branches } => format!("merge queue into {}", base(branches)),
        Trigger::Manual => "request".to_owned(),
    }
}

fn base(branches: &[Pattern]) -> String {
    if branches.is_empty() { "any branch".to_owned() } else { patterns(branches) }
}

fn files_text(files: &PathFilter) -> String {
    let wanted = match files.paths.as_slice() {
        [] if files.paths_ignore.is_empty() => return String::new(),
        [] => String::new(),
        paths => format!(" of {}", patterns(paths)),
    };
    match files.paths_ignore.as_slice() {
        [] => format!(" that changes a file{wanted}"),
        ignored => format!(" that changes a file{wanted} other than {}", patterns(ignored)),
    }
}

fn patterns(all: &[Pattern]) -> String {
    all.iter().map(Pattern::as_str).collect::<Vec<_>>().join(" or ")
}

fn job_text(job: &Job) -> String {
    let spec = &job.spec;
    let mut text = format!("job {}\n", spec.name);
    if let Some(cell) = &spec.matrix {
        let values = cell.values.iter().map(|(name, value)| format!("{name}={value:?}"));
        text += &format!("  matrix   {}: {}\n", cell.job, values.collect::<Vec<_>>().join(" "));
    }
    text += &condition_text(job.condition.as_ref(), "  ");
    text += &format!("  runs on  {}\n", spec.runs_on);
    if let Some(size) = &spec.size {
        text += &format!("  size     {size}\n");
    }
    if !spec.needs.is_empty() {
        let needs: Vec<_> = spec.needs.iter().map(output::need).collect();
        text += &format!("  needs    {}\n", needs.join(", "));
    }
    text += &format!("  timeout  {}\n", duration(spec.timeout_s));
    text += &failure_text(spec.retries, spec.continue_on_error, "  ");
    if spec.priority != 0 {
        text += &format!("  priority {}\n", spec.priority);
    }
    text += &env_text(&spec.env, "  ");
    for (number, (step, condition)) in (1_usize..).zip(spec.steps.iter().zip(&job.step_conditions))
    {
        text += &step_text(number, step, condition.as_ref());
    }
    spec.artifacts.iter().for_each(|rule| text += &artifact_text(rule));
    text
}

fn condition_text(condition: Option<&Condition>, indent: &str) -> String {
    // It may go over several lines.
    let words =
        |condition: &Condition| condition.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
    condition.map_or_else(String::new, |condition| {
        format!("{indent}if       {}\n", harmless(&words(condition)))
    })
}

/// What happens after a failure, where it is not the usual.
fn failure_text(retries: u32, continue_on_error: bool, indent: &str) -> String {
    let mut text = String::new();
    if retries > 0 {
        text += &format!("{indent}retry    {retries}\n");
    }
    if continue_on_error {
        text += &format!("{indent}failure  allowed\n");
    }
    text
}

fn artifact_text(rule: &ArtifactRule) -> String {
    let mut text = format!("  artifact {}", rule.pattern);
    let words = [
        (rule.required, ", required"),
        (rule.may_change, ", may change"),
        (rule.junit, ", read as JUnit"),
    ];
    for (holds, word) in words {
        text += if holds { word } else { "" };
    }
    if !rule.exclude.is_empty() {
        text += &format!(", without {}", rule.exclude.join(" or "));
    }
    text + "\n"
}

fn step_text(number: usize, step: &StepSpec, condition: Option<&Condition>) -> String {
    let mut text = format!("  step {number}: {}\n", step.name);
    text += &condition_text(condition, "    ");
    text += &format!("    shell    {}\n", step.shell.join(" "));
    if let Some(dir) = &step.working_dir {
        text += &format!("    dir      {dir}\n");
    }
    if let Some(timeout_s) = step.timeout_s {
        text += &format!("    timeout  {}\n", duration(timeout_s));
    }
    text += &failure_text(step.retries, step.continue_on_error, "    ");
    text += &env_text(&step.env, "    ");
    for line in harmless(&step.run).lines() {
        text += format!("    | {line}").trim_end();
        text += "\n";
    }
    text
}

fn env_text(env: &BTreeMap<String, String>, indent: &str) -> String {
    // Debug quotes the value and escapes what would break the line.
    env.iter().map(|(name, value)| format!("{indent}env      {name}={value:?}\n")).collect()
}

fn duration(seconds: u32) -> String {
    humantime::format_duration(Duration::from_secs(seconds.into())).to_string()
}
