//! The recorded argument vectors of the tests.

use solstice_exec::Command;

/// Compares each command, a line each, to `tests/golden/NAME.txt`.
pub(crate) fn check(name: &str, commands: &[Command]) {
    let lines: Vec<String> =
        commands.iter().map(|command| format!("{}\n", command.line())).collect();
    expectorate::assert_contents(format!("tests/golden/{name}.txt"), &lines.concat());
}
