//! The server, as the orchestrator sees it: calls whose errors say what to do.

use std::time::Duration;

use solstice_api::agent::{ArtifactStored, RecordBatch, RecordsAccepted};
use solstice_api::host::{FetchCredential, HostReport, SyncRequest, SyncResponse, codes};
use solstice_client::host::{Client, types};
use solstice_model::AttemptId;
use solstice_model::id::new_id;

/// How long a short call may take altogether.
const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Why the server did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It cannot be reached or is not well: try again later.
    #[error("the server does not answer: {why}")]
    Away {
        /// What happened.
        why: String,
    },
    /// It does not take this host's token.
    #[error("the server refuses this host's token: {why}")]
    Unauthorized {
        /// Its own words.
        why: String,
    },
    /// Nobody waits for the attempt any more.
    #[error("the attempt is over")]
    Over,
    /// Records are missing between what it has and what was sent.
    #[error("records are missing: {why}")]
    Gap {
        /// Its own words.
        why: String,
    },
    /// What is sent is more than it keeps of one attempt.
    #[error("it is too large for the server: {why}")]
    TooLarge {
        /// Its own words.
        why: String,
    },
    /// It has no room.
    #[error("the server has no room: {why}")]
    NoRoom {
        /// Its own words.
        why: String,
    },
    /// It refuses the request for good.
    #[error("the server refuses: {why} (HTTP status {status})")]
    Refused {
        /// The answer's status.
        status: u16,
        /// Its own words.
        why: String,
    },
}

/// The calls of the host API.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    client: Client,
    /// For what takes as long as it takes.
    transfers: Client,
}

impl Server {
    pub(crate) fn new(client: Client, transfers: Client) -> Self {
        Self { client, transfers }
    }

    /// Tells what this host has, and learns what is wanted. Waits as long as
    /// the request says.
    pub(crate) async fn sync(&self, request: &SyncRequest) -> Result<SyncResponse, ServerError> {
        let limit = CALL_LIMIT + Duration::from_millis(request.wait_ms.into());
        within(limit, self.client.host_sync(request)).await
    }

    pub(crate) async fn report(
        &self,
        id: AttemptId,
        report: &HostReport,
    ) -> Result<(), ServerError> {
        within(CALL_LIMIT, self.client.host_report(&id, report)).await
    }

    /// Hands records over; an empty batch asks how many the server has.
    pub(crate) async fn records(
        &self,
        id: AttemptId,
        batch: &RecordBatch,
    ) -> Result<RecordsAccepted, ServerError> {
        within(CALL_LIMIT, self.client.host_records(&id, batch)).await
    }

    /// Begins to fetch what the jobs that an attempt's job needs have left. The
    /// caller sees to it that this comes to an end.
    pub(crate) async fn inputs(
        &self,
        id: AttemptId,
    ) -> Result<solstice_client::ByteStream, ServerError> {
        match self.transfers.host_inputs(&id).await {
            Ok(answer) => Ok(answer.into_inner()),
            Err(error) => Err(classify(error, told)),
        }
    }

    /// Hands over one artifact. The caller sees to it that this comes to an end.
    pub(crate) async fn artifact(
        &self,
        id: AttemptId,
        index: u32,
        path: &str,
        content: reqwest::Body,
    ) -> Result<ArtifactStored, ServerError> {
        match self.transfers.host_artifact(&id, index, path, content).await {
            Ok(answer) => Ok(answer.into_inner()),
            Err(error) => Err(classify(error, told)),
        }
    }

