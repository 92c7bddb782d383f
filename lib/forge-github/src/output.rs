//! What a check run is made to show, within the limits of the API.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use solstice_forge::{
    Check, CheckAction, CheckState, MAX_ACTIONS, MAX_DESCRIPTION_CHARS, MAX_DETAIL_BYTES, text,
};
use solstice_model::Annotation;

/// The most annotations of one request.
pub(crate) const MAX_BATCH: usize = 50;

/// The longest title of an annotation, in characters.
const MAX_ANNOTATION_TITLE_CHARS: usize = 255;

/// The longest message of an annotation, in bytes.
const MAX_ANNOTATION_MESSAGE_BYTES: usize = 64 * 1024 - 1;

/// The body of `POST /repos/{owner}/{repo}/check-runs`.
#[derive(Serialize)]
pub(crate) struct CreateRun<'c> {
    name: &'c str,
    head_sha: &'c str,
    external_id: &'c str,
    #[serde(flatten)]
    rest: UpdateRun<'c>,
}

/// The body of `PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}`.
#[derive(Serialize)]
pub(crate) struct UpdateRun<'c> {
    details_url: &'c str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    conclusion: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<String>,
    output: Output<'c>,
    /// The buttons; GitHub shows those of the last report that has this.
    #[serde(skip_serializing_if = "Option::is_none")]
    actions: Option<Vec<Action>>,
}

#[derive(Serialize)]
struct Output<'c> {
    title: &'c str,
    summary: &'c str,
    #[serde(skip_serializing_if = "str::is_empty")]
    text: &'c str,
    /// Added to those that are there already.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<OutputAnnotation<'c>>,
}

#[derive(Serialize)]
struct OutputAnnotation<'c> {
    path: &'c str,
    start_line: u32,
    end_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u32>,
    annotation_level: &'static str,
    message: &'c str,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
}

#[derive(Serialize)]
struct Action {
    label: &'static str,
    description: &'static str,
    identifier: &'static str,
}

/// A check in GitHub's words.
pub(crate) struct Shown<'c> {
    title: String,
    summary: &'c str,
    text: &'c str,
    annotations: &'c [Annotation],
}

impl<'c> Shown<'c> {
    pub(crate) fn of(check: &Check<'c>) -> Self {
        let description = check.report.description.as_str();
        let details = check.details;
        let title = details.map_or(description, |details| &details.title);
        let title = match (title, check.report.state) {
            // What GitHub calls cancelled, nobody has cancelled.
            (title, CheckState::Error) => format!("Could not be run: {title}"),
            ("", _) => check.report.context.clone(),
            (title, _) => title.to_owned(),
        };
        Self {
            title: text::one_line(&title, MAX_DESCRIPTION_CHARS * 2),
            summary: cut(details.map_or(description, |details| &details.summary)),
            text: cut(details.map_or("", |details| &details.text)),
            annotations: details.map_or(&[], |details| &details.annotations),
        }
    }

    /// The next annotations to send if so many are there, and how many are then left.
    pub(crate) fn batch(&self, there: usize) -> (&'c [Annotation], usize) {
        let left = self.annotations.get(there..).unwrap_or_default();
        let (batch, rest) = left.split_at(left.len().min(MAX_BATCH));
        (batch, rest.len())
    }

    /// A new run with these annotations.
    pub(crate) fn create<'s>(
        &'s self,
        check: &Check<'s>,
        batch: &'s [Annotation],
    ) -> CreateRun<'s> {
        CreateRun {
            name: &check.report.context,
            head_sha: check.commit.as_str(),
            external_id: check.subject,
            rest: self.update(check, batch),
        }
    }

    /// A change of a run, which adds these annotations.
    pub(crate) fn update<'s>(
        &'s self,
        check: &Check<'s>,
        batch: &'s [Annotation],
    ) -> UpdateRun<'s> {
        let (status, conclusion) = words(check.report.state);
        let details = check.details;
        let over = conclusion.is_some();
        let completed_at = details.and_then(|details| details.completed_at).filter(|_| over);
        let started_at = details.and_then(|details| details.started_at);
        let buttons = details.map_or(&[][..], |details| &details.actions);
        UpdateRun {
            details_url: check.report.target_url.as_str(),
            status,
            conclusion,
            started_at: started_at.filter(|_| status != "queued").map(instant),
            completed_at: completed_at.map(instant),
            output: Output {
                title: &self.title,
                summary: self.summary,
                text: self.text,
                annotations: batch.iter().map(annotation).collect(),
            },
            actions: over.then(|| buttons.iter().take(MAX_ACTIONS).map(button).collect()),
        }
    }
}

