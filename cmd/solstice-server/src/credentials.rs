//! The `Authorization` header: a bearer token, or Basic with the token as the
//! password, so that a browser can sign in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use solstice_model::Token;

/// Longer than any token of ours.
const MAX_HEADER_BYTES: usize = 1024;

/// What a request presents.
#[derive(Debug)]
pub(crate) enum Credentials {
    /// Nothing.
    None,
    /// A token that a program sent on purpose.
    Bearer(Token),
    /// A token that a browser sends by itself with every request, also with one
    /// that another site made it send.
    Browser(Token),
    /// Something that is neither.
    Unusable,
}

impl Credentials {
    /// Reads a request's headers.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            let absent = !headers.contains_key(header::AUTHORIZATION);
            return if absent { Credentials::None } else { Credentials::Unusable };
        };
        value
            .to_str()
            .ok()
            .filter(|text| text.len() <= MAX_HEADER_BYTES)
            .and_then(Self::parse)
            .unwrap_or(Credentials::Unusable)
    }

    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return (!rest.is_empty()).then(|| Credentials::Bearer(Token::from_text(rest)));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        let (_user, password) = decoded.split_once(':')?;
        (!password.is_empty()).then(|| Credentials::Browser(Token::from_text(password)))
    }
}

/// Whether a request that changes something comes from our own pages, as far
/// as the browser tells. Programs send neither header.
pub(crate) fn same_origin(headers: &HeaderMap, base: &url::Url) -> bool {
    let text = |name| headers.get(name).map(|value: &http::HeaderValue| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, Some("same-origin" | "none"));
    }
    match text("origin") {
        Some(origin) => origin == Some(base.origin().ascii_serialization().as_str()),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Credentials {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        Credentials::of(&headers)
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn a_token_comes_as_bearer_or_as_the_password() {
        assert!(matches!(of(&[]), Credentials::None));
        assert!(matches!(of(&["bearer abc"]), Credentials::Bearer(t) if t.secret() == "abc"));
        let browser = of(&[&basic("me:a:b")]);
        assert!(matches!(browser, Credentials::Browser(t) if t.secret() == "a:b"));
    }

    #[test]
    fn anything_else_is_unusable_and_not_anonymous() {
        let long = format!("Bearer {}", "x".repeat(2000));
        let bad = ["Bearer", "Bearer ", "Digest x", "Basic ???", &basic("nocolon"), &long];
        for value in bad {
            assert!(matches!(of(&[value]), Credentials::Unusable), "{value}");
        }
        assert!(matches!(of(&["Bearer a", "Bearer a"]), Credentials::Unusable));
    }

    #[test]
    fn only_our_own_pages_and_programs_may_use_a_browser_s_password() {
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
}
