//! `env` blocks: variables for every step below them.

use std::collections::BTreeMap;

use solstice_kdl::{Problem, Reader, Span, quoted};

use crate::expand::{Budget, ITEM_BYTES};
use crate::interpolate::{Templated, templated};
use crate::limits::{MAX_ENV_BYTES, MAX_ENV_VARS};
use crate::matrix::{Axes, Cell};
use crate::rules;

/// The variables of one block.
#[derive(Debug, Default)]
pub(crate) struct Block {
    variables: BTreeMap<String, Templated<String>>,
    /// Where it begins, to point at.
    span: Option<Span>,
}

impl Block {
    /// Whether it sets a variable.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    /// The names of its variables.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// Its variables in a cell of a matrix.
    pub(crate) fn resolve(
        &self,
        cell: &Cell,
        budget: &mut Budget,
    ) -> Result<BTreeMap<String, String>, Problem> {
        let Some(span) = self.span else { return Ok(BTreeMap::new()) };
        if let Some(problem) = self.too_large(cell, span) {
            return Err(problem);
        }
        let mut env = BTreeMap::new();
        for (name, value) in &self.variables {
            budget.take(name.len() + ITEM_BYTES, span)?;
            env.insert(name.clone(), value.resolve(cell, budget)?);
        }
        Ok(env)
    }

    fn too_large(&self, cell: &Cell, span: Span) -> Option<Problem> {
        let sizes = self.variables.iter().map(|(name, value)| name.len() + value.bytes(cell));
        let (count, bytes) = (self.variables.len(), sizes.sum::<usize>());
        let message = if count > MAX_ENV_VARS {
            format!("this block sets {count} variables; at most {MAX_ENV_VARS} are taken")
        } else if bytes > MAX_ENV_BYTES {
            format!("this block has {bytes} bytes; at most {MAX_ENV_BYTES} are taken")
        } else {
            return None;
        };
        let help = "write them into a file of the repository that the steps read";
        Some(Problem::new(span, message).label("too large").help(help))
    }
}

/// Reads the `env { KEY "value" }` block of a node; empty without one.
pub(crate) fn read(parent: &mut Reader<'_>, axes: Axes<'_>) -> Block {
    let Some(mut node) = parent.child("env") else { return Block::default() };
    let mut block = Block { variables: BTreeMap::new(), span: Some(node.span()) };
    for mut variable in node.other_children() {
        let value = variable.required_arg("a value", templated(axes, rules::env_value));
        if let Some(problem) = refusal(variable.name(), &block) {
            variable.report(problem(variable.span()));
        } else if let Some(value) = value {
            block.variables.insert(variable.name().to_owned(), value);
        }
        variable.finish();
    }
    // What is put in is not known yet, and nothing in the first cell.
    if let Some(problem) = block.too_large(&Cell::default(), node.span()) {
        node.report(problem);
    }
    node.finish();
    block
}

/// Why a variable may not be called that.
fn refusal(name: &str, env: &Block) -> Option<impl FnOnce(solstice_kdl::Span) -> Problem> {
    let shown = quoted(name);
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let (message, help) =
        if !starts_well || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            (
                format!("{shown} is not a name of a variable"),
                "use letters, digits and _, no digit first",
            )
        } else if is_reserved(name) {
            let help = "CI, GITHUB_ACTIONS, SOLSTICE* and MATRIX_* cannot be set";
            (format!("{shown} is reserved"), help)
        } else if env.has(name) {
            (format!("{shown} is set twice"), "remove one of the two")
        } else {
            return None;
        };
    Some(move |span| Problem::new(span, message).label("this variable").help(help))
}

fn is_reserved(name: &str) -> bool {
    matches!(name, "CI" | "GITHUB_ACTIONS")
        || name.starts_with("SOLSTICE")
        || name.starts_with("MATRIX_")
}