/// The status of a check run, and its conclusion if it is over.
///
/// What we could not find out is `cancelled`: `failure` would blame the change
/// (invariant I9), and `skipped` and `neutral` would let it be merged.
fn words(state: CheckState) -> (&'static str, Option<&'static str>) {
    match state {
        CheckState::Pending => ("queued", None),
        CheckState::Running => ("in_progress", None),
        CheckState::ActionRequired => ("completed", Some("action_required")),
        CheckState::Success => ("completed", Some("success")),
        CheckState::Skipped => ("completed", Some("skipped")),
        CheckState::Failure => ("completed", Some("failure")),
        CheckState::TimedOut => ("completed", Some("timed_out")),
        CheckState::Cancelled | CheckState::Error => ("completed", Some("cancelled")),
    }
}

/// At most [`MAX_DETAIL_BYTES`]: whether the server counts characters or bytes
/// is not said, and this holds either way.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_DETAIL_BYTES)]
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn annotation(remark: &Annotation) -> OutputAnnotation<'_> {
    let column = remark.column.filter(|_| remark.line == remark.end_line);
    let message = &remark.message;
    OutputAnnotation {
        path: &remark.path,
        start_line: remark.line,
        end_line: remark.end_line,
        start_column: column,
        end_column: column,
        annotation_level: remark.level.name(),
        message: &message[..message.floor_char_boundary(MAX_ANNOTATION_MESSAGE_BYTES)],
        title: text::one_line(&remark.title, MAX_ANNOTATION_TITLE_CHARS),
    }
}

/// A label has at most 20 characters, a description 40.
fn button(action: &CheckAction) -> Action {
    let (label, description) = match action {
        CheckAction::Rerun => ("Run again", "Run this once more"),
        CheckAction::RerunFailed => ("Run failed again", "Run what failed of it once more"),
        CheckAction::Cancel => ("Cancel", "Stop this run"),
        CheckAction::Approve => ("Approve and run", "Let this commit run on our machines"),
    };
    Action { label, description, identifier: action.identifier() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_success_and_the_authors_wish_lets_a_change_be_merged() {
        // GitHub counts these as passed where a check is required.
        let passes = ["success", "skipped", "neutral"];
        for state in CheckState::ALL {
            let (status, conclusion) = words(state);
            assert_eq!(status == "completed", conclusion.is_some());
            let passed = conclusion.is_some_and(|word| passes.contains(&word));
            let may = matches!(state, CheckState::Success | CheckState::Skipped);
            assert_eq!(passed, may, "{state:?}");
            let blamed = matches!(state, CheckState::Failure);
            assert_eq!(conclusion == Some("failure"), blamed, "{state:?}");
        }
    }

    #[test]
    fn buttons_fit() {
        for action in CheckAction::ALL {
            let button = button(&action);
            assert!(button.label.len() <= 20 && button.description.len() <= 40);
            assert!(button.identifier.len() <= 20);
        }
    }

    #[test]
    fn texts_are_cut_by_bytes_and_between_characters() {
        assert_eq!(cut("ü"), "ü");
        let long = format!("x{}", "🚀".repeat(20_000));
        assert_eq!(cut(&long).len(), 65_533);
        assert_eq!(cut(&"x".repeat(65_536)).len(), 65_535);
    }
}
