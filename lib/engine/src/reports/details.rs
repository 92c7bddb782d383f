//! What a forge shows of a check beyond its few words: pure, from what is known to
//! Markdown, within the seam's limits.
//!
//! Nothing that a program, a workflow or a user wrote is in it but as code
//! ([`markdown`]); of what is too long the end is kept, since that is where a log
//! says why.

use solstice_api::user::{Attempt, JobDetail, Run, Step};
use solstice_display::duration;
use solstice_forge::{CheckAction, CheckDetails, CheckReport, CheckState, MAX_DETAIL_BYTES};
use solstice_model::{Annotation, JobState};

use super::markdown::{block, code, start_of};

/// The longest name of a step that is shown, in characters.
const MAX_NAME_CHARS: usize = 80;

/// The longest outcome that is shown, in characters.
const MAX_OUTCOME_CHARS: usize = 200;

/// The most that the table of steps may be, in bytes. With the log's end and the
/// fence around it, which may be twice as long again, all stays within the limit.
const MAX_TABLE_BYTES: usize = 8 * 1024;

/// The most of a workflow's diagnostics that is shown, in bytes; likewise.
const MAX_PROBLEM_BYTES: usize = 16 * 1024;

/// What is known of a job besides its report.
pub(crate) struct Material<'m> {
    pub(crate) report: &'m CheckReport,
    pub(crate) detail: &'m JobDetail,
    /// The end of its last attempt's log, without controls; empty if there is none.
    pub(crate) tail: &'m str,
    pub(crate) annotations: Vec<Annotation>,
    /// How many more there were.
    pub(crate) omitted: u32,
}

/// The details of a job's check.
pub(crate) fn of_job(material: Material<'_>) -> CheckDetails {
    let Material { report, detail, tail, omitted, .. } = &material;
    let over = report.state.is_over();
    let mut summary = Vec::new();
    if over || detail.steps.is_empty() {
        summary.push(format!("{}\n", code(&report.description, MAX_OUTCOME_CHARS)));
    }
    if !detail.steps.is_empty() {
        summary.push(table(detail, over));
    }
    if !tail.is_empty() {
        summary.push(format!("The end of the log:\n\n{}", block(tail)));
    }
    if *omitted > 0 {
        summary.push(format!("Remarks on the source that are not shown: {omitted}.\n"));
    }
    summary.push(link("The whole log, artifacts and history", report));
    CheckDetails {
        started_at: detail.job.started_at,
        completed_at: detail.job.finished_at.filter(|_| over),
        title: title(report, detail),
        summary: bounded(summary.join("\n")),
        text: tries(&detail.attempts),
        actions: actions(report.state),
        annotations: material.annotations,
    }
}

/// The details of the check of a run whose workflow is broken.
pub(crate) fn of_broken_run(
    report: &CheckReport,
    run: &Run,
    annotations: Vec<Annotation>,
) -> CheckDetails {
    let problem = run.problem.as_deref().unwrap_or_default();
    let shown: Vec<&str> = problem.lines().collect();
    let shown =
        shown.join("\n").replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t'), " ");
    let summary = [
        format!("{} cannot be run, since it is broken.\n", code(&run.file, MAX_OUTCOME_CHARS)),
        block(start_of(&shown, MAX_PROBLEM_BYTES)),
        link("This on a page of its own", report),
    ];
    CheckDetails {
        started_at: Some(run.created_at),
        completed_at: Some(run.finished_at.unwrap_or(run.created_at)),
        title: report.description.clone(),
        summary: bounded(summary.join("\n")),
        text: String::new(),
        annotations,
        actions: Vec::new(),
    }
}

