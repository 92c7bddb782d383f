//! Commit statuses.

use http::StatusCode;
use reqwest::Method;
use serde::Serialize;
use solstice_forge::{CheckReport, CheckState, ForgeError, MAX_DESCRIPTION_CHARS, text};
use solstice_model::{CommitSha, RepoName};

use crate::client::{Client, below};

/// The body of `POST /repos/{owner}/{repo}/statuses/{sha}`.
#[derive(Serialize)]
struct CreateStatus<'r> {
    context: &'r str,
    description: String,
    state: &'static str,
    target_url: &'r str,
}

/// The state in Forgejo's words, which are the seam's; `warning` and `skipped`,
/// which not all versions know, are never used.
fn word(state: CheckState) -> &'static str {
    match state {
        CheckState::Pending => "pending",
        CheckState::Success => "success",
        CheckState::Failure => "failure",
        CheckState::Error => "error",
    }
}

/// Adds a status; the newest of a context is what the commit shows.
pub(crate) async fn report(
    client: &Client,
    repository: &RepoName,
    commit: &CommitSha,
    report: &CheckReport,
) -> Result<(), ForgeError> {
    let path = below(repository, &["statuses", commit.as_str()]);
    let call = client.call(Method::POST, path, &[]).json(&CreateStatus {
        context: &report.context,
        description: text::one_line(&report.description, MAX_DESCRIPTION_CHARS),
        state: word(report.state),
        target_url: report.target_url.as_str(),
    });
    client.send(call, StatusCode::CREATED).await.map(drop)
}
