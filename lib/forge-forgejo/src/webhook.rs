//! Webhook requests: whether one is genuine, and what it means.
//!
//! The rule for signatures: of `X-Forgejo-Signature`, `X-Gitea-Signature` (64
//! lower-case hex digits) and `X-Hub-Signature-256` (`sha256=` before them), at
//! least one must be there, none twice, and *every* one that is there must be
//! right. Forgejo sends all three, Gitea the last two; the SHA-1 and Gogs
//! headers are not looked at. The id is in `X-Forgejo-Delivery` or
//! `X-Gitea-Delivery`, the event in `X-Forgejo-Event` or `X-Gitea-Event`; where
//! both are there they must agree. `X-GitHub-…`, which both forges send too,
//! means nothing.

use http::HeaderMap;
use solstice_forge::body::meaning;
use solstice_forge::headers::{
    NamedHeader, SignatureHeader, is_event, is_uuid, require, require_json, require_signature,
};
use solstice_forge::{Genuine, Interpretation, Rejection, Secrets, text};

use crate::{delete, pull_request, push};

const SIGNATURES: [SignatureHeader; 3] = [
    SignatureHeader { name: "x-forgejo-signature", prefix: "" },
    SignatureHeader { name: "x-gitea-signature", prefix: "" },
    SignatureHeader { name: "x-hub-signature-256", prefix: "sha256=" },
];

const DELIVERY: NamedHeader = NamedHeader {
    names: &["x-forgejo-delivery", "x-gitea-delivery"],
    missing: "X-Forgejo-Delivery or X-Gitea-Delivery is missing",
    malformed: "the delivery id is not a UUID",
    fits: is_uuid,
};

const EVENT: NamedHeader = NamedHeader {
    names: &["x-forgejo-event", "x-gitea-event"],
    missing: "X-Forgejo-Event or X-Gitea-Event is missing",
    malformed: "the event is not a name",
    fits: is_event,
};

pub(crate) fn authenticate(
    secrets: &Secrets,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Genuine, Rejection> {
    require_json(headers)?;
    require_signature(headers, &SIGNATURES, secrets, body)?;
    Ok(Genuine { id: require(headers, &DELIVERY)?, event: require(headers, &EVENT)? })
}

pub(crate) fn interpret(event: &str, body: &[u8]) -> Interpretation {
    let reason = match event {
        "push" => return meaning(push::read(body)),
        "pull_request" => return meaning(pull_request::read(body)),
        "delete" => return meaning(delete::read(body)),
        // Acting on it too would run everything twice.
        "create" => "a new branch or tag is told by a push as well".to_owned(),
        other => format!("the event {} starts nothing", text::one_line(other, 64)),
    };
    Interpretation::Ignored { reason }
}
