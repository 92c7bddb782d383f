//! Golden files: what a workflow file means, and what its author reads when it is wrong.
//!
//! `EXPECTORATE=overwrite cargo test -p solstice-workflow --test golden` writes
//! the expected files anew; read the difference before it is committed.

use std::fs;
use std::path::{Path, PathBuf};

use expectorate::assert_contents;
use miette::{GraphicalReportHandler, GraphicalTheme};
use solstice_workflow::{Diagnostics, parse};

/// The `.kdl` files of a folder beside this file, by name.
fn inputs(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = fs::read_dir(&folder).expect("the folder is part of the repository");
    let paths = entries.map(|entry| entry.expect("readable").path());
    let mut inputs: Vec<_> =
        paths.filter(|path| path.extension() == Some("kdl".as_ref())).collect();
    inputs.sort();
    inputs
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("the names are ASCII")
}

/// As a terminal of 80 columns without colours shows it, then line by line as a forge does.
fn rendered(wrong: &Diagnostics) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
    let mut text = String::new();
    handler.with_width(80).with_links(false).render_report(&mut text, wrong).expect("a String");
    text.push('\n');
    for one in wrong.list() {
        text.push_str(&one.one_line());
        text.push('\n');
    }
    // miette leaves blanks at the end of some lines.
    text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

#[test]
fn what_is_wrong_is_shown_with_place_reason_and_suggestion() {
    let inputs = inputs("bad");
    assert!(inputs.len() >= 40, "there are only {}", inputs.len());
    for path in inputs {
        let bytes = fs::read(&path).expect("readable");
        let Err(wrong) = parse(name_of(&path), &bytes) else { panic!("{path:?} was taken") };
        assert_contents(path.with_extension("stderr"), &rendered(&wrong));
        for one in wrong.list() {
            assert!(one.help().is_some(), "no suggestion: {}", one.one_line());
        }
    }
}

#[test]
fn what_is_right_is_resolved() {
    for path in inputs("good") {
        let bytes = fs::read(&path).expect("readable");
        let workflow = match parse(name_of(&path), &bytes) {
            Ok(workflow) => workflow,
            Err(wrong) => panic!("{}", rendered(&wrong)),
        };
        let json = serde_json::to_string_pretty(&workflow).expect("plain data");
        assert_contents(path.with_extension("json"), &format!("{json}\n"));
    }
}

#[test]
fn the_file_gives_a_nameless_workflow_its_name() {
    let text = b"workflow { job id=\"a\" runs_on=\"b\" { step run=\"true\"; }; }";
    assert_eq!(parse(".solstice/nightly.kdl", text).expect("valid").name, "nightly");
}