/// The step that runs, or where the job stands.
fn title(report: &CheckReport, detail: &JobDetail) -> String {
    let runs = matches!(detail.job.state, JobState::Running(_)) && !report.state.is_over();
    let open = detail.steps.iter().rev().find(|step| step.finished_at.is_none());
    match open.filter(|_| runs) {
        Some(step) => {
            let blanked = step.name.chars().map(|c| if c.is_control() { ' ' } else { c });
            let name: String = blanked.take(MAX_NAME_CHARS).collect();
            let number = u64::from(step.index) + 1;
            format!("step {number}/{}: {}", detail.spec.steps.len(), name.trim())
        }
        None => report.description.clone(),
    }
}

/// The steps that have begun, and how many have not. Where there is no room for
/// all of them the first are left out.
fn table(detail: &JobDetail, over: bool) -> String {
    let mut rows: Vec<String> = detail.steps.iter().map(|step| row(step, over)).collect();
    let mut bytes: usize = rows.iter().map(String::len).sum();
    let mut left_out = 0;
    while bytes > MAX_TABLE_BYTES && rows.len() > 1 {
        bytes -= rows.remove(0).len();
        left_out += 1;
    }
    let mut table = String::from("| | Step | Outcome | Time |\n| --- | --- | --- | --- |\n");
    if left_out > 0 {
        table.push_str(&format!("| | {left_out} steps before | | |\n"));
    }
    rows.iter().for_each(|row| table.push_str(row));
    let waiting = detail.spec.steps.len().saturating_sub(detail.steps.len());
    if waiting > 0 {
        let what = if over { "not run" } else { "to come" };
        let steps = if waiting == 1 { "step" } else { "steps" };
        table.push_str(&format!("| | {waiting} {steps} {what} | | |\n"));
    }
    table
}

fn row(step: &Step, over: bool) -> String {
    let name = code(&step.name, MAX_NAME_CHARS);
    let time = match step.finished_at {
        Some(finished_at) if step.tries > 0 => duration(finished_at - step.started_at),
        _ => String::new(),
    };
    format!("| {} | {name} | {} | {time} |\n", u64::from(step.index) + 1, outcome(step, over))
}

fn outcome(step: &Step, over: bool) -> String {
    let mut said = match (&step.exit, step.finished_at) {
        (_, None) if over => "cut off".to_owned(),
        (_, None) => "running".to_owned(),
        (_, Some(_)) if step.tries == 0 => "skipped".to_owned(),
        (None, Some(_)) => "over".to_owned(),
        (Some(exit), Some(_)) if exit.success() => "succeeded".to_owned(),
        (Some(exit), Some(_)) => code(&exit.to_string(), MAX_OUTCOME_CHARS),
    };
    if step.tries > 1 {
        said.push_str(&format!(", try {}", step.tries));
    }
    said
}

/// What became of the tries before the last.
fn tries(attempts: &[Attempt]) -> String {
    let Some((_, before)) = attempts.split_last() else { return String::new() };
    let told = before.iter().map(|attempt| {
        let host = code(attempt.host.as_str(), MAX_NAME_CHARS);
        let why = attempt.lost.as_deref().unwrap_or("failed");
        format!("- Try {} at {host}: {}\n", attempt.number, code(why, MAX_OUTCOME_CHARS))
    });
    bounded(told.collect())
}

/// The buttons. What waits or runs has none: forges show them once a check is over.
fn actions(state: CheckState) -> Vec<CheckAction> {
    match state {
        CheckState::ActionRequired => vec![CheckAction::Approve, CheckAction::Cancel],
        CheckState::Failure | CheckState::TimedOut | CheckState::Cancelled | CheckState::Error => {
            vec![CheckAction::Rerun, CheckAction::RerunFailed]
        }
        CheckState::Pending | CheckState::Running | CheckState::Success | CheckState::Skipped => {
            Vec::new()
        }
    }
}

fn link(text: &str, report: &CheckReport) -> String {
    format!("[{text}](<{}>)\n", report.target_url)
}

/// The seam's limit, which what is made here stays below by itself.
fn bounded(text: String) -> String {
    start_of(&text, MAX_DETAIL_BYTES).to_owned()
}

#[cfg(test)]
mod tests;
