//! Whether a browser was made to send a request by a page of ours.
//!
//! Two things must hold for what changes something: the browser does not say
//! that another site made the request, and the request repeats a value that
//! follows from the cookie's secret, which only our pages know. Programs that
//! send a bearer token need neither: no browser sends one by itself.

use dropshot::{ErrorStatusCode, HttpError, UntypedBody};
use http::HeaderMap;
use solstice_model::Token;
use subtle::ConstantTimeEq as _;
use url::Url;

use crate::error::client_error;

/// The header in which scripts repeat the value.
pub(crate) const HEADER: &str = "x-csrf-token";

/// The field in which forms repeat it.
pub(crate) const FIELD: &str = "csrf";

/// What the pages of whoever holds this secret repeat.
pub(crate) fn value_of(secret: &Token) -> String {
    Token::from_text(format!("csrf {}", secret.secret())).hash().as_str().to_owned()
}

/// Refuses a request that another site may have made.
///
/// # Errors
///
/// 403.
pub(crate) fn check(
    headers: &HeaderMap,
    base: &Url,
    expected: &str,
    presented: Option<&str>,
) -> Result<(), HttpError> {
    if !same_origin(headers, base) {
        return Err(forged("forbidden", "this request was made by another site"));
    }
    let same = presented.is_some_and(|it| it.as_bytes().ct_eq(expected.as_bytes()).into());
    if !same {
        let message = "the page that this came from is too old: reload it and try again";
        return Err(forged("bad_csrf_token", message));
    }
    Ok(())
}

fn forged(code: &'static str, message: &str) -> HttpError {
    client_error(ErrorStatusCode::FORBIDDEN, code, message)
}

/// Whether a request comes from our own pages, as far as the browser tells.
fn same_origin(headers: &HeaderMap, base: &Url) -> bool {
    let text = |name| headers.get(name).map(|value: &http::HeaderValue| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, Some("same-origin" | "none"));
    }
    match text("origin") {
        Some(origin) => origin == Some(base.origin().ascii_serialization().as_str()),
        None => true,
    }
}

/// The fields of a form that was sent.
#[derive(Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `application/x-www-form-urlencoded`, whatever it is called.
    pub(crate) fn read(body: &UntypedBody) -> Self {
        let pairs = url::form_urlencoded::parse(body.as_bytes());
        Self(pairs.map(|(key, value)| (key.into_owned(), value.into_owned())).collect())
    }

    /// The first field of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_and_programs_are_of_the_same_origin() {
        let base = "https://ci.example.org/".parse().unwrap();
        let check = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            same_origin(&headers, &base)
        };
        assert!(same_origin(&HeaderMap::new(), &base));
        assert!(check("origin", "https://ci.example.org"));
        assert!(check("sec-fetch-site", "same-origin"));
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "http://ci.example.org"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(!check(name, value), "{name}: {value}");
        }
    }

    #[test]
    fn the_value_is_the_secret_s_own_and_does_not_tell_it() {
        let (one, two) = (Token::generate(), Token::generate());
        let (base, headers) = ("https://ci.example.org".parse().unwrap(), HeaderMap::new());
        let check = |presented: Option<&str>| check(&headers, &base, &value_of(&one), presented);
        assert!(check(Some(&value_of(&one))).is_ok());
        for bad in [None, Some(""), Some("x"), Some(value_of(&two).as_str()), Some(one.secret())] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
        assert_ne!(value_of(&one), one.hash().as_str(), "the database knows that one");
    }
}
