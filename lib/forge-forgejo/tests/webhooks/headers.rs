//! What the headers of a webhook request may say.

use http::{HeaderMap, HeaderName, HeaderValue};
use solstice_forge::{Forge as _, Rejection, Secret};
use solstice_testbed::forge::delivery_headers;
use uuid::Uuid;

use crate::{SECRET, example, forge};

/// What comes of a request with these changes to its headers; an empty value
/// is an empty header, `None` none.
fn authenticate(changes: &[(&'static str, Option<&str>)]) -> Result<(), Rejection> {
    let body = example("push.branch");
    let mut headers = delivery_headers("push", Uuid::now_v7(), &body, SECRET);
    for (name, value) in changes {
        headers.remove(*name);
        if let Some(value) = value {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    forge().authenticate(&headers, &body).map(drop)
}

#[test]
fn every_signature_that_is_there_must_be_right() {
    let right = Secret::new(SECRET).unwrap().sign(&example("push.branch"));
    let names = ["x-forgejo-signature", "x-gitea-signature", "x-hub-signature-256"];
    assert_eq!(authenticate(&[]), Ok(()));
    for keep in names {
        let others = names.iter().filter(|name| **name != keep);
        let without: Vec<_> = others.map(|name| (*name, None)).collect();
        assert_eq!(authenticate(&without), Ok(()), "{keep} alone");
    }
    let none: Vec<_> = names.iter().map(|name| (*name, None)).collect();
    assert_eq!(authenticate(&none), Err(Rejection::Signature));
    let (bare, hub) = (right.as_str(), format!("sha256={right}"));
    let wrong = "7".repeat(64);
    for (name, value) in [
        ("x-forgejo-signature", ""),
        ("x-gitea-signature", &hub),
        ("x-gitea-signature", &wrong),
        ("x-gitea-signature", &right.to_uppercase()),
        ("x-hub-signature-256", bare),
        ("x-hub-signature-256", "sha256="),
        ("x-hub-signature-256", &hub.replace("sha256", "SHA256")),
        ("x-hub-signature-256", &hub[..hub.len() - 1]),
        ("x-hub-signature-256", &format!("{hub}00")),
        ("x-hub-signature-256", &format!("sha1={}", &right[..40])),
    ] {
        assert_eq!(authenticate(&[(name, Some(value))]), Err(Rejection::Signature), "{value}");
    }
    // Neither counts for anything.
    assert_eq!(authenticate(&[("x-gogs-signature", Some(&wrong))]), Ok(()));
    assert_eq!(authenticate(&[("x-hub-signature", Some("sha1=00"))]), Ok(()));
}

#[test]
fn a_hook_without_a_secret_is_refused() {
    let body = example("push.branch");
    let headers = delivery_headers("push", Uuid::now_v7(), &body, "");
    assert_eq!(headers["x-hub-signature-256"], "sha256=");
    assert_eq!(forge().authenticate(&headers, &body), Err(Rejection::Signature));
}

#[test]
fn id_and_event_are_single_bounded_and_agree() {
    let other = "0e2cbe3c-7a35-4e0c-9d6b-5f8b64a1c9aa";
    for changes in [
        &[("x-forgejo-delivery", Some(other))][..],
        &[("x-forgejo-delivery", None), ("x-gitea-delivery", None)],
        &[("x-forgejo-delivery", None), ("x-gitea-delivery", Some(""))],
        &[("x-forgejo-delivery", None), ("x-gitea-delivery", Some("7"))],
        &[("x-forgejo-event", Some("create"))],
        &[("x-forgejo-event", None), ("x-gitea-event", None)],
        &[("x-forgejo-event", Some("pu sh")), ("x-gitea-event", Some("pu sh"))],
        &[("x-forgejo-event", Some("\u{e9}")), ("x-gitea-event", Some("\u{e9}"))],
    ] {
        let answer = authenticate(changes);
        assert!(matches!(answer, Err(Rejection::Header(_))), "{changes:?}: {answer:?}");
    }
    let one = [("x-forgejo-delivery", None), ("x-gitea-delivery", Some(other))];
    assert_eq!(authenticate(&one), Ok(()));
    // What says GitHub says nothing here.
    assert_eq!(authenticate(&[("x-github-event", Some("ping"))]), Ok(()));
}

#[test]
fn nothing_is_said_of_headers_before_the_signature_is_right() {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.append("x-gitea-event", HeaderValue::from_bytes(b"\xff").unwrap());
    headers.append("x-gitea-event", HeaderValue::from_static("push"));
    assert_eq!(forge().authenticate(&headers, b"{}"), Err(Rejection::Signature));
}
