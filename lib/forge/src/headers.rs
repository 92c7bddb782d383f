//! Headers of webhook requests and of forges' answers, read strictly.
//!
//! A webhook's headers come from whoever reached the port. What is doubled,
//! joined by commas, too long or not printable ASCII is refused, never guessed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};

use crate::seam::Rejection;
use crate::signature::Secrets;

/// The most characters of a delivery's id and of an event's name.
pub const MAX_HEADER_CHARS: usize = 64;

/// A header that carries a signature: its name and what stands before the hex digits.
#[derive(Clone, Copy, Debug)]
pub struct SignatureHeader {
    /// The name, in lower case.
    pub name: &'static str,
    /// `sha256=` or nothing.
    pub prefix: &'static str,
}

/// A value that a forge sends under one or several names.
#[derive(Clone, Copy, Debug)]
pub struct NamedHeader {
    /// The names, in lower case; all that are there must agree.
    pub names: &'static [&'static str],
    /// What to say if none is there.
    pub missing: &'static str,
    /// What to say if the value is none.
    pub malformed: &'static str,
    /// Whether a value is one; it gets at most [`MAX_HEADER_CHARS`] printable ASCII characters.
    pub fits: fn(&str) -> bool,
}

/// The value of a header that may be there once; absent is `None`.
///
/// # Errors
///
/// [`Rejection::Header`] if it is there more than once, one of which may be a comma.
pub fn at_most_one<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h [u8]>, Rejection> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() || value.as_bytes().contains(&b',') {
        return Err(Rejection::Header("a header that may be there only once is doubled"));
    }
    Ok(Some(value.as_bytes()))
}

/// Refuses any body but plain JSON: the signature covers the bytes as they are.
///
/// # Errors
///
/// [`Rejection::MediaType`] for another type or an encoding.
pub fn require_json(headers: &HeaderMap) -> Result<(), Rejection> {
    const TYPE: Rejection = Rejection::MediaType(
        "the body must be of the type application/json: choose it in the webhook's settings",
    );
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else { return Err(TYPE) };
    let value = value.to_str().map_err(|_| TYPE)?;
    let essence = value.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(TYPE);
    }
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Rejection::MediaType("the body must not be compressed"));
    }
    Ok(())
}

/// Checks every signature header that is there: at least one, and all right.
///
/// # Errors
///
/// [`Rejection::Signature`] if none is there or one is wrong,
/// [`Rejection::Header`] if one is doubled.
pub fn require_signature(
    headers: &HeaderMap,
    names: &[SignatureHeader],
    secrets: &Secrets,
    body: &[u8],
) -> Result<(), Rejection> {
    let mut given = Vec::with_capacity(names.len());
    for header in names {
        if let Some(value) = at_most_one(headers, header.name)? {
            let digits = value.strip_prefix(header.prefix.as_bytes());
            given.push(digits.ok_or(Rejection::Signature)?);
        }
    }
    // Nobody makes us compute a MAC without having tried to sign.
    if given.is_empty() {
        return Err(Rejection::Signature);
    }
    let expected = secrets.expect(body);
    let right = given.iter().fold(true, |right, digits| right & expected.accepts(digits));
    if right { Ok(()) } else { Err(Rejection::Signature) }
}

/// The value that a forge sends under these names.
///
/// # Errors
///
/// [`Rejection::Header`] if it is missing, doubled, no such value, or if two
/// names disagree.
pub fn require(headers: &HeaderMap, wanted: &NamedHeader) -> Result<String, Rejection> {
    let mut found: Option<&[u8]> = None;
    for name in wanted.names {
        let Some(value) = at_most_one(headers, name)? else { continue };
        if found.is_some_and(|earlier| earlier != value) {
            return Err(Rejection::Header("two headers that must agree do not"));
        }
        found = Some(value);
    }
    let value = found.ok_or(Rejection::Header(wanted.missing))?;
    let text = std::str::from_utf8(value).ok().filter(|text| {
        (1..=MAX_HEADER_CHARS).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_graphic())
            && (wanted.fits)(text)
    });
    Ok(text.ok_or(Rejection::Header(wanted.malformed))?.to_owned())
}

