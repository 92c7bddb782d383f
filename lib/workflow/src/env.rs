//! `env` blocks: variables for every step below them.

use std::collections::BTreeMap;

use solstice_kdl::{Problem, Reader, quoted};

use crate::limits::{MAX_ENV_BYTES, MAX_ENV_VARS};
use crate::rules;

/// Variables by name.
pub(crate) type Env = BTreeMap<String, String>;

/// Reads the `env { KEY "value" }` block of a node; empty without one.
pub(crate) fn read(parent: &mut Reader<'_>) -> Env {
    let mut env = Env::new();
    let Some(mut block) = parent.child("env") else { return env };
    for mut variable in block.other_children() {
        let value = variable.required_arg("a value", rules::env_value);
        if let Some(problem) = refusal(variable.name(), &env) {
            variable.report(problem(variable.span()));
        } else {
            env.insert(variable.name().to_owned(), value.unwrap_or_default());
        }
        variable.finish();
    }
    check_size(&block, &env);
    block.finish();
    env
}

/// Why a variable may not be called that.
fn refusal(name: &str, env: &Env) -> Option<impl FnOnce(solstice_kdl::Span) -> Problem> {
    let shown = quoted(name);
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let (message, help) =
        if !starts_well || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            (
                format!("{shown} is not a name of a variable"),
                "use letters, digits and _, no digit first",
            )
        } else if name.starts_with("SOLSTICE") || name == "CI" || name == "GITHUB_ACTIONS" {
            (format!("{shown} is reserved"), "CI, GITHUB_ACTIONS and SOLSTICE* cannot be set")
        } else if env.contains_key(name) {
            (format!("{shown} is set twice"), "remove one of the two")
        } else {
            return None;
        };
    Some(move |span| Problem::new(span, message).label("this variable").help(help))
}

fn check_size(block: &Reader<'_>, env: &Env) {
    let bytes: usize = env.iter().map(|(name, value)| name.len() + value.len()).sum();
    let message = if env.len() > MAX_ENV_VARS {
        format!("this block sets {} variables; at most {MAX_ENV_VARS} are taken", env.len())
    } else if bytes > MAX_ENV_BYTES {
        format!("this block has {bytes} bytes; at most {MAX_ENV_BYTES} are taken")
    } else {
        return;
    };
    let help = "write them into a file of the repository that the steps read";
    block.report(Problem::new(block.span(), message).label("too large").help(help));
}
