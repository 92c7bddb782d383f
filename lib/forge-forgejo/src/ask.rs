//! Questions: what the API says of one thing, of bounded size.

use http::StatusCode;
use reqwest::Method;
use serde::de::DeserializeOwned;
use solstice_forge::{ForgeError, MAX_TITLE_CHARS, Retry, text};

use crate::client::{Body, Client, read};

/// The largest answer that is read: twenty pull requests with the longest
/// descriptions, or a thousand commits.
pub(crate) const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// An answer, if it is not too large.
pub(crate) enum Answer<T> {
    Told(T),
    TooLarge,
}

/// Asks for something that has to be there.
pub(crate) async fn ask<T: DeserializeOwned>(
    client: &Client,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<T, ForgeError> {
    match ask_up_to(client, path, query, MAX_ANSWER_BYTES).await? {
        Answer::Told(answer) => Ok(answer),
        Answer::TooLarge => Err(ForgeError::BadAnswer {
            what: client.call(Method::GET, path.iter().copied(), query).what,
            why: format!("it is larger than {MAX_ANSWER_BYTES} bytes"),
            // What is large now will be so tomorrow.
            retry: Retry::Never,
        }),
    }
}

/// Asks for something that need not be there.
pub(crate) async fn ask_for<T: DeserializeOwned>(
    client: &Client,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<Option<T>, ForgeError> {
    match ask(client, path, query).await {
        Err(ForgeError::Refused { status: 404, .. }) => Ok(None),
        other => other.map(Some),
    }
}

/// As [`ask`], for answers that may be too large.
pub(crate) async fn ask_up_to<T: DeserializeOwned>(
    client: &Client,
    path: &[&str],
    query: &[(&str, &str)],
    max_bytes: usize,
) -> Result<Answer<T>, ForgeError> {
    let call = client.call(Method::GET, path.iter().copied(), query);
    let what = call.what.clone();
    let response = client.send(call, StatusCode::OK).await?;
    let Body::Whole(answer) = read(&what, response, max_bytes).await? else {
        return Ok(Answer::TooLarge);
    };
    match serde_json::from_slice(&answer) {
        Ok(answer) => Ok(Answer::Told(answer)),
        Err(error) => Err(unusable(what, text::one_line(&error.to_string(), MAX_TITLE_CHARS))),
    }
}

/// An answer that makes no sense, such as a proxy's page.
pub(crate) fn unusable(what: String, why: String) -> ForgeError {
    ForgeError::BadAnswer { what, why, retry: Retry::Backoff }
}
