//! What the headers of a webhook request may say.

use http::{HeaderMap, HeaderName, HeaderValue};
use solstice_forge::{Forge as _, Rejection, Secret};
use solstice_forge_github::GitHubForge;

use super::forge;
use crate::world::{SECRET, config, delivery_headers, example};

const SIGNATURE: &str = "x-hub-signature-256";

/// What comes of a request with these changes to its headers; `None` is no header.
fn authenticate(changes: &[(&'static str, Option<&str>)]) -> Result<(), Rejection> {
    let body = example("push.branch-created");
    let mut headers = delivery_headers("push", &body, SECRET);
    for (name, value) in changes {
        headers.remove(*name);
        if let Some(value) = value {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    forge().authenticate(&headers, &body).map(drop)
}

fn right() -> String {
    format!("sha256={}", Secret::new(SECRET).unwrap().sign(&example("push.branch-created")))
}

#[test]
fn githubs_own_test_vector_is_right() {
    let mut config = config("http://127.0.0.1:1/".parse().unwrap());
    config.webhook_secrets = vec![Secret::new("It's a Secret to Everybody").unwrap()];
    let forge = GitHubForge::new(config).unwrap();
    let mut headers = delivery_headers("ping", b"Hello, World!", "another");
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    headers.insert(SIGNATURE, HeaderValue::from_static(signature));
    assert!(forge.authenticate(&headers, b"Hello, World!").is_ok());
    assert_eq!(forge.authenticate(&headers, b"Hello, World?"), Err(Rejection::Signature));
    // The same body, signed with an empty secret.
    let empty = "sha256=2bbcfa9524f3218c7a34b30e6936f8b1a4516cb097f1a85a1c7d98b5977ec769";
    headers.insert(SIGNATURE, HeaderValue::from_static(empty));
    assert_eq!(forge.authenticate(&headers, b"Hello, World!"), Err(Rejection::Signature));
}

#[test]
fn a_signature_is_exactly_what_github_sends() {
    assert_eq!(authenticate(&[]), Ok(()));
    let right = right();
    let digits = &right["sha256=".len()..];
    for wrong in [
        "",
        "sha256=",
        digits,
        &right.to_uppercase(),
        &format!("sha256={}", digits.to_uppercase()),
        &right.replace("sha256", "SHA256"),
        &format!(" {right}"),
        &format!("{right} "),
        &format!("sha256= {digits}"),
        &right[..right.len() - 1],
        &format!("{right}00"),
        &format!("{}zz", &right[..right.len() - 2]),
        &format!("sha1={}", &digits[..40]),
        &format!("sha256={}", "7".repeat(64)),
        "ä",
    ] {
        assert_eq!(authenticate(&[(SIGNATURE, Some(wrong))]), Err(Rejection::Signature), "{wrong}");
    }
    assert_eq!(authenticate(&[(SIGNATURE, None)]), Err(Rejection::Signature));
    let sha1 = [(SIGNATURE, None), ("x-hub-signature", Some(digits))];
    assert_eq!(authenticate(&sha1), Err(Rejection::Signature));
    // What Forgejo sends says nothing here.
    let foreign = [(SIGNATURE, None), ("x-forgejo-signature", Some(digits))];
    assert_eq!(authenticate(&foreign), Err(Rejection::Signature));
    assert_eq!(authenticate(&[("x-forgejo-signature", Some("00"))]), Ok(()));
}

#[test]
fn an_older_secret_is_taken_and_no_other() {
    let body = example("ping");
    for (secret, taken) in [(SECRET, true), ("an older one", true), ("x", false)] {
        let headers = delivery_headers("ping", &body, secret);
        assert_eq!(forge().authenticate(&headers, &body).is_ok(), taken, "{secret}");
    }
}

#[test]
fn doubled_headers_are_refused() {
    let body = example("push.branch-created");
    for name in [SIGNATURE, "x-github-event", "x-github-delivery"] {
        for other in [None, Some("push")] {
            let mut headers = delivery_headers("push", &body, SECRET);
            let value = headers[name].clone();
            headers.append(name, other.map_or(value.clone(), HeaderValue::from_static));
            let answer = forge().authenticate(&headers, &body);
            assert!(matches!(answer, Err(Rejection::Header(_))), "{name}: {answer:?}");
        }
        let mut headers = delivery_headers("push", &body, SECRET);
        let joined = format!("{0},{0}", headers[name].to_str().unwrap());
        headers.insert(name, HeaderValue::from_str(&joined).unwrap());
        let answer = forge().authenticate(&headers, &body);
        assert!(matches!(answer, Err(Rejection::Header(_))), "{name}: {answer:?}");
    }
}

#[test]
fn id_and_event_are_single_and_bounded() {
    for changes in [
        ("x-github-delivery", None),
        ("x-github-delivery", Some("")),
        ("x-github-delivery", Some("7")),
        ("x-github-delivery", Some("0E2CBE3C-7A35-4E0C-9D6B-5F8B64A1C9AA")),
        ("x-github-event", None),
        ("x-github-event", Some("pu sh")),
        ("x-github-event", Some("\u{e9}")),
        ("x-github-event", Some(&"x".repeat(65))),
    ] {
        let answer = authenticate(&[changes]);
        assert!(matches!(answer, Err(Rejection::Header(_))), "{changes:?}: {answer:?}");
    }
}

#[test]
fn only_plain_json_is_taken() {
    for (name, value) in [
        ("content-type", Some("application/x-www-form-urlencoded")),
        ("content-type", None),
        ("content-encoding", Some("gzip")),
    ] {
        let answer = authenticate(&[(name, value)]);
        assert!(matches!(answer, Err(Rejection::MediaType(_))), "{value:?}: {answer:?}");
    }
    let charset = ("content-type", Some("application/json; charset=utf-8"));
    assert_eq!(authenticate(&[charset]), Ok(()));
}

#[test]
fn nothing_is_said_of_headers_before_the_signature_is_right() {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.append("x-github-event", HeaderValue::from_bytes(b"\xff").unwrap());
    headers.append("x-github-event", HeaderValue::from_static("push"));
    assert_eq!(forge().authenticate(&headers, b"{}"), Err(Rejection::Signature));
}