/// Whether a text is a UUID as forges write one: lower-case hex with four hyphens.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// Whether a text is an event's name as forges write one.
pub fn is_event(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// How long an answer asks us to wait: seconds, or a date (RFC 9110, section
/// 10.2.3). What cannot be read asks for nothing.
pub fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(value).ok()?;
    Some((date.with_timezone(&Utc) - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::signature::Secret;

    const BARE: SignatureHeader = SignatureHeader { name: "x-bare", prefix: "" };
    const HUB: SignatureHeader = SignatureHeader { name: "x-hub", prefix: "sha256=" };

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    fn check(pairs: &[(&'static str, &str)]) -> Result<(), Rejection> {
        let secrets = Secret::new("s").unwrap().into();
        require_signature(&headers(pairs), &[BARE, HUB], &secrets, b"body")
    }

    #[test]
    fn one_right_signature_is_enough_and_one_wrong_is_too_much() {
        let right = Secret::new("s").unwrap().sign(b"body");
        let wrong = Secret::new("t").unwrap().sign(b"body");
        let hub = format!("sha256={right}");
        assert_eq!(check(&[("x-bare", &right)]), Ok(()));
        assert_eq!(check(&[("x-hub", &hub)]), Ok(()));
        assert_eq!(check(&[("x-bare", &right), ("x-hub", &hub)]), Ok(()));
        assert_eq!(check(&[("x-bare", &wrong), ("x-hub", &hub)]), Err(Rejection::Signature));
        assert_eq!(check(&[("x-bare", ""), ("x-hub", &hub)]), Err(Rejection::Signature));
        assert_eq!(check(&[]), Err(Rejection::Signature));
    }

    #[test]
    fn a_prefix_belongs_to_its_header() {
        let right = Secret::new("s").unwrap().sign(b"body");
        for value in [
            right.clone(),
            format!("SHA256={right}"),
            format!("sha1={right}"),
            "sha256=".to_owned(),
            format!("sha256= {right}"),
        ] {
            assert_eq!(check(&[("x-hub", &value)]), Err(Rejection::Signature), "{value}");
        }
        let prefixed = format!("sha256={right}");
        assert_eq!(check(&[("x-bare", &prefixed)]), Err(Rejection::Signature));
    }

    #[test]
    fn doubled_signatures_are_refused_even_if_equal() {
        let right = Secret::new("s").unwrap().sign(b"body");
        let twice = check(&[("x-bare", &right), ("x-bare", &right)]);
        assert!(matches!(twice, Err(Rejection::Header(_))));
        let joined = format!("{right},{right}");
        assert!(matches!(check(&[("x-bare", &joined)]), Err(Rejection::Header(_))));
    }

    #[test]
    fn a_value_under_two_names_must_agree() {
        let wanted = NamedHeader {
            names: &["x-a", "x-b"],
            missing: "missing",
            malformed: "malformed",
            fits: is_event,
        };
        let get = |pairs: &[(&'static str, &str)]| require(&headers(pairs), &wanted);
        assert_eq!(get(&[("x-a", "push"), ("x-b", "push")]).as_deref(), Ok("push"));
        assert_eq!(get(&[("x-b", "push")]).as_deref(), Ok("push"));
        assert_eq!(get(&[]), Err(Rejection::Header("missing")));
        for bad in ["", "a b", "ä", "Push", "push\t", &"x".repeat(65)] {
            assert_eq!(get(&[("x-a", bad)]), Err(Rejection::Header("malformed")), "{bad:?}");
        }
        assert!(get(&[("x-a", "push"), ("x-b", "create")]).is_err());
        assert!(get(&[("x-a", "push"), ("x-a", "push")]).is_err());
    }

    #[test]
    fn only_plain_json_is_taken() {
        for good in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
            assert_eq!(require_json(&headers(&[("content-type", good)])), Ok(()), "{good}");
        }
        for bad in ["application/x-www-form-urlencoded", "text/plain", "application/jsonp", "ä"] {
            let refused = require_json(&headers(&[("content-type", bad)]));
            assert!(matches!(refused, Err(Rejection::MediaType(_))), "{bad}");
        }
        let json = ("content-type", "application/json");
        assert!(require_json(&headers(&[])).is_err());
        assert!(require_json(&headers(&[json, json])).is_err());
        assert!(require_json(&headers(&[json, ("content-encoding", "gzip")])).is_err());
    }

    #[test]
    fn a_delivery_id_is_a_lower_case_uuid() {
        assert!(is_uuid("0e2cbe3c-7a35-4e0c-9d6b-5f8b64a1c9aa"));
        for bad in
            ["", "0E2CBE3C-7a35-4e0c-9d6b-5f8b64a1c9aa", "0e2cbe3c7a354e0c9d6b5f8b64a1c9aa0000"]
        {
            assert!(!is_uuid(bad), "{bad}");
        }
    }

    #[test]
    fn a_pause_is_given_in_seconds_or_as_a_date() {
        let now = DateTime::parse_from_rfc3339("1999-12-31T23:59:00Z").unwrap().to_utc();
        let get = |value| retry_after(&headers(&[("retry-after", value)]), now);
        assert_eq!(get("120"), Some(Duration::from_secs(120)));
        assert_eq!(get("Fri, 31 Dec 1999 23:59:59 GMT"), Some(Duration::from_secs(59)));
        assert_eq!(get("Fri, 31 Dec 1999 23:58:59 GMT"), Some(Duration::ZERO));
        assert_eq!(get("soon"), None);
        assert_eq!(get("-1"), None);
    }
}
