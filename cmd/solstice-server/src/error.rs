//! Every error that a caller can see, in one place.
//!
//! What the caller reads and what the log keeps are two texts: an answer never
//! names a file, a statement or a cause inside the server.
//!
//! | status | code | when |
//! | --- | --- | --- |
//! | 400 | `bad_request` | the request makes no sense |
//! | 401 | `unauthenticated` | no token, or one that is not known |
//! | 403 | `forbidden` | the role does not open this, or another site made the request |
//! | 403 | `bad_csrf_token` | a session's request does not repeat what its pages know |
//! | 404 | `not_found` | there is no such thing |
//! | 408 | `too_slow` | the body did not arrive in time |
//! | 409 | `conflict`, `illegal_transition`, `record_gap` | what is there does not allow it |
//! | 410 | `attempt_over` | nobody waits for this attempt any more |
//! | 410 | `log_removed` | the log was there and is kept no longer |
//! | 413 | `too_large` | the body is larger than it may be |
//! | 413 | `log_too_long` | the log of the attempt has reached its bound |
//! | 415 | `unsupported_media_type` | the body is of a kind that is not read |
//! | 416 | `bad_range` | the part that was asked for is none of it |
//! | 409 | `idempotency_key_under_way`, `idempotency_answer_lost` | see `once` |
//! | 422 | `idempotency_key_reused` | the key came with another request before |
//! | 422 | `nothing_to_run` | no workflow there is to be started by hand |
//! | 429 | `too_many_tries` | too many sign-ins failed from this address |
//! | 502 | `forge_failed` | the forge does not answer as it should |
//! | 503 | `busy`, `not_ready` | try again later |
//! | 507 | `disk_full`, `no_room` | the server's disk, or what it may fill of it, is full |

use dropshot::{ErrorStatusCode, HttpError};
use solstice_api::host::codes;
use solstice_artifact::ArtifactError;
use solstice_engine::{ApplyError, StartError};
use solstice_forge::ForgeError;
use solstice_joblog::LogError;
use solstice_log::chain;
use solstice_store::StoreError;

/// An error with a status, a code and a text for the caller.
pub(crate) fn client_error(
    status: ErrorStatusCode,
    code: &'static str,
    message: impl Into<String>,
) -> HttpError {
    let message = message.into();
    HttpError {
        status_code: status,
        error_code: Some(code.to_owned()),
        internal_message: message.clone(),
        external_message: message,
        headers: None,
    }
}

/// The same, with a text of its own for the log.
fn server_error(
    status: ErrorStatusCode,
    code: &'static str,
    message: &'static str,
    internal: String,
) -> HttpError {
    HttpError { internal_message: internal, ..client_error(status, code, message) }
}

/// 400.
pub(crate) fn bad_request(message: impl Into<String>) -> HttpError {
    client_error(ErrorStatusCode::BAD_REQUEST, "bad_request", message)
}

/// 404.
pub(crate) fn not_found(message: impl Into<String>) -> HttpError {
    client_error(ErrorStatusCode::NOT_FOUND, "not_found", message)
}

/// 503.
pub(crate) fn busy(message: &'static str) -> HttpError {
    client_error(ErrorStatusCode::SERVICE_UNAVAILABLE, "busy", message)
}

/// 410: the host is to destroy the machine.
pub(crate) fn attempt_over() -> HttpError {
    let message = "nobody waits for this attempt any more";
    client_error(ErrorStatusCode::GONE, codes::ATTEMPT_OVER, message)
}

/// 410: it was there, and is not any more.
pub(crate) fn removed(what: &str) -> HttpError {
    let message = format!("{what} was removed: the server keeps it for a limited time or size");
    client_error(ErrorStatusCode::GONE, "removed", message)
}

/// 503 with reasons that anybody may know.
pub(crate) fn not_ready(reasons: &[String]) -> HttpError {
    client_error(ErrorStatusCode::SERVICE_UNAVAILABLE, "not_ready", reasons.join("; "))
}

fn disk_full(internal: String) -> HttpError {
    let message = "the server's disk is full";
    server_error(ErrorStatusCode::INSUFFICIENT_STORAGE, "disk_full", message, internal)
}

fn unavailable(internal: String) -> HttpError {
    let message = "the server cannot do this at the moment";
    server_error(ErrorStatusCode::SERVICE_UNAVAILABLE, "busy", message, internal)
}

fn bug(internal: String) -> HttpError {
    let message = "something went wrong inside the server; its log says what";
    server_error(ErrorStatusCode::INTERNAL_SERVER_ERROR, "internal", message, internal)
}

