//! Enumerations as generators of clients understand them best.

use openapiv3::{ReferenceOr, Schema, SchemaKind, StringType, Type};

/// Mends an enumeration: of names, and of objects that share some properties.
pub(crate) fn mend(schema: &mut Schema) {
    join_names(schema);
    spread_properties(schema);
}

/// Of names that have a description each, one enumeration that tells of them all.
fn join_names(schema: &mut Schema) {
    let SchemaKind::OneOf { one_of } = &schema.schema_kind else { return };
    let Some(names) = one_of.iter().map(name).collect::<Option<Vec<_>>>() else { return };
    let mut about = schema.schema_data.description.take().unwrap_or_default();
    about.push('\n');
    for (names, description) in &names {
        let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        about.push_str(&format!("\n- {}: {description}", quoted.join(", ")));
    }
    schema.schema_data.description = Some(about);
    let enumeration = names.into_iter().flat_map(|(names, _)| names).map(Some).collect();
    let text = StringType { enumeration, ..StringType::default() };
    schema.schema_kind = SchemaKind::Type(Type::String(text));
}

/// What a variant without data is called, and what is said of it.
fn name(variant: &ReferenceOr<Schema>) -> Option<(Vec<String>, String)> {
    let variant = variant.as_item()?;
    let SchemaKind::Type(Type::String(text)) = &variant.schema_kind else { return None };
    let names: Vec<String> = text.enumeration.iter().flatten().cloned().collect();
    let about = variant.schema_data.description.clone().unwrap_or_default();
    (!names.is_empty()).then(|| (names, about.replace('\n', " ")))
}

/// Gives every variant the properties that all have, where it has them itself.
fn spread_properties(schema: &mut Schema) {
    let SchemaKind::Any(any) = &mut schema.schema_kind else { return };
    let objects = |one: &ReferenceOr<Schema>| {
        let kind = one.as_item().map(|one| &one.schema_kind);
        matches!(kind, Some(SchemaKind::Type(Type::Object(_))))
    };
    if any.properties.is_empty() || any.one_of.is_empty() || !any.one_of.iter().all(objects) {
        return;
    }
    let mut one_of = std::mem::take(&mut any.one_of);
    for variant in &mut one_of {
        let ReferenceOr::Item(variant) = variant else { continue };
        let SchemaKind::Type(Type::Object(object)) = &mut variant.schema_kind else { continue };
        object.properties.extend(any.properties.clone());
        object.required.extend(any.required.clone());
    }
    schema.schema_kind = SchemaKind::OneOf { one_of };
}
