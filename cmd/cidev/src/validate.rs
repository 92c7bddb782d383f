//! `cidev validate`: one line for each good file, the diagnostics of each bad one.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::files::{self, FileError, Found};
use crate::output;

/// Checks the files.
pub(crate) fn run(paths: &[PathBuf]) -> Result<Found, FileError> {
    let mut good = String::new();
    let mut found = Found::AllValid;
    for file in files::read_all(paths)? {
        match file.parsed {
            Ok(workflow) => {
                let jobs = workflow.expanded.len();
                let steps = workflow.expanded.iter().map(|job| job.spec.steps.len()).sum();
                let (jobs, steps) = (count(jobs, "job"), count(steps, "step"));
                // Writing to a String cannot fail.
                let _ = writeln!(good, "{} is valid: {jobs}, {steps}", file.path.display());
            }
            Err(wrong) => {
                output::complain(&wrong.into());
                found = Found::SomeInvalid;
            }
        }
    }
    for file in files::read_policies(paths)? {
        match file.parsed {
            Ok(_) => {
                let _ = writeln!(good, "{} is a valid policy", file.path.display());
            }
            Err(wrong) => {
                output::complain(&wrong.into());
                found = Found::SomeInvalid;
            }
        }
    }
    output::print(&good);
    Ok(found)
}

fn count(number: usize, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}
