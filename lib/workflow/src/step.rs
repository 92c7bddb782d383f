//! `step` nodes: one script each.

use solstice_kdl::Reader;
use solstice_model::StepSpec;
use solstice_model::spec::DEFAULT_SHELL;

use crate::limits::MAX_DERIVED_NAME_CHARS;
use crate::{env, rules};

/// Reads one step; `None` if it was reported that it has nothing to run.
pub(crate) fn read(mut node: Reader<'_>) -> Option<StepSpec> {
    let name = node.setting("name", rules::name);
    let run = node.required_setting("run", rules::run);
    let shell = node.setting("shell", rules::shell);
    let working_dir = node.setting("working_dir", rules::working_dir);
    let timeout_s = node.setting("timeout", rules::timeout);
    let env = env::read(&mut node);
    rules::refuse_planned(&mut node);
    node.finish();

    let run = run?;
    Some(StepSpec {
        name: name.unwrap_or_else(|| derived_name(&run)),
        shell: shell.unwrap_or_else(|| DEFAULT_SHELL.map(str::to_owned).to_vec()),
        run,
        working_dir,
        env,
        timeout_s,
        when: solstice_model::spec::StepWhen::default(),
        continue_on_error: false,
        retries: 0,
    })
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
