//! `job` nodes: a label, what must come before, and steps.

use solstice_kdl::{Problem, Reader, Span, Spanned, value};
use solstice_model::spec::DEFAULT_TIMEOUT_S;
use solstice_model::{JobName, JobSpec, Label, MatrixCell, Need, SizeName};

use crate::condition::{self, Condition, Scope};
use crate::expand::{Budget, ITEM_BYTES};
use crate::interpolate::{Templated, templated};
use crate::limits::MAX_STEPS;
use crate::matrix::{self, Axes, Cell, Matrix};
use crate::needs;
use crate::rules::{self, too_many_of};
use crate::{artifact, env, step};

/// A job with the places of its names, before its needs are looked up and its
/// matrix is expanded.
pub(crate) struct Draft {
    /// Its id; where it has none that is valid, that was reported.
    pub(crate) id: Option<Spanned<JobName>>,
    /// The jobs that it names.
    pub(crate) needs: Vec<needs::Draft>,
    /// Its combinations, if it has a matrix that is right.
    pub(crate) matrix: Option<Matrix>,
    /// The condition under which it is run.
    pub(crate) condition: Option<Condition>,
    /// Its steps, each with its own condition.
    pub(crate) steps: Vec<step::Draft>,
    /// Where the job is written.
    pub(crate) span: Span,
    /// Where parts of it are.
    pub(crate) spans: Spans,
    runs_on: Option<Templated<Label>>,
    size: Option<Templated<SizeName>>,
    env: env::Block,
    timeout_s: u32,
    retries: u32,
    continue_on_error: bool,
    priority: i8,
    artifacts: Vec<artifact::Draft>,
}

/// Where the parts of a job are written that somebody may be sent to.
#[derive(Clone, Copy)]
pub(crate) struct Spans {
    pub(crate) runs_on: Option<Span>,
    pub(crate) condition: Option<Span>,
    pub(crate) timeout: Option<Span>,
}

/// Reads one job of a workflow with this environment, and with so many patterns
/// in the conditions before it.
pub(crate) fn read(
    mut node: Reader<'_>,
    workflow_env: &env::Block,
    patterns: &std::cell::Cell<usize>,
) -> Draft {
    let block = node.child("matrix");
    let no_axes = if block.is_some() { Axes::Unknown } else { Axes::None };
    let matrix = block.and_then(matrix::read);
    let axes = matrix.as_ref().map_or(no_axes, Matrix::axes);

    let env = env::read(&mut node, axes);
    let scope = Scope { axes, env: vec![workflow_env, &env], step: false, patterns };
    let nodes = node.required_children("step", "add at least one: step run=\"…\"");
    if let Some(surplus) = nodes.get(MAX_STEPS) {
        node.report(too_many_of("steps", MAX_STEPS, surplus.span()));
    }
    let steps = nodes.into_iter().filter_map(|node| step::read(node, &scope)).collect();
    let needs = needs::read(&mut node);
    let id = node.required_prop("id", value::spanned(rules::text(rules::word::<JobName>)));
    let label = value::spanned(templated(axes, rules::word::<Label>));
    let runs_on = node.required_setting("runs_on", label);
    let size = node.setting("size", templated(axes, rules::word::<SizeName>));
    let condition = value::spanned(rules::text(|text| condition::decode(text, &scope)));
    let condition = node.setting("if", condition);
    let timeout = node.setting("timeout", value::spanned(rules::timeout));
    let retries = node.setting("retry", rules::retries).unwrap_or_default();
    let continue_on_error = node.setting("continue_on_error", value::boolean).unwrap_or_default();
    let priority = node.setting("priority", rules::priority).unwrap_or_default();
    let artifacts = artifact::read_all(&mut node, axes);
    rules::refuse_planned(&mut node);
    let span = node.span();
    node.finish();
    let spans = Spans {
        runs_on: runs_on.as_ref().map(|label| label.span),
        condition: condition.as_ref().map(|condition| condition.span),
        timeout: timeout.as_ref().map(|timeout| timeout.span),
    };
    Draft {
        id,
        needs,
        matrix,
        condition: condition.map(|condition| condition.value),
        steps,
        span,
        spans,
        runs_on: runs_on.map(|label| label.value),
        size,
        env,
        timeout_s: timeout.map_or(DEFAULT_TIMEOUT_S, |timeout| timeout.value),
        retries,
        continue_on_error,
        priority,
        artifacts,
    }
}

impl Draft {
    /// How many jobs it becomes.
    pub(crate) fn cell_count(&self) -> usize {
        self.matrix.as_ref().map_or(1, |matrix| matrix.cells.len())
    }

    /// The job in a cell of its matrix, as if all conditions held; `None` if
    /// something that it cannot be without was reported missing or wrong.
    pub(crate) fn resolve(
        &self,
        name: &JobName,
        cell: &Cell,
        needs: Vec<Need>,
        workflow_env: &env::Block,
        budget: &mut Budget,
    ) -> Result<Option<JobSpec>, Problem> {
        let (Some(id), Some(runs_on)) = (&self.id, &self.runs_on) else { return Ok(None) };
        let matrix = self.cell_values(id, cell, budget)?;
        let mut env = variables(matrix.as_ref());
        env.extend(workflow_env.resolve(&Cell::default(), budget)?);
        env.extend(self.env.resolve(cell, budget)?);
        let mut artifacts = Vec::new();
        for draft in &self.artifacts {
            artifacts.extend(draft.resolve(cell, budget)?);
        }
        let steps = self.steps.iter().map(|step| step.resolve(cell, budget));
        let steps = steps.collect::<Result<_, _>>()?;
        Ok(Some(JobSpec {
            name: name.clone(),
            matrix,
            runs_on: runs_on.resolve(cell, budget)?,
            size: self.size.as_ref().map(|size| size.resolve(cell, budget)).transpose()?,
            needs,
            unmet: None,
            env,
            timeout_s: self.timeout_s,
            retries: self.retries,
            continue_on_error: self.continue_on_error,
            priority: self.priority,
            steps,
            artifacts,
        }))
    }

    fn cell_values(
        &self,
        id: &Spanned<JobName>,
        cell: &Cell,
        budget: &mut Budget,
    ) -> Result<Option<MatrixCell>, Problem> {
        let Some(matrix) = &self.matrix else { return Ok(None) };
        let values = matrix.values(cell);
        // Once as a value, once as a variable.
        let bytes = |(name, value): (&String, &String)| 2 * (name.len() + value.len() + ITEM_BYTES);
        budget.take(values.iter().map(bytes).sum(), self.span)?;
        Ok(Some(MatrixCell { job: id.value.clone(), values }))
    }
}

/// The values of a cell as variables: `os` is `MATRIX_OS`.
fn variables(cell: Option<&MatrixCell>) -> std::collections::BTreeMap<String, String> {
    let values = cell.into_iter().flat_map(|cell| &cell.values);
    let named = |(name, value): (&String, &String)| {
        (format!("MATRIX_{}", name.to_ascii_uppercase()), value.clone())
    };
    values.map(named).collect()
}