    /// What is needed to fetch the source of an attempt; `None` if nothing is, or
    /// nothing is to be had.
    pub(crate) async fn credential(
        &self,
        id: AttemptId,
    ) -> Result<Option<FetchCredential>, ServerError> {
        match within(CALL_LIMIT, self.client.host_credential(&id)).await {
            Ok(credential) => Ok(Some(credential)),
            Err(ServerError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn console(&self, id: AttemptId, bytes: Vec<u8>) -> Result<(), ServerError> {
        within(CALL_LIMIT, self.client.host_console(&id, bytes)).await
    }
}

/// Sees whether the server is there and takes the client's token. Asks about
/// an attempt that does not exist, which changes nothing.
///
/// # Errors
///
/// [`ServerError::Away`] or [`ServerError::Unauthorized`].
pub async fn check_server(client: Client) -> Result<(), ServerError> {
    let nothing = RecordBatch { records: Vec::new() };
    match Server::new(client.clone(), client).records(new_id(), &nothing).await {
        Err(error @ (ServerError::Away { .. } | ServerError::Unauthorized { .. })) => Err(error),
        // That it does not know the attempt is what was expected.
        _ => Ok(()),
    }
}

type Answer<T> = Result<solstice_client::ResponseValue<T>, solstice_client::Error<types::Error>>;

async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Answer<T>>,
) -> Result<T, ServerError> {
    match tokio::time::timeout(limit, call).await {
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        Ok(Err(error)) => Err(classify(error, told)),
        Err(_) => Err(ServerError::Away { why: format!("no answer within {} s", limit.as_secs()) }),
    }
}

/// Code and words of a refusal, with the id that the server gave the request: its log
/// has more to say. Guests are told some of the words, and no id.
fn told(error: types::Error) -> (Option<String>, String) {
    let to_guest = matches!(error.error_code.as_deref(), Some(codes::TOO_LARGE | codes::NO_ROOM));
    let words = match error.request_id.as_str() {
        "" => error.message,
        _ if to_guest => error.message,
        id => format!("{} (request {id})", error.message),
    };
    (error.error_code, words)
}

fn classify<E>(
    error: solstice_client::Error<E>,
    told: impl FnOnce(E) -> (Option<String>, String),
) -> ServerError {
    use solstice_client::Error;
    match error {
        Error::ErrorResponse(answer) => {
            let status = answer.status().as_u16();
            let (code, message) = told(answer.into_inner());
            by_status(status, code.as_deref(), message)
        }
        Error::CommunicationError(error) | Error::ResponseBodyError(error) => {
            // Whoever reads this knows which server it is.
            ServerError::Away { why: solstice_log::chain(&error.without_url()) }
        }
        Error::UnexpectedResponse(answer) => {
            by_status(answer.status().as_u16(), None, "an answer that is not of the API".to_owned())
        }
        _ => ServerError::Refused { status: 0, why: "an answer that is not of the API".to_owned() },
    }
}

fn by_status(status: u16, code: Option<&str>, why: String) -> ServerError {
    match (status, code) {
        (410, _) => ServerError::Over,
        (409, Some(codes::RECORD_GAP)) => ServerError::Gap { why },
        (401 | 403, _) => ServerError::Unauthorized { why },
        (413, Some(codes::TOO_LARGE)) => ServerError::TooLarge { why },
        (507, Some(codes::NO_ROOM)) => ServerError::NoRoom { why },
        (408 | 429 | 500..=599, _) => {
            ServerError::Away { why: format!("{why} (HTTP status {status})") }
        }
        _ => ServerError::Refused { status, why },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_say_what_to_do() {
        let kind = |status, code| match by_status(status, code, String::new()) {
            ServerError::Away { .. } => "away",
            ServerError::Unauthorized { .. } => "unauthorized",
            ServerError::Over => "over",
            ServerError::Gap { .. } => "gap",
            ServerError::TooLarge { .. } => "too large",
            ServerError::NoRoom { .. } => "no room",
            ServerError::Refused { .. } => "refused",
        };
        for (status, code, expected) in [
            (401, None, "unauthorized"),
            (403, None, "unauthorized"),
            (404, None, "refused"),
            (409, Some("record_gap"), "gap"),
            (409, None, "refused"),
            (410, Some("attempt_over"), "over"),
            (413, Some("too_large"), "too large"),
            (413, None, "refused"),
            (429, None, "away"),
            (507, Some("no_room"), "no room"),
            (507, None, "away"),
            (500, None, "away"),
            (503, None, "away"),
        ] {
            assert_eq!(kind(status, code), expected, "{status}");
        }
    }
}
