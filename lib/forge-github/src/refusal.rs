//! What it means when an answer is none that was wanted.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::StatusCode;
use http::header::{HeaderMap, LOCATION};
use serde::Deserialize;
use solstice_forge::{ForgeError, Retry, headers, text};

use crate::client::Bearer;

/// How much of a message is kept.
const MAX_MESSAGE_CHARS: usize = 500;

/// How long to be silent if GitHub says only that it is too much ("Rate limits
/// for the REST API": at least one minute).
const LEAST_PAUSE: Duration = Duration::from_secs(60);

/// What every installation's token begins with.
const TOKEN_PREFIX: &str = "ghs_";

/// The error of an answer with this status, these headers and this body.
pub(crate) fn refused(
    what: String,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    bearer: &Bearer,
) -> ForgeError {
    let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let words = match location {
        Some(location) if status.is_redirection() => format!("it is at {location} now"),
        _ => message(body),
    };
    let pause = pause(status, headers, &words, Utc::now());
    let message = text::one_line(&redacted(&words, bearer), MAX_MESSAGE_CHARS);
    let retry = Retry::of_status(status.as_u16(), pause);
    ForgeError::Refused { what, status: status.as_u16(), message, retry }
}

/// How long we are to wait, if that is why we are refused.
fn pause(
    status: StatusCode,
    headers: &HeaderMap,
    words: &str,
    now: DateTime<Utc>,
) -> Option<Duration> {
    if let Some(pause) = headers::retry_after(headers, now) {
        return Some(pause);
    }
    if ![StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS].contains(&status) {
        return None;
    }
    let number = |name| headers.get(name)?.to_str().ok()?.parse::<i64>().ok();
    if number("x-ratelimit-remaining") == Some(0) {
        let reset = number("x-ratelimit-reset").and_then(|at| DateTime::from_timestamp(at, 0));
        let left = reset.and_then(|reset| (reset - now).to_std().ok());
        // Clocks differ: a reset that seems past is not, or we would not be refused.
        return Some(left.map_or(LEAST_PAUSE, |left| left + Duration::from_secs(1)));
    }
    let words = words.to_lowercase();
    (words.contains("rate limit") || words.contains("abuse")).then_some(LEAST_PAUSE)
}

/// The words of an error: the API's, or the first of a page.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct ApiError {
        message: String,
        errors: Option<serde_json::Value>,
    }
    match serde_json::from_slice::<ApiError>(body) {
        Ok(ApiError { message, errors: Some(errors) }) => format!("{message}: {errors}"),
        Ok(error) => error.message,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

/// The text without tokens: that of the request, and whatever looks like one.
pub(crate) fn redacted(words: &str, bearer: &Bearer) -> String {
    let words = words.replace(bearer.token(), "[token]");
    let mut parts = words.split(TOKEN_PREFIX);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let of_token = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        shown.push_str("[token]");
        shown.push_str(part.trim_start_matches(of_token));
    }
    shown
}

/// What is behind an error of the transport. octocrab's own text ends with a
/// backtrace, and the address is in the error's `what` already.
pub(crate) fn cause(error: octocrab::Error) -> Box<dyn StdError + Send + Sync> {
    let error = match error {
        octocrab::Error::Service { source, .. } => match source.downcast::<octocrab::Error>() {
            Ok(error) => *error,
            Err(source) => return source,
        },
        other => other,
    };
    match error {
        octocrab::Error::Reqwest { source, .. } => of_reqwest(source),
        other => Box::new(other),
    }
}

fn of_reqwest(error: reqwest::Error) -> Box<dyn StdError + Send + Sync> {
    // The bare error of a limit of time says little.
    if error.is_timeout() && error.source().is_none_or(|source| !source.is::<io::Error>()) {
        return Box::new(io::Error::new(io::ErrorKind::TimedOut, "it took too long"));
    }
    Box::new(error.without_url())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    fn paused(status: u16, given: &[(&'static str, &'static str)], words: &str) -> Option<u64> {
        let given = given.iter().map(|(name, value)| (*name, HeaderValue::from_static(value)));
        let headers = given.map(|(name, value)| (name.parse().unwrap(), value)).collect();
        let status = StatusCode::from_u16(status).unwrap();
        pause(status, &headers, words, now()).map(|pause| pause.as_secs())
    }

    #[test]
    fn a_limit_says_how_long_to_wait() {
        let none = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000030")];
        let past = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1699999999")];
        let some = [("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "1700000030")];
        for status in [403, 429] {
            assert_eq!(paused(status, &[("retry-after", "7")], ""), Some(7));
            assert_eq!(paused(status, &none, ""), Some(31));
            assert_eq!(paused(status, &past, ""), Some(60));
            assert_eq!(paused(status, &none[..1], ""), Some(60));
            assert_eq!(paused(status, &some, "no"), None);
            let secondary = "You have exceeded a secondary rate limit";
            assert_eq!(paused(status, &some, secondary), Some(60));
        }
        assert_eq!(paused(404, &none, "rate limit"), None);
        assert_eq!(paused(403, &[], "Resource not accessible by integration"), None);
    }

    #[test]
    fn no_token_of_either_format_is_shown() {
        let bearer = Bearer::new("eyJ.the.jwt").unwrap();
        let shown = |words: &str| redacted(words, &bearer);
        assert_eq!(shown("a ghs_0123456789abcdefABCDEF0123456789abcd!"), "a [token]!");
        let long = format!("(ghs_12345_eyJ{}.x-y_z)", "a".repeat(500));
        assert_eq!(shown(&long), "([token])");
        assert_eq!(
            shown("Bearer eyJ.the.jwt is bad, ghs_ too"),
            "Bearer [token] is bad, [token] too"
        );
    }
}