/// What a failure of the store is to a caller.
pub(crate) fn from_store(error: StoreError) -> HttpError {
    let internal = chain(&error);
    match error {
        StoreError::NotFound { what, .. } => not_found(format!("there is no such {what}")),
        StoreError::Conflict { .. } => {
            client_error(ErrorStatusCode::CONFLICT, "conflict", internal)
        }
        StoreError::IllegalTransition(_) => {
            client_error(ErrorStatusCode::CONFLICT, "illegal_transition", internal)
        }
        StoreError::AttemptOver { .. } => attempt_over(),
        StoreError::BadRecord { .. } => bad_request(internal),
        StoreError::Full => disk_full(internal),
        StoreError::ReadOnly | StoreError::Locked { .. } | StoreError::Closed => {
            unavailable(internal)
        }
        StoreError::Corrupt { .. }
        | StoreError::Newer { .. }
        | StoreError::Io { .. }
        | StoreError::Broken { .. } => bug(internal),
    }
}

/// What a failure of the logs is to a caller.
pub(crate) fn from_log(error: LogError) -> HttpError {
    let internal = chain(&error);
    match error {
        LogError::Gap { .. } => {
            client_error(ErrorStatusCode::CONFLICT, codes::RECORD_GAP, internal)
        }
        LogError::TooLarge { .. } => {
            client_error(ErrorStatusCode::PAYLOAD_TOO_LARGE, "too_large", internal)
        }
        LogError::TooLong { .. } => {
            client_error(ErrorStatusCode::PAYLOAD_TOO_LARGE, "log_too_long", internal)
        }
        LogError::Sealed { .. } => attempt_over(),
        LogError::Removed => client_error(ErrorStatusCode::GONE, "log_removed", internal),
        LogError::Full => disk_full(internal),
        LogError::Locked { .. } | LogError::Closed => unavailable(internal),
        LogError::Damaged { .. } | LogError::Io { .. } => bug(internal),
    }
}

/// What a failure to apply records is to a caller.
pub(crate) fn from_apply(error: ApplyError) -> HttpError {
    match error {
        ApplyError::Log(error) => from_log(error),
        ApplyError::Store(error) => from_store(error),
    }
}

/// What a failure of the artifacts is to a caller.
pub(crate) fn from_artifact(error: ArtifactError) -> HttpError {
    let internal = chain(&error);
    match error {
        ArtifactError::Absent { .. } => not_found("there is no such artifact"),
        ArtifactError::Exists { .. } => {
            client_error(ErrorStatusCode::CONFLICT, "conflict", internal)
        }
        ArtifactError::TooLarge { .. }
        | ArtifactError::AttemptTooLarge { .. }
        | ArtifactError::TooMany { .. } => {
            client_error(ErrorStatusCode::PAYLOAD_TOO_LARGE, codes::TOO_LARGE, internal)
        }
        ArtifactError::Full { .. } => {
            let message = "the server has no room for more artifacts";
            server_error(ErrorStatusCode::INSUFFICIENT_STORAGE, codes::NO_ROOM, message, internal)
        }
        ArtifactError::DiskFull => {
            let message = "the server's disk is full";
            server_error(ErrorStatusCode::INSUFFICIENT_STORAGE, codes::NO_ROOM, message, internal)
        }
        ArtifactError::Removed { .. } => attempt_over(),
        ArtifactError::Locked { .. } | ArtifactError::Closed => unavailable(internal),
        ArtifactError::GivenUp
        | ArtifactError::BadName { .. }
        | ArtifactError::Damaged { .. }
        | ArtifactError::Io { .. } => bug(internal),
    }
}

/// That a forge did not do its part, to a caller.
pub(crate) fn from_forge(error: ForgeError) -> HttpError {
    let message = "the forge does not answer as it should; try again later";
    server_error(ErrorStatusCode::BAD_GATEWAY, "forge_failed", message, chain(&error))
}

/// Why nothing was started by hand, to a caller.
pub(crate) fn from_start(error: StartError) -> HttpError {
    let internal = chain(&error);
    match error {
        StartError::UnknownForge { .. } => bad_request(internal),
        StartError::Absent(_) => not_found(internal),
        StartError::NothingToRun(_) => {
            client_error(ErrorStatusCode::UNPROCESSABLE_ENTITY, "nothing_to_run", internal)
        }
        StartError::Forge(error) => from_forge(error),
        StartError::Store(error) => from_store(error),
    }
}
