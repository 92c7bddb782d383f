//! Why a call failed, in one type however the generated code puts it.

use progenitor::progenitor_client::Error;
use reqwest::StatusCode;
use serde::Deserialize;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The server said no.
    #[error("{message}")]
    Answer {
        /// How it answered.
        status: StatusCode,
        /// Its code for the reason, if it gave one.
        code: Option<String>,
        /// What it said.
        message: String,
    },
    /// The server was not reached, or the connection broke.
    #[error("the connection failed")]
    Connection(#[source] reqwest::Error),
    /// Something answered that does not speak this API, or another version of it.
    #[error("the answer is not understood: {why}")]
    Strange {
        /// What was wrong with it.
        why: String,
    },
}

/// An error answer of the server's.
#[derive(Deserialize)]
struct Body {
    error_code: Option<String>,
    message: String,
}

/// What an error's body says to people: its message, or the text itself.
pub fn refusal_text(body: &[u8]) -> String {
    match serde_json::from_slice::<Body>(body) {
        Ok(body) => body.message,
        Err(_) => String::from_utf8_lossy(body).trim().chars().take(200).collect(),
    }
}

fn answer(status: StatusCode, body: &[u8]) -> Refusal {
    let code = serde_json::from_slice::<Body>(body).ok().and_then(|body| body.error_code);
    let text = refusal_text(body);
    let message = if text.is_empty() { format!("the server answers {status}") } else { text };
    Refusal::Answer { status, code, message }
}

impl Refusal {
    /// What a failed call means.
    pub async fn of(error: Error<crate::user::types::Error>) -> Self {
        match error {
            Error::ErrorResponse(told) => {
                let status = told.status();
                let told = told.into_inner();
                Self::Answer { status, code: told.error_code, message: told.message }
            }
            other => Self::rest(other).await,
        }
    }

    async fn rest<E>(error: Error<E>) -> Self {
        match error {
            Error::CommunicationError(source)
            | Error::InvalidUpgrade(source)
            | Error::ResponseBodyError(source) => Self::Connection(source),
            Error::UnexpectedResponse(response) => {
                let status = response.status();
                let body = response.bytes().await.unwrap_or_default();
                answer(status, &body)
            }
            Error::InvalidResponsePayload(_, wrong) => Self::Strange { why: wrong.to_string() },
            Error::InvalidRequest(why) | Error::Custom(why) => Self::Strange { why },
            Error::ErrorResponse(told) => answer(told.status(), b""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_what_the_server_said_or_else_its_status() {
        let body =
            br#"{"request_id":"1","error_code":"not_found","message":"there is no such run"}"#;
        let Refusal::Answer { code, message, .. } = answer(StatusCode::NOT_FOUND, body) else {
            panic!()
        };
        assert_eq!(
            (code.as_deref(), message.as_str()),
            (Some("not_found"), "there is no such run")
        );
        let bare = answer(StatusCode::BAD_GATEWAY, b"").to_string();
        assert_eq!(bare, "the server answers 502 Bad Gateway");
        assert_eq!(
            answer(StatusCode::BAD_GATEWAY, b"<h1>nginx</h1>").to_string(),
            "<h1>nginx</h1>"
        );
    }
}
