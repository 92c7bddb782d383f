//! From a push and the workflow files of its commit to runs; pure.

use std::collections::BTreeMap;

use solstice_forge::{Push, WorkflowFile};
use solstice_model::EventKind;
use solstice_store::NewRun;
use solstice_workflow::{Decision, Diagnostic, Diagnostics, RunContext, TriggerEvent, parse};

use crate::check::run_context;

/// The longest text of diagnostics that is kept, in bytes.
const MAX_PROBLEM_BYTES: usize = 16 * 1024;

/// The runs that a push asks for, at least one.
#[derive(Clone, Debug)]
pub struct Plan {
    /// One per workflow file that the push starts or that is broken.
    pub runs: Vec<NewRun>,
}

/// Says which runs a push starts. A file that cannot be read becomes a run with
/// a problem, so that whoever pushed it is told.
///
/// # Errors
///
/// The reason, for people, why the push starts nothing.
pub fn plan_push(push: &Push, files: &[WorkflowFile]) -> Result<Plan, String> {
    if files.is_empty() {
        return Err(format!("no workflow in .solstice at {}", push.commit));
    }
    let event = TriggerEvent::Push { git_ref: &push.git_ref };
    let mut runs = Vec::new();
    let mut reasons = Vec::new();
    let parsed: Vec<_> =
        files.iter().map(|file| (file, parse(&file.path, file.content.as_deref().unwrap_or(b"")))).collect();
    // Over all files, started or not: a check's name must not depend on the branch.
    let mut names: BTreeMap<String, u32> = BTreeMap::new();
    for (_, workflow) in &parsed {
        if let Ok(workflow) = workflow {
            *names.entry(workflow.name.clone()).or_default() += 1;
        }
    }
    for (file, workflow) in parsed {
        match workflow {
            Ok(workflow) => match workflow.triggered_by(&event) {
                Decision::Start => runs.push(NewRun {
                    file: file.path.clone(),
                    context: context(&workflow.name, names[&workflow.name] > 1, file),
                    jobs: Ok(workflow.jobs(&context_of(push))),
                    workflow: workflow.name,
                }),
                Decision::Ignore { reason } => reasons.push(format!("{}: {reason}", file.path)),
            },
            Err(wrong) => runs.push(NewRun {
                file: file.path.clone(),
                workflow: file.path.clone(),
                context: run_context(&file.path),
                jobs: Err(problem_text(&wrong, file.content.as_deref().unwrap_or(b""))),
            }),
        }
    }
    if runs.is_empty() { Err(reasons.join("; ")) } else { Ok(Plan { runs }) }
}

/// What a push's conditions may ask for.
fn context_of(push: &Push) -> RunContext<'_> {
    RunContext {
        event: EventKind::Push,
        git_ref: &push.git_ref,
        repository: &push.repository.name,
        actor: &push.actor,
        base: None,
        pull_request: None,
        fork: false,
    }
}

/// The context of a file's checks. Where several files share a name, each
/// adds its path: one must not satisfy a check that is required of another.
fn context(name: &str, shared: bool, file: &WorkflowFile) -> String {
    if shared { run_context(&format!("{name} ({})", file.path)) } else { run_context(name) }
}

