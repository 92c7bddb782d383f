//! From what the file says to jobs with nothing left to resolve but conditions.

use std::collections::BTreeMap;

use solstice_kdl::{Problem, Span};
use solstice_model::{JobName, Need};

use crate::job::Draft;
use crate::limits::MAX_EXPANDED_BYTES;
use crate::matrix::Cell;
use crate::plan::Job;
use crate::{cell_name, env};

/// What an entry of a list or a map costs besides its text.
pub(crate) const ITEM_BYTES: usize = 64;

/// What a step costs besides its texts.
pub(crate) const STEP_BYTES: usize = 256;

/// What may still be made. A value of a matrix that is put in often, in many
/// cells, makes much of a small file.
#[derive(Debug)]
pub(crate) struct Budget {
    left: usize,
}

impl Budget {
    fn whole() -> Self {
        Self { left: MAX_EXPANDED_BYTES }
    }

    /// Takes what is about to be made at a place of the file.
    pub(crate) fn take(&mut self, bytes: usize, span: Span) -> Result<(), Problem> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                let message =
                    format!("with all its jobs the workflow has over {MAX_EXPANDED_BYTES} bytes");
                Err(Problem::new(span, message).label("at this place").help(
                    "move long scripts and values into the repository, or make the matrix smaller",
                ))
            }
        }
    }
}

/// All jobs, or what is wrong with some cell of each job where anything is;
/// `None` if something was reported before.
pub(crate) fn expand(
    drafts: &[Draft],
    workflow_env: &env::Block,
) -> Result<Option<Vec<Job>>, Vec<Problem>> {
    let names = cell_name::of(drafts).map_err(|problem| vec![problem])?;
    let ids = drafts.iter().map(|draft| draft.id.as_ref().map(|id| &id.value));
    let by_id: BTreeMap<_, _> =
        ids.zip(&names).filter_map(|(id, names)| Some((id?, names))).collect();
    let mut budget = Budget::whole();
    let (mut jobs, mut problems, mut complete) = (Vec::new(), Vec::new(), true);
    for (draft, names) in drafts.iter().zip(&names) {
        match cells(draft, names, &by_id, workflow_env, &mut budget) {
            Ok(Some(cells)) => jobs.extend(cells),
            Ok(None) => complete = false,
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(complete.then_some(jobs)) } else { Err(problems) }
}

fn cells(
    draft: &Draft,
    names: &[JobName],
    by_id: &BTreeMap<&JobName, &Vec<JobName>>,
    workflow_env: &env::Block,
    budget: &mut Budget,
) -> Result<Option<Vec<Job>>, Problem> {
    let only = [Cell::default()];
    let cells = draft.matrix.as_ref().map_or(only.as_slice(), |matrix| &matrix.cells);
    let mut jobs = Vec::new();
    for (name, cell) in names.iter().zip(cells) {
        let needs = needs(draft, by_id, budget)?;
        let Some(spec) = draft.resolve(name, cell, needs, workflow_env, budget)? else {
            return Ok(None);
        };
        jobs.push(Job {
            spec,
            condition: draft.condition.clone(),
            step_conditions: draft.steps.iter().map(|step| step.condition.clone()).collect(),
        });
    }
    Ok(Some(jobs))
}

/// The needs of each cell of a job: all cells of every job that it names.
fn needs(
    draft: &Draft,
    by_id: &BTreeMap<&JobName, &Vec<JobName>>,
    budget: &mut Budget,
) -> Result<Vec<Need>, Problem> {
    let mut needs = Vec::new();
    for need in &draft.needs {
        for job in by_id.get(&need.job.value).into_iter().copied().flatten() {
            budget.take(job.as_str().len() + ITEM_BYTES, need.job.span)?;
            needs.push(Need { job: job.clone(), outcome: need.outcome });
        }
    }
    Ok(needs)
}
