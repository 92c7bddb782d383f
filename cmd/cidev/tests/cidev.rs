//! The program as a developer meets it: output, diagnostics and exit codes.
//!
//! `EXPECTORATE=overwrite cargo test -p cidev` writes the expected files anew.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use expectorate::assert_contents;
use tempfile::TempDir;

const GOOD: &str = include_str!("good.kdl");
const BAD: &str = "workflow {\n    jbo id=\"a\"\n}\n";

/// Runs cidev in a directory, without colours, 80 columns wide.
fn cidev(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cidev"));
    command.args(args).current_dir(folder).env("NO_COLOR", "1").env("COLUMNS", "80");
    command.output().expect("the program starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// A work tree with these files.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let tree = tempfile::tempdir().expect("a directory");
    fs::create_dir(tree.path().join(".git")).expect("writable");
    for (name, text) in files {
        let path = tree.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }
    tree
}

#[test]
fn help_is_complete() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let subcommands = ["validate", "list", "show", "run"];
    for args in [vec!["--help"]].into_iter().chain(subcommands.map(|name| vec![name, "--help"])) {
        let output = cidev(folder, &args);
        assert_eq!(output.status.code(), Some(0));
        let name = args.join("").replace("--", "-").trim_start_matches('-').to_owned();
        assert_contents(folder.join(format!("tests/{name}.txt")), &stdout(&output));
    }
}

#[test]
fn valid_files_are_counted() {
    let tree = tree(&[(".solstice/ci.kdl", GOOD), (".solstice/notes.txt", "x")]);
    let output = cidev(tree.path(), &["validate"]);
    assert_eq!(stdout(&output), ".solstice/ci.kdl is valid: 4 jobs, 7 steps\n");
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
}

#[test]
fn a_wrong_file_ends_with_1_and_the_good_ones_are_still_named() {
    let tree = tree(&[(".solstice/bad.kdl", BAD), (".solstice/good.kdl", GOOD)]);
    let output = cidev(tree.path(), &["validate"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), ".solstice/good.kdl is valid: 4 jobs, 7 steps\n");
    let complaint = stderr(&output);
    for part in ["`workflow` has no node `jbo`", ".solstice/bad.kdl:2:5", "did you mean `job`?"] {
        assert!(complaint.contains(part), "{complaint}");
    }
}

#[test]
fn workflows_are_found_from_anywhere_in_the_work_tree() {
    let tree = tree(&[(".solstice/ci.kdl", GOOD), ("src/deep/x", "")]);
    let output = cidev(&tree.path().join("src/deep"), &["validate"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("/.solstice/ci.kdl is valid"));
}

#[test]
fn files_and_directories_can_be_named() {
    let tree = tree(&[("a.kdl", GOOD), ("more/b.kdl", GOOD), ("more/c.kdl", GOOD)]);
    let output = cidev(tree.path(), &["validate", "a.kdl", "more"]);
    let named: Vec<_> = stdout(&output)
        .lines()
        .map(|line| line.split(' ').next().unwrap_or("").to_owned())
        .collect();
    assert_eq!(named, ["a.kdl", "more/b.kdl", "more/c.kdl"]);
}

#[test]
fn what_cannot_be_read_or_found_ends_with_2() {
    let tree = tree(&[("a.kdl", GOOD), ("empty/x", "")]);
    let cases: [(&[&str], &str); 6] = [
        (&["validate"], ".solstice has no workflow"),
        (&["validate", "empty"], "empty has no workflow"),
        (&["list", "nowhere.kdl"], "nowhere.kdl cannot be read"),
        (&["show", "a.kdl", "nojob"], "its jobs are build, lint, test-debian-12"),
        (&["show"], "<FILE>"),
        (&["validat"], "validate"),
    ];
    for (args, message) in cases {
        let output = cidev(tree.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(message), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn jobs_are_listed_as_a_table_and_as_json() {
    let tree = tree(&[(".solstice/ci.kdl", GOOD)]);
    let output = cidev(tree.path(), &["list"]);
    assert_eq!(
        stdout(&output),
        "WORKFLOW  JOB             RUNS ON         NEEDS                 STEPS\n\
         Example   build           illumos-stable  -                     2\n\
         Example   lint            ubuntu-22.04    build                 1\n\
         Example   test-debian-12  debian-12       build,lint:completed  2\n\
         Example   test-omnios     omnios          build,lint:completed  2\n"
    );
    let json: serde_json::Value =
        serde_json::from_slice(&cidev(tree.path(), &["list", "--json"]).stdout).expect("JSON");
    assert_eq!(json[0]["file"], ".solstice/ci.kdl");
    assert_eq!(json[0]["workflow"]["jobs"][1]["needs"][0]["job"], "build");
}

#[test]
fn a_list_with_a_wrong_file_ends_with_1() {
    let tree = tree(&[(".solstice/bad.kdl", BAD), (".solstice/good.kdl", GOOD)]);
    let output = cidev(tree.path(), &["list"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("lint") && stderr(&output).contains("jbo"));
}

#[test]
fn a_workflow_is_shown_with_its_defaults() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let output = cidev(&folder, &["show", "good.kdl"]);
    assert_eq!(output.status.code(), Some(0));
    assert_contents(folder.join("show.txt"), &stdout(&output));
    let output = cidev(&folder, &["show", "good.kdl", "lint", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["steps"][0]["shell"][0], "/bin/sh");
    assert_eq!(json["timeout_s"], 3600);
    // The id of a matrix means all of its jobs.
    let output = cidev(&folder, &["show", "good.kdl", "test", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json[1]["matrix"]["values"]["os"], "omnios");
    assert_eq!(
        (&json[1]["if"], &json[1]["step_ifs"][1]),
        (&"event == 'push'".into(), &"failure()".into())
    );
    let output = stdout(&cidev(&folder, &["show", "good.kdl", "test-omnios"]));
    assert!(output.starts_with("job test-omnios\n") && !output.contains("debian"), "{output}");
}

#[test]
fn a_wrong_workflow_is_not_shown() {
    let tree = tree(&[("bad.kdl", BAD)]);
    let output = cidev(tree.path(), &["show", "bad.kdl"]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""));
}

#[test]
fn escape_codes_of_a_script_do_not_reach_the_terminal() {
    let text = GOOD.replace("ruff check .", "printf '\\u{1b}[31m'");
    let tree = tree(&[("x.kdl", &text)]);
    for args in [&["show", "x.kdl"][..], &["list", "x.kdl"], &["show", "x.kdl", "--json"]] {
        assert!(!cidev(tree.path(), args).stdout.contains(&0x1b), "{args:?}");
    }
}
