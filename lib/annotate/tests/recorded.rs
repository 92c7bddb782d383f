//! What real tools printed, and what is found in it. The outputs in `recorded/`
//! are as rustc 1.95, gcc 12, Go 1.19, pytest 9, Perl's Test::More 1.30, Node 20
//! and cargo-nextest wrote them; only folders were renamed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;
use std::path::Path;

use solstice_annotate::{Finder, Findings, Workspace, junit};
use solstice_model::Annotation;

fn workspace() -> Workspace {
    Workspace::new("/work/src").of_repository("ada/engine")
}

/// Everything that a run of a tool printed, in one stream.
fn found(output: &[u8]) -> Vec<Annotation> {
    let mut findings = Findings::default();
    let mut finder = Finder::new(workspace());
    for line in output.split(|byte| *byte == b'\n') {
        finder.output(line, true, &mut findings);
    }
    finder.end(&mut findings);
    let (annotations, omitted) = findings.into_annotations();
    assert_eq!(omitted, 0);
    annotations
}

/// Annotations as people read them.
fn text(annotations: &[Annotation]) -> String {
    let mut text = String::new();
    for one in annotations {
        let column = one.column.map(|column| format!(":{column}")).unwrap_or_default();
        let level = one.level.name();
        writeln!(text, "{}:{}{column}: {level} [{}]", one.path, one.line, one.title).unwrap();
        one.message.lines().for_each(|line| writeln!(text, "    {line}").unwrap());
    }
    text
}

fn check(name: &str, of: impl Fn(&[u8]) -> Vec<Annotation>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded");
    let output = std::fs::read(folder.join(name)).unwrap();
    expectorate::assert_contents(folder.join(format!("{name}.found")), &text(&of(&output)));
}

#[test]
fn what_tools_print_is_recognised() {
    for name in [
        "rustc.txt",
        "cargo-test.txt",
        "cargo-test-colour.txt",
        "nextest.txt",
        "gcc.txt",
        "gcc-colour.txt",
        "go-build.txt",
        "go-test.txt",
        "go-test-verbose.txt",
        "pytest.txt",
        "pytest-colour.txt",
        "pytest-short.txt",
        "pytest-line.txt",
        "pytest-no.txt",
        "tap-perl.txt",
        "tap-node.txt",
        "prove.txt",
    ] {
        check(name, found);
    }
}

#[test]
fn what_test_runners_report_is_recognised() {
    for name in ["pytest.xml", "pytest-xunit1.xml", "nextest.xml", "node.xml"] {
        check(name, |report| junit(report, &workspace()).unwrap());
    }
}

#[test]
fn colours_change_nothing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    assert_eq!(found(&read("cargo-test-colour.txt")), found(&read("cargo-test.txt")));
    assert_eq!(found(&read("pytest-colour.txt")), found(&read("pytest.txt")));
}
