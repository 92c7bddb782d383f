//! The examples of `docs/policy.md` are what they say.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use solstice_kdl::{Document, Limits};
use solstice_policy::{Approval, OperatorPolicy, Policy, Start, parse};

/// The KDL examples of the reference.
fn examples() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy.md");
    let text = std::fs::read_to_string(path).unwrap();
    let blocks = text.split("```kdl\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_example_of_a_file_is_right_and_says_the_defaults_where_it_can() {
    let layer = parse(".solstice/policy.kdl", examples()[0].as_bytes()).unwrap();
    let policy = Policy::of([&layer]);
    let defaults = Policy::default();
    assert_eq!((policy.start, policy.approval), (defaults.start, defaults.approval));
    assert_eq!(
        (policy.skip_markers, policy.supersede),
        (defaults.skip_markers, defaults.supersede)
    );
    assert!(policy.is_named("dependabot[bot]") && policy.is_named("alice"));
}

#[test]
fn the_example_of_a_server_is_layered_as_the_text_says() {
    let document =
        Document::parse("server.kdl", examples()[1].as_bytes(), Limits::default()).unwrap();
    let operator = document.decode(|top| {
        let mut forge = top.required_child("forge")?;
        let operator = OperatorPolicy::read(&mut forge);
        // What else a forge has is for the configuration to read.
        let others = forge.other_children();
        assert_eq!(others.len(), 2);
        Some(operator)
    });
    let operator = operator.unwrap();
    let open = parse("policy.kdl", b"policy { start \"everyone\"; approval \"never\"; }").unwrap();
    for (name, file, start, approval) in [
        ("x/y", None, Start::Members, Approval::Outside),
        ("x/y", Some(&open), Start::Everyone, Approval::Never),
        ("acme/tools", Some(&open), Start::Everyone, Approval::Outside),
        ("Acme/Firmware", Some(&open), Start::Everyone, Approval::All),
    ] {
        let policy = operator.policy(&name.parse().unwrap(), file);
        assert_eq!((policy.start, policy.approval), (start, approval), "{name}");
    }
    assert!(operator.policy(&"acme/firmware".parse().unwrap(), None).is_named("acme-bot"));
}
