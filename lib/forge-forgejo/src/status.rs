//! Commit statuses.

use http::StatusCode;
use reqwest::Method;
use serde::Serialize;
use solstice_forge::{Check, CheckState, ForgeError, MAX_DESCRIPTION_CHARS, text};

use crate::client::{Client, below};

/// The body of `POST /repos/{owner}/{repo}/statuses/{sha}`.
#[derive(Serialize)]
struct CreateStatus<'r> {
    context: &'r str,
    description: String,
    state: &'static str,
    target_url: &'r str,
}

/// The state in Forgejo's words; `warning` and `skipped`, which not all versions
/// know, are never used.
fn word(state: CheckState) -> &'static str {
    match state.of_four() {
        CheckState::Success => "success",
        CheckState::Failure => "failure",
        CheckState::Error => "error",
        _ => "pending",
    }
}

/// Adds a status; the newest of a context is what the commit shows.
pub(crate) async fn report(client: &Client, check: &Check<'_>) -> Result<(), ForgeError> {
    let Check { repository, commit, report, .. } = *check;
    let path = below(repository, &["statuses", commit.as_str()]);
    let call = client.call(Method::POST, path, &[]).json(&CreateStatus {
        context: &report.context,
        description: text::one_line(&report.description, MAX_DESCRIPTION_CHARS),
        state: word(report.state),
        target_url: report.target_url.as_str(),
    });
    client.send(call, StatusCode::CREATED).await.map(drop)
}
