//! Which answers an operation gives besides the one that Dropshot knows.

use openapiv3::{
    AnySchema, Operation, ReferenceOr, Schema, SchemaData, SchemaKind, StatusCode, StringFormat,
    StringType, Type, VariantOrUnknownOrEmpty,
};

use crate::security::is_open;

/// A refusal: its status, its name among the document's components, and what it
/// says.
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
}

const fn refusal(status: u16, name: &'static str, about: &'static str) -> Refusal {
    Refusal { status, name, about }
}

/// Every refusal, as in `cmd/solstice-server/src/error.rs`.
pub(crate) const REFUSALS: &[Refusal] = &[
    refusal(400, "BadRequest", "The request makes no sense; the message says what of it."),
    refusal(401, "Unauthenticated", "Nobody whom the server knows: no token, or a wrong one."),
    refusal(403, "Forbidden", "The caller's role does not open this."),
    refusal(404, "NotFound", "There is no such thing, or the caller may not know of it."),
    refusal(408, "TooSlow", "The body did not arrive in time."),
    refusal(409, "Conflict", "What is there does not allow it, or not any more."),
    refusal(410, "Gone", "It was there and is no longer kept, or nobody waits for it any more."),
    refusal(413, "TooLarge", "It is larger than it may be."),
    refusal(415, "UnsupportedMediaType", "The body is of a kind that is not read."),
    refusal(416, "BadRange", "The part that was asked for is none of it."),
    refusal(422, "Unprocessable", "There is nothing to run, or the idempotency key is another's."),
    refusal(500, "Internal", "A fault of the server, whose log says which."),
    refusal(502, "ForgeFailed", "The forge does not answer as it should."),
    refusal(503, "Unavailable", "Not at the moment; the same request may succeed later."),
    refusal(507, "NoRoom", "The server's disk, or what it may fill of it, is full."),
];

/// What refuses an operation besides what its form tells.
const FURTHER: &[(&str, &[u16])] = &[
    ("agent_artifact", &[409, 410, 413]),
    ("agent_inputs", &[410, 502]),
    ("agent_records", &[409, 410, 413]),
    ("agent_redeem", &[401, 403, 410]),
    ("agent_shell_input", &[404, 409, 410]),
    ("agent_shell_output", &[404, 409, 410]),
    ("agent_source", &[410, 502]),
    ("delivery_body", &[410]),
    ("delivery_replay", &[409]),
    ("host_artifact", &[409, 410, 413]),
    ("host_console", &[410, 413]),
    ("host_credential", &[410, 502]),
    ("host_inputs", &[410]),
    ("host_records", &[409, 410, 413]),
    ("host_report", &[409, 410]),
    ("job_artifact", &[410, 416]),
    ("job_cancel", &[409]),
    ("job_lines", &[410]),
    ("job_log", &[410]),
    ("job_log_json", &[410]),
    ("job_records", &[410]),
    ("job_search", &[410]),
    ("job_steps", &[410]),
    ("job_rerun", &[409]),
    ("run_approve", &[409]),
    ("run_cancel", &[409]),
    ("run_create", &[404, 422, 502]),
    ("run_rerun", &[409]),
    ("token_create", &[409]),
    ("webhook_deliver", &[401, 408, 413, 415]),
];

/// The operations that refuse in ways of their own.
#[cfg(test)]
pub(crate) fn named() -> impl Iterator<Item = &'static str> {
    FURTHER.iter().map(|(name, _)| *name).chain(BODIES.iter().map(|body| body.operation))
}

/// Which refusals an operation gives, by status, least first.
pub(crate) fn refusals(method: &str, path: &str, id: &str, operation: &Operation) -> Vec<u16> {
    let mut statuses = vec![500, 503];
    if operation.request_body.is_some() || !operation.parameters.is_empty() {
        statuses.push(400);
    }
    if !is_open(id) {
        statuses.extend([401, 403]);
    }
    if path.contains('{') {
        statuses.push(404);
    }
    if method != "get" {
        statuses.push(507);
    }
    if operation.responses.responses.contains_key(&StatusCode::Code(201)) {
        // What creates something takes an `Idempotency-Key`.
        statuses.extend([409, 422]);
    }
    let further = FURTHER.iter().find(|(name, _)| *name == id);
    statuses.extend(further.map_or(&[][..], |(_, statuses)| statuses));
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

/// A body that the server writes by hand.
pub(crate) struct FreeForm {
    operation: &'static str,
    pub(crate) statuses: &'static [(u16, &'static str)],
    pub(crate) media_type: &'static str,
    /// The fields that clients may go by, and what they tell.
    pub(crate) headers: &'static [(&'static str, &'static str)],
}