/// The diagnostics as plain text: place and reason, the line with a mark, help.
///
/// ```text
/// .solstice/ci.kdl:2:5: `job` has no property `run_on`
///     2 |     job id="build" run_on="illumos" {
///       |                    ^^^^^^
///       = did you mean `runs_on`?
/// ```
fn problem_text(wrong: &Diagnostics, content: &[u8]) -> String {
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
    use solstice_forge::Repository;

    use super::*;

    fn push(git_ref: &str) -> Push {
        Push {
            repository: Repository {
                name: "ada/engine".parse().unwrap(),
                clone_url: "http://forge/ada/engine.git".parse().unwrap(),
                html_url: "http://forge/ada/engine".parse().unwrap(),
                private: false,
            },
            git_ref: git_ref.parse().unwrap(),
            commit: "a1".repeat(20).parse().unwrap(),
            title: "Title".to_owned(),
            actor: "ada".to_owned(),
        }
    }

    fn file(path: &str, content: &str) -> WorkflowFile {
        WorkflowFile { path: path.to_owned(), content: content.as_bytes().to_vec() }
    }

    const GOOD: &str = r#"workflow name="CI" {
    job id="build" runs_on="illumos" { step name="Test" run="true"; }
}"#;

    #[test]
    fn a_good_file_becomes_a_run_with_its_jobs() {
        let plan = plan_push(&push("refs/heads/main"), &[file(".solstice/a.kdl", GOOD)]).unwrap();
        let run = &plan.runs[0];
        assert_eq!((run.workflow.as_str(), run.context.as_str()), ("CI", "solstice/CI"));
        assert_eq!(run.jobs.as_ref().unwrap()[0].name.as_str(), "build");
    }

    #[test]
    fn no_file_and_no_trigger_are_reasons() {
        let none = plan_push(&push("refs/heads/main"), &[]).unwrap_err();
        assert_eq!(none, format!("no workflow in .solstice at {}", "a1".repeat(20)));
        let files = [file(".solstice/a.kdl", GOOD)];
        let tag = plan_push(&push("refs/tags/v1"), &files).unwrap_err();
        assert!(tag.starts_with(".solstice/a.kdl: "), "{tag}");
    }

    #[test]
    fn a_broken_file_is_told_beside_the_good_ones() {
        let broken = GOOD.replace("runs_on", "run_on");
        let files = [file(".solstice/a.kdl", GOOD), file(".solstice/b.kdl", &broken)];
        let plan = plan_push(&push("refs/heads/main"), &files).unwrap();
        assert_eq!(plan.runs.len(), 2);
        let problem = plan.runs[1].jobs.as_ref().unwrap_err();
        let mut lines = problem.lines();
        assert!(lines.next().unwrap().starts_with(".solstice/b.kdl:2:"), "{problem}");
        assert!(problem.contains("    2 |     job id=\"build\" run_on=\"illumos\""), "{problem}");
        assert!(problem.contains("= did you mean `runs_on`?"), "{problem}");
        assert_eq!(plan.runs[1].context, "solstice/.solstice/b.kdl");
    }

    #[test]
    fn workflows_of_one_name_do_not_share_their_checks() {
        let files = [file(".solstice/a.kdl", GOOD), file(".solstice/b.kdl", GOOD)];
        let plan = plan_push(&push("refs/heads/main"), &files).unwrap();
        assert_eq!(plan.runs[0].context, "solstice/CI (.solstice/a.kdl)");
        assert_eq!(plan.runs[1].context, "solstice/CI (.solstice/b.kdl)");
    }

    #[test]
    fn a_check_has_the_same_name_whatever_else_the_push_starts() {
        let main_only = GOOD.replacen("{", "{\n    on \"push\" branches=\"main\"\n", 1);
        let files = [file(".solstice/a.kdl", &main_only), file(".solstice/b.kdl", GOOD)];
        let topic = plan_push(&push("refs/heads/topic"), &files).unwrap();
        assert_eq!(topic.runs.len(), 1);
        assert_eq!(topic.runs[0].context, "solstice/CI (.solstice/b.kdl)");
    }

    #[test]
    fn the_text_of_diagnostics_is_bounded_and_harmless() {
        let broken = format!("workflow {{\n{}\u{1b}[31m\n}}", "job x=\"\" \n".repeat(5000));
        let files = [file(".solstice/a.kdl", &broken)];
        let plan = plan_push(&push("refs/heads/main"), &files).unwrap();
        let problem = plan.runs[0].jobs.as_ref().unwrap_err();
        assert!(problem.len() <= MAX_PROBLEM_BYTES + 100);
        assert!(!problem.contains('\u{1b}'));
    }
}
