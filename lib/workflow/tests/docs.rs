//! The reference of the language says what is so.

use std::fs;
use std::path::Path;

use solstice_workflow::{limits, parse};

fn reference() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/workflow.md");
    fs::read_to_string(path).expect("the reference is part of the repository")
}

#[test]
fn every_example_of_the_reference_is_valid() {
    let text = reference();
    let examples: Vec<&str> = text
        .split("```kdl\n")
        .skip(1)
        .map(|rest| rest.split_once("```").expect("the block is closed").0)
        .collect();
    assert!(examples.len() >= 7, "only {} were found", examples.len());
    for example in examples {
        if let Err(wrong) = parse("workflow.md", example.as_bytes()) {
            panic!("{}\n{example}", wrong.list()[0].one_line());
        }
    }
}

#[test]
fn the_bounds_of_the_reference_are_those_of_the_code() {
    let text = reference();
    let kib = |bytes: usize| format!("{} KiB", bytes / 1024);
    let bounds = [
        format!("| size | {} |", kib(limits::MAX_FILE_BYTES)),
        format!("blocks inside blocks | {}", limits::MAX_DEPTH),
        "together | 20,000 |".replace("20,000", &thousands(limits::MAX_ITEMS)),
        format!("1 to {} |", limits::MAX_JOBS),
        format!("1 to {} characters", limits::MAX_NAME_CHARS),
        format!("cut to {} characters", limits::MAX_DERIVED_NAME_CHARS),
        format!("not blank, at most {}", kib(limits::MAX_RUN_BYTES)),
        format!("1 to {} patterns", limits::MAX_PATTERNS),
        format!("at most {} bytes, compared", limits::MAX_PATTERN_BYTES),
        format!("without `..`, at most {} bytes", limits::MAX_PATH_BYTES),
        format!("{} variables and {}", limits::MAX_ENV_VARS, kib(limits::MAX_ENV_BYTES)),
        format!("any number | see below | at most {}", limits::MAX_TRIGGERS),
    ];
    for bound in bounds {
        assert!(text.contains(&bound), "the reference does not say {bound:?}");
    }
    assert_eq!(limits::MAX_STEPS, limits::MAX_JOBS, "the same text stands for both");
}

fn thousands(number: usize) -> String {
    format!("{},{:03}", number / 1000, number % 1000)
}
