//! No type exists twice: every schema of the documents is one of our own types.

use std::collections::BTreeSet;

/// Schemas that the generated code must have itself: the error of Dropshot, and
/// pages, whose Rust type is generic.
fn may_be_generated(name: &str) -> bool {
    name == "Error" || name.ends_with("ResultsPage")
}

#[test]
fn every_schema_of_the_documents_is_replaced_by_our_type() {
    let documents = [
        ("host", include_str!("../../../docs/openapi/host.json"), include_str!("host.rs")),
        ("user", include_str!("../../../docs/openapi/user.json"), include_str!("user.rs")),
    ];
    for (name, document, module) in documents {
        let document: serde_json::Value = serde_json::from_str(document).unwrap();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let ours: BTreeSet<_> =
            module.lines().filter_map(|line| line.trim().split_once(" = solstice_")).collect();
        let replaced: BTreeSet<_> = ours.iter().map(|(name, _)| *name).collect();
        for schema in schemas.keys().filter(|schema| !may_be_generated(schema)) {
            assert!(replaced.contains(schema.as_str()), "{name}: {schema} is generated");
        }
        for replaced in replaced {
            assert!(schemas.contains_key(replaced), "{name}: {replaced} is no schema any more");
        }
    }
}
