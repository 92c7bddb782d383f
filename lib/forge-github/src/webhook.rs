//! Webhook requests: whether one is genuine, and what it means.
//!
//! `X-Hub-Signature-256` must be there once and be right: `sha256=` and 64
//! lower-case hex digits. The older SHA-1 header is not looked at. Nothing of
//! the body is read before.

use http::HeaderMap;
use solstice_forge::body::meaning;
use solstice_forge::headers::{
    NamedHeader, SignatureHeader, is_event, is_uuid, require, require_json, require_signature,
};
use solstice_forge::{Genuine, Interpretation, Rejection, Secrets, text};

use crate::{check_event, merge_group, pull_request, push};

const SIGNATURE: SignatureHeader =
    SignatureHeader { name: "x-hub-signature-256", prefix: "sha256=" };

const DELIVERY: NamedHeader = NamedHeader {
    names: &["x-github-delivery"],
    missing: "X-GitHub-Delivery is missing",
    malformed: "the delivery id is not a UUID",
    fits: is_uuid,
};

const EVENT: NamedHeader = NamedHeader {
    names: &["x-github-event"],
    missing: "X-GitHub-Event is missing",
    malformed: "the event is not a name",
    fits: is_event,
};

pub(crate) fn authenticate(
    secrets: &Secrets,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Genuine, Rejection> {
    require_json(headers)?;
    require_signature(headers, &[SIGNATURE], secrets, body)?;
    Ok(Genuine { id: require(headers, &DELIVERY)?, event: require(headers, &EVENT)? })
}

/// What a delivery means to the App of this id.
pub(crate) fn interpret(app_id: u64, event: &str, body: &[u8]) -> Interpretation {
    let reason = match event {
        "push" => return meaning(push::read(body)),
        "pull_request" => return meaning(pull_request::read(body)),
        "check_suite" => return meaning(check_event::suite(app_id, body)),
        "check_run" => return meaning(check_event::run(app_id, body)),
        "merge_group" => return meaning(merge_group::read(body)),
        // Acting on these too would do everything twice.
        "create" => "a new branch or tag is told by a push as well".to_owned(),
        "delete" => "a deleted branch or tag is told by a push as well".to_owned(),
        "ping" => "the webhook says that it is there".to_owned(),
        "installation" | "installation_repositories" | "installation_target" => {
            "where the App is installed is asked for when it matters".to_owned()
        }
        other => format!("the event {} starts nothing", text::one_line(other, 64)),
    };
    Interpretation::Ignored { reason }
}