/// All of them. Dropshot takes these for anything with any status.
const BODIES: &[FreeForm] = &[
    FreeForm { operation: "agent_inputs", statuses: ARCHIVE, media_type: ZSTD, headers: &[] },
    FreeForm { operation: "agent_shell_input", statuses: BYTES, media_type: OCTETS, headers: &[] },
    FreeForm { operation: "agent_source", statuses: ARCHIVE, media_type: ZSTD, headers: &[] },
    FreeForm { operation: "delivery_body", statuses: BYTES, media_type: OCTETS, headers: &[] },
    FreeForm { operation: "host_inputs", statuses: ARCHIVE, media_type: ZSTD, headers: &[] },
    FreeForm {
        operation: "job_artifact",
        statuses: &[(200, "All of it"), (206, "The part that was asked for")],
        media_type: OCTETS,
        headers: &[
            ("accept-ranges", "`bytes`: a part can be asked for by `Range`."),
            ("content-range", "Which part this is, of how much."),
            TAG,
            CACHED,
        ],
    },
    FreeForm { operation: "job_console", statuses: BYTES, media_type: TEXT, headers: &[] },
    FreeForm { operation: "job_events", statuses: EVENTS, media_type: STREAM, headers: &[] },
    FreeForm {
        operation: "job_log",
        statuses: BYTES,
        media_type: TEXT,
        headers: &[("etag", "There once the log is whole."), CACHED],
    },
    FreeForm { operation: "job_log_json", statuses: BYTES, media_type: NDJSON, headers: &[] },
    FreeForm { operation: "metrics", statuses: BYTES, media_type: OPEN_METRICS, headers: &[] },
    FreeForm {
        operation: "webhook_deliver",
        statuses: &[(200, "It had been taken before"), (202, "It is on disk")],
        media_type: JSON,
        headers: &[],
    },
];

const TAG: (&str, &str) = (
    "etag",
    "What this answer is known by: to be sent as `If-None-Match` or `If-Range` the next time.",
);
const CACHED: (&str, &str) =
    ("cache-control", "`private, no-cache`: to be kept, and to be asked about each time.");

const ARCHIVE: &[(u16, &str)] = &[(200, "A tar archive")];
const BYTES: &[(u16, &str)] = &[(200, "All of it")];
const EVENTS: &[(u16, &str)] = &[(200, "Events, until there are no more")];
const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";
const OCTETS: &str = "application/octet-stream";
const OPEN_METRICS: &str = "application/openmetrics-text";
const STREAM: &str = "text/event-stream";
const TEXT: &str = "text/plain";
const ZSTD: &str = "application/zstd";

/// How an operation's body is written by hand, if it is.
pub(crate) fn free_form(id: &str) -> Option<&'static FreeForm> {
    BODIES.iter().find(|body| body.operation == id)
}

/// Refers to a refusal.
pub(crate) fn reference(status: u16) -> (StatusCode, ReferenceOr<openapiv3::Response>) {
    let known = REFUSALS.iter().find(|refusal| refusal.status == status);
    let name = known.expect("only statuses of the table are given").name;
    let reference = format!("#/components/responses/{name}");
    (StatusCode::Code(status), ReferenceOr::Reference { reference })
}

impl FreeForm {
    /// What is known of its form: bytes or text.
    pub(crate) fn schema(&self) -> ReferenceOr<Schema> {
        let schema_kind = match self.media_type {
            JSON => SchemaKind::Any(AnySchema::default()),
            TEXT | STREAM | NDJSON | OPEN_METRICS => string(VariantOrUnknownOrEmpty::Empty),
            _ => string(VariantOrUnknownOrEmpty::Item(StringFormat::Binary)),
        };
        ReferenceOr::Item(Schema { schema_data: SchemaData::default(), schema_kind })
    }
}

fn string(format: VariantOrUnknownOrEmpty<StringFormat>) -> SchemaKind {
    SchemaKind::Type(Type::String(StringType { format, ..StringType::default() }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use openapiv3::StatusCode;

    use crate::api::APIS;
    use crate::complete;

    /// The operations of all documents.
    fn operations() -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for api in APIS {
            let text = complete::document(api).unwrap();
            let document: openapiv3::OpenAPI = serde_json::from_str(&text).unwrap();
            let operations = document.operations();
            found.extend(operations.filter_map(|(.., one)| one.operation_id.clone()));
        }
        found
    }

    #[test]
    fn every_operation_that_is_named_here_is_one() {
        let operations = operations();
        for name in super::named() {
            assert!(operations.contains(name), "{name} is no operation");
        }
    }

    #[test]
    fn who_may_not_call_an_operation_is_told_so() {
        for api in APIS {
            let text = complete::document(api).unwrap();
            let document: openapiv3::OpenAPI = serde_json::from_str(&text).unwrap();
            for (path, _, operation) in document.operations() {
                let refuses = operation.responses.responses.contains_key(&StatusCode::Code(401));
                let secured = operation.security.as_ref().is_some_and(|ways| !ways.is_empty());
                assert!(refuses || !secured, "{path}");
            }
        }
    }

    #[test]
    fn no_operation_answers_anything_with_any_status() {
        for api in APIS {
            let text = complete::document(api).unwrap();
            assert!(!text.contains("*/*") && !text.contains("\"default\": {\n"), "{}", api.name);
        }
    }
}
