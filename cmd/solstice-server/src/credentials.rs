//! The `Authorization` header: a bearer token (RFC 6750).

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
    /// Something else.
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
        let bearer = scheme.eq_ignore_ascii_case("bearer") && !rest.is_empty();
        bearer.then(|| Credentials::Bearer(Token::from_text(rest)))
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

    #[test]
    fn a_token_comes_as_bearer() {
        assert!(matches!(of(&[]), Credentials::None));
        assert!(matches!(of(&["bearer abc"]), Credentials::Bearer(t) if t.secret() == "abc"));
    }

    #[test]
    fn anything_else_is_unusable_and_not_anonymous() {
        let long = format!("Bearer {}", "x".repeat(2000));
        for value in ["Bearer", "Bearer ", "Digest x", "Basic bWU6YQ==", &long] {
            assert!(matches!(of(&[value]), Credentials::Unusable), "{value}");
        }
        assert!(matches!(of(&["Bearer a", "Bearer a"]), Credentials::Unusable));
    }
}
