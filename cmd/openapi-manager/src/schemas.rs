//! What schemas say that is not so, and what they leave out.

use std::collections::BTreeSet;

use openapiv3::{
    AnySchema, Components, IntegerType, ObjectType, OpenAPI, Parameter, ParameterSchemaOrContent,
    ReferenceOr, Schema, SchemaData, SchemaKind, StringType, Type, VariantOrUnknownOrEmpty,
};
use serde_json::{Value, json};

use crate::variants;

/// The codes of errors. There may be others: whoever reads them has to take any
/// text.
const CODES: &[&str] = &[
    "attempt_over",
    "bad_csrf_token",
    "bad_range",
    "bad_request",
    "busy",
    "conflict",
    "disk_full",
    "forbidden",
    "forge_failed",
    "idempotency_answer_lost",
    "idempotency_key_reused",
    "idempotency_key_under_way",
    "illegal_transition",
    "internal",
    "log_removed",
    "log_too_long",
    "no_room",
    "not_found",
    "not_ready",
    "nothing_to_run",
    "record_gap",
    "removed",
    "too_large",
    "too_slow",
    "unauthenticated",
    "unsupported_media_type",
];

/// What names look like, as `lib/model` reads them (`name.rs`).
const PATTERNS: &[(&str, &str)] = &[
    ("CommitPrefix", "^[0-9a-f]{4,64}$"),
    ("CommitSha", "^([0-9a-f]{40}|[0-9a-f]{64})$"),
    ("ForgeName", WORD),
    ("HostName", WORD),
    ("ImageName", WORD),
    ("JobName", WORD),
    ("Label", WORD),
    ("RepoName", "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,98}/[A-Za-z0-9_][A-Za-z0-9_.-]{0,98}$"),
    ("SizeName", WORD),
];
const WORD: &str = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$";

/// What every schema refers to its components by.
const PREFIX: &str = "#/components/schemas/";

/// Mends what a document's schemas say.
pub(crate) fn complete(components: &mut Components) {
    components.schemas.insert("Error".to_owned(), ReferenceOr::Item(error()));
    for (name, schema) in &mut components.schemas {
        if let ReferenceOr::Item(schema) = schema {
            give_pattern(name, schema);
            // Names types of ours, which nobody else has.
            schema.schema_data.extensions.shift_remove("x-rust-type");
            variants::mend(schema);
            mend(schema);
        }
    }
}

/// The error that Dropshot and the server answer with.
fn error() -> Schema {
    let text = |about: &str| ReferenceOr::boxed_item(string(about));
    let mut code = string(
        "Why, for programs; new ones may come. None where the request did not get as far as the \
         operation.",
    );
    code.schema_data.extensions.insert("x-extensible-enum".to_owned(), json!(CODES));
    let object = ObjectType {
        properties: [
            ("error_code".to_owned(), ReferenceOr::boxed_item(code)),
            ("message".to_owned(), text("Why, for people.")),
            ("request_id".to_owned(), text("What the server's log calls the request.")),
        ]
        .into(),
        required: vec!["message".to_owned(), "request_id".to_owned()],
        ..ObjectType::default()
    };
    Schema {
        schema_data: SchemaData {
            description: Some("Why a request was refused.".to_owned()),
            ..SchemaData::default()
        },
        schema_kind: SchemaKind::Type(Type::Object(object)),
    }
}

fn string(about: &str) -> Schema {
    Schema {
        schema_data: SchemaData { description: Some(about.to_owned()), ..SchemaData::default() },
        schema_kind: SchemaKind::Type(Type::String(StringType::default())),
    }
}

/// A parameter is there or it is not: `null` cannot be written in a query.
pub(crate) fn complete_parameter(parameter: &mut ReferenceOr<Parameter>) {
    let ReferenceOr::Item(parameter) = parameter else { return };
    let data = match parameter {
        Parameter::Query { parameter_data, .. }
        | Parameter::Header { parameter_data, .. }
        | Parameter::Path { parameter_data, .. }
        | Parameter::Cookie { parameter_data, .. } => parameter_data,
    };
    if let ParameterSchemaOrContent::Schema(ReferenceOr::Item(schema)) = &mut data.format {
        schema.schema_data.nullable = false;
        mend(schema);
    }
}

/// Says of what may be null that it is either or: beside a reference `nullable`
/// says nothing (OpenAPI 3.0.3, "Schema Object"). Leaves out the objects that
/// stand for what is absent: answers always have them, and generators stumble.
fn mend(schema: &mut Schema) {
    let data = &mut schema.schema_data;
    if matches!(data.default, Some(Value::Object(_))) {
        data.default = None;
    }
    if data.nullable
        && let SchemaKind::AllOf { all_of } = &mut schema.schema_kind
    {
        data.nullable = false;
        let mut any_of = std::mem::take(all_of);
        any_of.push(ReferenceOr::Item(null()));
        schema.schema_kind = SchemaKind::AnyOf { any_of };
    }
    let properties = match &mut schema.schema_kind {
        SchemaKind::Type(Type::Object(object)) => &mut object.properties,
        SchemaKind::Type(Type::Integer(number)) => return give_bound(number),
        SchemaKind::Any(any) => &mut any.properties,
        SchemaKind::OneOf { one_of } => {
            for one in one_of {
                if let ReferenceOr::Item(one) = one {
                    mend(one);
                }
            }
            return;
        }
        _ => return,
    };
    for property in properties.values_mut() {
        if let ReferenceOr::Item(property) = property {
            mend(property);
        }
    }
}

/// The schema of `null` alone, which this version of OpenAPI has no type for.
fn null() -> Schema {
    let enumeration = vec![Value::Null];
    let any = AnySchema { typ: Some("object".to_owned()), enumeration, ..AnySchema::default() };
    Schema {
        schema_data: SchemaData { nullable: true, ..SchemaData::default() },
        schema_kind: SchemaKind::Any(any),
    }
}

/// Says of names what they look like.
fn give_pattern(name: &str, schema: &mut Schema) {
    let known = PATTERNS.iter().find(|(known, _)| *known == name);
    if let (Some((_, pattern)), SchemaKind::Type(Type::String(text))) =
        (known, &mut schema.schema_kind)
    {
        text.pattern = Some((*pattern).to_owned());
    }
}

/// Says of a number how large it may be: formats such as `uint32` are Rust's and
/// not OpenAPI's.
fn give_bound(number: &mut IntegerType) {
    let VariantOrUnknownOrEmpty::Unknown(format) = &number.format else { return };
    let most = match format.as_str() {
        "uint8" => i64::from(u8::MAX),
        "uint16" => i64::from(u16::MAX),
        "uint32" => i64::from(u32::MAX),
        "uint64" | "uint" => i64::MAX,
        _ => return,
    };
    number.maximum.get_or_insert(most);
}

/// Leaves out the schemas that nothing refers to.
pub(crate) fn leave_out_unused(document: &mut OpenAPI) {
    loop {
        let whole = serde_json::to_value(&*document).expect("a document is JSON");
        let mut used = BTreeSet::new();
        references(&whole, &mut used);
        let Some(components) = &mut document.components else { return };
        let (before, responses) = (components.schemas.len(), components.responses.len());
        components.schemas.retain(|name, _| used.contains(&format!("{PREFIX}{name}")));
        let response = |name: &str| format!("#/components/responses/{name}");
        components.responses.retain(|name, _| used.contains(&response(name)));
        if (before, responses) == (components.schemas.len(), components.responses.len()) {
            return;
        }
    }
}

/// Every `$ref`.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                found.insert(reference.clone());
            }
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}
