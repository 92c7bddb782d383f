//! `cidev list`: a line for every job.

use std::path::PathBuf;

use serde::Serialize;
use solstice_model::Need;
use solstice_workflow::Workflow;

use crate::files::{self, FileError, Found};
use crate::output;

/// One file, as `--json` shows it.
#[derive(Serialize)]
struct Listed {
    file: PathBuf,
    workflow: Workflow,
}

/// Lists the jobs of the files that are valid, and complains of the others.
pub(crate) fn run(paths: &[PathBuf], json: bool) -> Result<Found, FileError> {
    let mut listed = Vec::new();
    let mut found = Found::AllValid;
    for file in files::read_all(paths)? {
        match file.parsed {
            Ok(workflow) => listed.push(Listed { file: file.path, workflow }),
            Err(wrong) => {
                output::complain(&wrong.into());
                found = Found::SomeInvalid;
            }
        }
    }
    output::print(&if json { output::json(&listed) } else { output::table(&rows(&listed)) });
    Ok(found)
}

fn rows(listed: &[Listed]) -> Vec<Vec<String>> {
    let head = ["WORKFLOW", "JOB", "RUNS ON", "NEEDS", "STEPS"].map(str::to_owned).to_vec();
    let jobs = listed.iter().flat_map(|one| {
        one.workflow.expanded.iter().map(|job| &job.spec).map(|job| {
            vec![
                one.workflow.name.clone(),
                job.name.to_string(),
                job.runs_on.to_string(),
                needs(&job.needs),
                job.steps.len().to_string(),
            ]
        })
    });
    std::iter::once(head).chain(jobs).collect()
}

/// Needs in a row; `-` for none, so that columns can be counted.
fn needs(needs: &[Need]) -> String {
    if needs.is_empty() {
        return "-".to_owned();
    }
    needs.iter().map(output::need).collect::<Vec<_>>().join(",")
}
