//! The API as seen by a repository: what is asked for, as structures of ours.

use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use solstice_forge::{ForgeError, MAX_TITLE_CHARS, Retry, text};
use solstice_model::RepoName;

use crate::client::{Answer, Body, Call, Client, below};
use crate::installation::Installations;

/// The largest answer that is read where nothing else is said. That of a
/// commit holds its whole message.
pub(crate) const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// The API, in the name of whichever installation a repository belongs to.
pub(crate) struct Api {
    pub(crate) client: Client,
    pub(crate) installations: Installations,
}

impl Api {
    /// A call that reads something below the repository.
    pub(crate) fn get(&self, repository: &RepoName, path: &[&str], query: &[(&str, &str)]) -> Call {
        self.client.call(Method::GET, below(repository, path), query)
    }

    /// Sends a call; the answer is one of this status.
    pub(crate) async fn send(
        &self,
        repository: &RepoName,
        call: &Call,
        wanted: StatusCode,
    ) -> Result<Answer, ForgeError> {
        self.installations.send(&self.client, repository, call, wanted).await
    }

    /// Asks for something.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        repository: &RepoName,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, ForgeError> {
        let call = self.get(repository, path, query);
        let answer = self.send(repository, &call, StatusCode::OK).await?;
        parsed(&call.what, answer, MAX_ANSWER_BYTES).await
    }

    /// Asks for something that need not be there.
    pub(crate) async fn find<T: DeserializeOwned>(
        &self,
        repository: &RepoName,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<T>, ForgeError> {
        match self.ask(repository, path, query).await {
            Err(ForgeError::Refused { status: 404, .. }) => Ok(None),
            other => other.map(Some),
        }
    }
}

/// The answer as JSON, if it is no larger than this.
pub(crate) async fn parsed<T: DeserializeOwned>(
    what: &str,
    answer: Answer,
    max_bytes: usize,
) -> Result<T, ForgeError> {
    let Body::Whole(body) = answer.read(max_bytes).await? else {
        return Err(unusable(what, format!("it is larger than {max_bytes} bytes")));
    };
    serde_json::from_slice(&body)
        .map_err(|error| unusable(what, text::one_line(&error.to_string(), MAX_TITLE_CHARS)))
}

pub(crate) fn unusable(what: &str, why: impl Into<String>) -> ForgeError {
    ForgeError::BadAnswer { what: what.to_owned(), why: why.into(), retry: Retry::Backoff }
}
