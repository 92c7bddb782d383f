//! Spans as the protocol writes them: JSON, ids in hexadecimal, times in
//! nanoseconds as text (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::span::{Attribute, Kind, Span};

/// Who tells.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) service: &'static str,
    pub(crate) version: &'static str,
    pub(crate) instance: String,
}

/// An `ExportTraceServiceRequest`: the spans, by the program that did what they tell of.
pub(crate) fn request(resource: &Resource, spans: &[Span]) -> Value {
    let mut services: Vec<&'static str> = Vec::new();
    for span in spans {
        let service = span.service.unwrap_or(resource.service);
        if !services.contains(&service) {
            services.push(service);
        }
    }
    let of = |service: &&'static str| {
        let service = *service;
        let those = spans.iter().filter(|it| it.service.unwrap_or(resource.service) == service);
        json!({
            "resource": { "attributes": [
                text("service.namespace", "solstice-ci"),
                text("service.name", service),
                text("service.version", resource.version),
                text("service.instance.id", &resource.instance),
            ] },
            "scopeSpans": [{
                "scope": { "name": "solstice-trace", "version": env!("CARGO_PKG_VERSION") },
                "spans": those.map(one).collect::<Vec<_>>(),
            }],
        })
    };
    json!({ "resourceSpans": services.iter().map(of).collect::<Vec<_>>() })
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn one(span: &Span) -> Value {
    let attributes: Vec<Value> = span.attributes.iter().map(attribute).collect();
    let mut value = json!({
        "traceId": span.trace,
        "spanId": span.id,
        "name": span.name,
        "kind": match span.kind { Kind::Internal => 1, Kind::Server => 2, Kind::Client => 3 },
        "startTimeUnixNano": nanoseconds(span.begin),
        "endTimeUnixNano": nanoseconds(span.end),
        "attributes": attributes,
        "status": match &span.error {
            Some(why) => json!({ "code": 2, "message": why }),
            None => json!({}),
        },
    });
    if let Some(parent) = span.parent {
        value["parentSpanId"] = json!(parent);
    }
    value
}

fn attribute((key, value): &(&'static str, Attribute)) -> Value {
    let value = match value {
        Attribute::Text(text) => json!({ "stringValue": text }),
        Attribute::Number(number) => json!({ "intValue": number.to_string() }),
        Attribute::Flag(flag) => json!({ "boolValue": flag }),
    };
    json!({ "key": key, "value": value })
}

/// No time of ours is before 1970 or after 2262.
fn nanoseconds(at: DateTime<Utc>) -> String {
    at.timestamp_nanos_opt().unwrap_or_default().max(0).to_string()
}
