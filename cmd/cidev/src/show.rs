//! `cidev show`: a workflow with every default filled in.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use solstice_model::{JobSpec, StepSpec};
use solstice_workflow::{Pattern, Trigger, Workflow};

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
    let job = job.map(|id| find(path, &workflow, id)).transpose()?;
    output::print(&match (job, json) {
        (Some(job), true) => output::json(job),
        (None, true) => output::json(&workflow),
        (Some(job), false) => job_text(job),
        (None, false) => workflow_text(&workflow),
    });
    Ok(Found::AllValid)
}

fn find<'w>(path: &Path, workflow: &'w Workflow, id: &str) -> Result<&'w JobSpec, FileError> {
    let found = workflow.jobs.iter().find(|job| job.name.as_str() == id);
    found.ok_or_else(|| FileError::NoJob {
        path: path.to_owned(),
        job: id.to_owned(),
        known: workflow.jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>().join(", "),
    })
}

fn workflow_text(workflow: &Workflow) -> String {
    let mut text = format!("workflow {}\n", workflow.name);
    for trigger in &workflow.triggers {
        text += &format!("  on       {}\n", trigger_text(trigger));
    }
    for job in &workflow.jobs {
        text += "\n";
        text += &job_text(job);
    }
    text
}

fn trigger_text(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Push { branches, tags } => match (branches.as_slice(), tags.as_slice()) {
            ([], []) => "push to any branch".to_owned(),
            (branches, []) => format!("push to {}", patterns(branches)),
            ([], tags) => format!("push of the tag {}", patterns(tags)),
            (branches, tags) => {
                format!("push to {}, or of the tag {}", patterns(branches), patterns(tags))
            }
        },
        Trigger::PullRequest { branches } if branches.is_empty() => {
            "pull request into any branch".to_owned()
        }
        Trigger::PullRequest { branches } => format!("pull request into {}", patterns(branches)),
        Trigger::Manual => "request".to_owned(),
    }
}

fn patterns(all: &[Pattern]) -> String {
    all.iter().map(Pattern::as_str).collect::<Vec<_>>().join(" or ")
}

fn job_text(job: &JobSpec) -> String {
    let mut text = format!("job {}\n", job.name);
    text += &format!("  runs on  {}\n", job.runs_on);
    if !job.needs.is_empty() {
        let needs: Vec<_> = job.needs.iter().map(|need| need.as_str()).collect();
        text += &format!("  needs    {}\n", needs.join(", "));
    }
    text += &format!("  timeout  {}\n", duration(job.timeout_s));
    text += &env_text(&job.env, "  ");
    for (number, step) in (1_usize..).zip(&job.steps) {
        text += &step_text(number, step);
    }
    text
}

fn step_text(number: usize, step: &StepSpec) -> String {
    let mut text = format!("  step {number}: {}\n", step.name);
    text += &format!("    shell    {}\n", step.shell.join(" "));
    if let Some(dir) = &step.working_dir {
        text += &format!("    dir      {dir}\n");
    }
    if let Some(timeout_s) = step.timeout_s {
        text += &format!("    timeout  {}\n", duration(timeout_s));
    }
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
