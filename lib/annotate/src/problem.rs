//! Our own diagnostics of a workflow file.

use solstice_model::{Annotation, AnnotationLevel};

use crate::place::Place;
use crate::sink::{Remark, annotation};
use crate::text::push_line;
use crate::workspace::Workspace;

/// The mistakes that a run's problem tells of: blocks that begin with
/// `file:line:col: message`, where indented lines show the source and, after
/// `=`, how to mend it. What has no place is not among them.
pub fn of_problem(text: &str) -> Vec<Annotation> {
    let workspace = Workspace::new("/");
    let mut found: Vec<Annotation> = Vec::new();
    for line in text.lines() {
        if let Some(help) = line.trim_start().strip_prefix("= ") {
            if let Some(last) = found.last_mut() {
                push_line(&mut last.message, help);
            }
        } else if !line.starts_with(' ')
            && let Some((place, said)) = Place::begins(line)
            && let Some(path) = workspace.resolve(None, place.path)
        {
            let level = AnnotationLevel::Failure;
            let remark = Remark { level, title: "", message: said.trim_start() };
            found.extend(annotation(path, place.line, place.column, &remark));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_of_a_workflow_file_has_its_line() {
        let text = ".solstice/ci.kdl:2:5: `job` has no property `run_on`\n    \
                    2 |     job id=\"a.c:3: x\" run_on=\"illumos\" {\n      \
                    |                    ^^^^^^\n      \
                    = did you mean `runs_on`?\n\
                    .solstice/ci.kdl:7:1: a node is missing\n…\nand 3 more\n";
        let found = of_problem(text);
        let seen: Vec<_> =
            found.iter().map(|one| (one.line, one.column, one.message.as_str())).collect();
        let first = "`job` has no property `run_on`\ndid you mean `runs_on`?";
        assert_eq!(seen, [(2, Some(5), first), (7, Some(1), "a node is missing")]);
        assert_eq!(found[0].path, ".solstice/ci.kdl");
        assert_eq!(of_problem("the forge does not have the file"), []);
    }
}
