//! What is wrong with a workflow file, as plain text.

use solstice_workflow::{Diagnostic, Diagnostics};

/// The longest text of diagnostics that is kept, in bytes.
const MAX_PROBLEM_BYTES: usize = 16 * 1024;

/// The diagnostics as plain text: place and reason, the line with a mark, help.
///
/// ```text
/// .solstice/ci.kdl:2:5: `job` has no property `run_on`
///     2 |     job id="build" run_on="illumos" {
///       |                    ^^^^^^
///       = did you mean `runs_on`?
/// ```
pub(crate) fn problem_text(wrong: &Diagnostics, content: &[u8]) -> String {
    let mut text = String::new();
    for one in wrong.list() {
        let block = problem_block(wrong.file_name(), one, content);
        if text.len() + block.len() > MAX_PROBLEM_BYTES {
            text.push_str("…\n");
            return text;
        }
        text.push_str(&block);
    }
    if wrong.omitted() > 0 {
        text.push_str(&format!("and {} more\n", wrong.omitted()));
    }
    text
}

fn problem_block(file: &str, one: &Diagnostic, content: &[u8]) -> String {
    let (line, column) = (one.line(), one.column());
    let mut block = format!("{file}:{line}:{column}: {one}\n");
    let source = content.split(|byte| *byte == b'\n').nth(line - 1);
    if let Some(source) = source.filter(|source| !source.is_empty() && source.len() <= 400) {
        let shown: String = String::from_utf8_lossy(source)
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let rest = shown.chars().count().saturating_sub(column - 1).max(1);
        let width = one.span().len().clamp(1, rest);
        let (gap, mark) = (" ".repeat(column - 1), "^".repeat(width));
        block.push_str(&format!("{line:>5} | {}\n      | {gap}{mark}\n", shown.trim_end()));
    }
    if let Some(help) = one.help() {
        block.push_str(&format!("      = {help}\n"));
    }
    block
}

#[cfg(test)]
mod tests {
    use solstice_workflow::parse;

    use super::*;

    #[test]
    fn the_text_of_diagnostics_is_bounded_and_harmless() {
        let broken = format!("workflow {{\n{}\u{1b}[31m\n}}", "job x=\"\" \n".repeat(5000));
        let wrong = parse(".solstice/a.kdl", broken.as_bytes()).unwrap_err();
        let problem = problem_text(&wrong, broken.as_bytes());
        assert!(problem.len() <= MAX_PROBLEM_BYTES + 100);
        assert!(!problem.contains('\u{1b}'));
    }
}
