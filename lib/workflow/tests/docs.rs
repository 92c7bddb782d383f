//! The reference of the language says what is so.

use std::fs;
use std::path::Path;

use solstice_model::spec::MAX_RETRIES;
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
    assert!(examples.len() >= 11, "only {} were found", examples.len());
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
        format!("| axes | {} |", limits::MAX_AXES),
        format!("| values of an axis | {} |", limits::MAX_AXIS_VALUES),
        format!("| combinations | {} before", limits::MAX_JOBS),
        format!("| {}, of {} lower-case", limits::MAX_MATRIX_NAMES, limits::MAX_AXIS_NAME_BYTES),
        format!("| size of a value | {} bytes", limits::MAX_MATRIX_VALUE_BYTES),
        format!("together | {} MiB, once", limits::MAX_EXPANDED_BYTES / 1024 / 1024),
        format!("A condition has at most {} bytes", limits::MAX_CONDITION_BYTES),
        format!("{} `matches`", limits::MAX_CONDITION_PATTERNS),
        format!("and `!` at most {} deep", limits::MAX_CONDITION_DEPTH),
        format!("1 to {} bytes, no part is `..`", limits::MAX_PATTERN_BYTES),
        format!("; at most {0} of a job", limits::MAX_ARTIFACT_RULES),
        format!("| 0 to {}: how many", MAX_RETRIES),
        format!("| -{0} to {0}: of", limits::MAX_PRIORITY),
    ];
    for bound in bounds {
        assert!(text.contains(&bound), "the reference does not say {bound:?}");
    }
    assert_eq!(limits::MAX_STEPS, limits::MAX_JOBS, "the same text stands for both");
}

fn thousands(number: usize) -> String {
    format!("{},{:03}", number / 1000, number % 1000)
}

#[test]
fn the_matrix_of_the_reference_makes_what_it_says() {
    let text = reference();
    let example =
        text.split("```kdl\n").find(|part| part.contains("matrix {")).expect("it is there");
    let example = example.split_once("```").expect("the block is closed").0;
    let workflow = parse("workflow.md", example.as_bytes()).expect("tested above");
    let names: Vec<_> =
        workflow.expanded.iter().map(|job| format!("`{}`", job.spec.name)).collect();
    let [a, b, c, d, last] = names.as_slice() else { panic!("{names:?}") };
    let said = format!("makes {a}, {b}, {c} and {d}, and {last} waits for all four");
    assert!(text.replace('\n', " ").contains(&said), "{said}");
    assert_eq!(workflow.expanded[4].spec.needs.len(), 4);
}

#[test]
fn every_planned_word_is_refused_as_planned() {
    let text = reference();
    let (_, planned) = text.split_once("## Not in this version").expect("the section is there");
    let words = planned.split('`').skip(1).step_by(2).filter(|word| !word.contains(' '));
    let words: Vec<_> = words.collect();
    assert!(words.len() >= 6, "{words:?}");
    for word in words {
        let text = format!(
            "workflow {{ {word} \"x\"; job id=\"a\" runs_on=\"b\" {{ step run=\"c\"; }}; }}"
        );
        let wrong = parse("x.kdl", text.as_bytes()).expect_err("planned");
        assert_eq!(wrong.list()[0].message(), format!("`{word}` is not supported by this version"));
    }
}
