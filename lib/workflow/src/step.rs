//! `step` nodes: one script each.

use solstice_kdl::{Problem, Reader, Span, value};
use solstice_model::spec::DEFAULT_SHELL;
use solstice_model::{StepSpec, StepWhen};

use crate::condition::{self, Condition, Scope};
use crate::env;
use crate::expand::{Budget, STEP_BYTES};
use crate::interpolate::{Templated, templated, verbatim};
use crate::limits::MAX_DERIVED_NAME_CHARS;
use crate::matrix::Cell;
use crate::rules;

/// A step before the values of a matrix are put in.
pub(crate) struct Draft {
    /// Where it is written.
    pub(crate) span: Span,
    /// Where its time limit is.
    pub(crate) timeout_span: Option<Span>,
    name: Option<Templated<String>>,
    run: Templated<String>,
    shell: Vec<String>,
    working_dir: Option<Templated<String>>,
    env: env::Block,
    timeout_s: Option<u32>,
    continue_on_error: bool,
    retries: u32,
    /// The condition under which it is run.
    pub(crate) condition: Option<Condition>,
}

/// Reads one step of a job whose conditions have this scope; `None` if it was
/// reported that it has nothing to run.
pub(crate) fn read(mut node: Reader<'_>, job: &Scope<'_>) -> Option<Draft> {
    let axes = job.axes;
    let span = node.span();
    let name = node.setting("name", templated(axes, rules::name));
    let run = node.required_setting("run", templated(axes, rules::run));
    let shell = node.setting("shell", verbatim(rules::shell));
    let working_dir = node.setting("working_dir", templated(axes, rules::working_dir));
    let timeout = node.setting("timeout", value::spanned(rules::timeout));
    let continue_on_error = node.setting("continue_on_error", value::boolean).unwrap_or_default();
    let retries = node.setting("retry", rules::retries).unwrap_or_default();
    let env = env::read(&mut node, axes);
    let around = job.env.iter().copied();
    let scope = Scope { env: around.chain([&env]).collect(), step: true, ..*job };
    let condition = node.setting("if", rules::text(|text| condition::decode(text, &scope)));
    rules::refuse_planned(&mut node);
    node.finish();

    let shell = shell.unwrap_or_else(|| DEFAULT_SHELL.map(str::to_owned).to_vec());
    Some(Draft {
        span,
        timeout_span: timeout.as_ref().map(|timeout| timeout.span),
        name,
        run: run?,
        shell,
        working_dir,
        env,
        timeout_s: timeout.map(|timeout| timeout.value),
        continue_on_error,
        retries,
        condition,
    })
}

impl Draft {
    /// The step in a cell of the matrix, as if its condition held.
    pub(crate) fn resolve(&self, cell: &Cell, budget: &mut Budget) -> Result<StepSpec, Problem> {
        let shell: usize = self.shell.iter().map(String::len).sum();
        budget.take(STEP_BYTES + shell, self.span)?;
        let run = self.run.resolve(cell, budget)?;
        let name = self.name.as_ref().map(|name| name.resolve(cell, budget)).transpose()?;
        let dir = self.working_dir.as_ref().map(|dir| dir.resolve(cell, budget)).transpose()?;
        Ok(StepSpec {
            name: name.unwrap_or_else(|| derived_name(&run)),
            run,
            shell: self.shell.clone(),
            working_dir: dir,
            env: self.env.resolve(cell, budget)?,
            timeout_s: self.timeout_s,
            when: StepWhen::default(),
            continue_on_error: self.continue_on_error,
            retries: self.retries,
        })
    }
}

/// The first line of the script that says something, cut and fit for one line.
fn derived_name(run: &str) -> String {
    let line = run.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    line.chars().take(MAX_DERIVED_NAME_CHARS).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_without_a_name_is_called_by_its_first_line() {
        assert_eq!(derived_name("\n\n  cargo test\ncargo doc"), "cargo test");
        assert_eq!(derived_name(&"é".repeat(61)), "é".repeat(60));
        assert_eq!(derived_name("a\tb"), "a b");
    }
}
