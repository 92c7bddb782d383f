//! The environment that every job gets, besides what its workflow sets.

use std::collections::BTreeMap;

use solstice_model::{Assignment, EventKind};

/// What the environment tells of a run, besides what its assignments hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFacts {
    /// The workflow's name.
    pub workflow: String,
    /// What started it.
    pub event: EventKind,
    /// The pull request's number, if it is one.
    pub pull_request: Option<u64>,
    /// The branch into which the pull request would be merged.
    pub base: Option<String>,
    /// How often the job was run once more before, from 0.
    pub rerun: u32,
}

/// What the steps of this assignment see, from its workflow's environment and ours:
///
/// | variable | value |
/// | --- | --- |
/// | `CI`, `SOLSTICE` | `true` |
/// | `SOLSTICE_RUN_ID`, `GITHUB_RUN_ID`, `SOLSTICE_JOB_ID` | ids, as in the API and the pages |
/// | `SOLSTICE_WORKFLOW`, `GITHUB_WORKFLOW` | the workflow's name |
/// | `SOLSTICE_JOB` | the job's id in the run; that of a matrix has its values in it |
/// | `GITHUB_JOB` | the job's id in the workflow file |
/// | `SOLSTICE_ATTEMPT` | which try this is, from 1 |
/// | `GITHUB_RUN_ATTEMPT` | how often it was run on somebody's wish, from 1 |
/// | `SOLSTICE_EVENT` | `push`, `pull_request` or `manual` |
/// | `GITHUB_EVENT_NAME` | the same, but `workflow_dispatch` for `manual` |
/// | `SOLSTICE_REPOSITORY`, `GITHUB_REPOSITORY` | `owner/name` |
/// | `SOLSTICE_COMMIT`, `GITHUB_SHA` | the commit |
/// | `SOLSTICE_REF`, `GITHUB_REF` | the full ref |
/// | `SOLSTICE_REF_NAME`, `GITHUB_REF_NAME` | the branch or tag alone |
/// | `SOLSTICE_PULL_REQUEST` | pull requests: the number |
/// | `SOLSTICE_BASE_REF`, `GITHUB_BASE_REF` | pull requests: the branch that it is for |
/// | `GITHUB_HEAD_REF` | pull requests: `refs/pull/<number>/head` |
/// | `SOLSTICE_INPUT` | where the artifacts of needed jobs are: `/input` |
/// | `MATRIX_<AXIS>` | the value of each axis, its name in upper case |
///
/// A workflow may set `GITHUB_*` as it likes, but nothing that begins with
/// `SOLSTICE`: scripts may believe those. `GITHUB_ACTIONS` is never ours to
/// set, since scripts take it as a promise that GitHub's runner is there.
pub fn environment(assignment: &Assignment, run: &RunFacts) -> BTreeMap<String, String> {
    let theirs = assignment.spec.env.iter().filter(|(name, _)| !name.starts_with("SOLSTICE"));
    // Of two values of one name the later one stands.
    let mut env = usual(assignment, run);
    env.extend(matrix(assignment));
    env.extend(theirs.map(|(name, value)| (name.clone(), value.clone())));
    env.extend(ours(assignment, run));
    env
}

/// What a workflow cannot change.
fn ours(assignment: &Assignment, run: &RunFacts) -> BTreeMap<String, String> {
    let Assignment { source, spec, .. } = assignment;
    let text = |value: &dyn ToString| Some(value.to_string());
    let all = [
        ("SOLSTICE", text(&true)),
        ("SOLSTICE_RUN_ID", text(&assignment.run)),
        ("SOLSTICE_JOB_ID", text(&assignment.job)),
        ("SOLSTICE_JOB", text(&spec.name)),
        ("SOLSTICE_ATTEMPT", text(&assignment.number)),
        ("SOLSTICE_EVENT", text(&run.event.name())),
        ("SOLSTICE_REPOSITORY", text(&source.repository)),
        ("SOLSTICE_COMMIT", text(&source.commit)),
        ("SOLSTICE_REF", text(&source.git_ref)),
        ("SOLSTICE_REF_NAME", text(&source.git_ref.short())),
        ("SOLSTICE_WORKFLOW", text(&run.workflow)),
        ("SOLSTICE_PULL_REQUEST", run.pull_request.map(|number| number.to_string())),
        ("SOLSTICE_BASE_REF", run.base.clone()),
        ("SOLSTICE_INPUT", text(&"/input")),
    ];
    present(all)
}

/// What scripts know from elsewhere.
fn usual(assignment: &Assignment, run: &RunFacts) -> BTreeMap<String, String> {
    let Assignment { source, spec, .. } = assignment;
    let text = |value: &dyn ToString| Some(value.to_string());
    let event = match run.event {
        EventKind::Push | EventKind::PullRequest | EventKind::MergeGroup => run.event.name(),
        EventKind::Manual => "workflow_dispatch",
    };
    let job = spec.matrix.as_ref().map_or(&spec.name, |cell| &cell.job);
    let all = [
        ("CI", text(&true)),
        ("GITHUB_SHA", text(&source.commit)),
        ("GITHUB_REF", text(&source.git_ref)),
        ("GITHUB_REF_NAME", text(&source.git_ref.short())),
        ("GITHUB_REPOSITORY", text(&source.repository)),
        ("GITHUB_EVENT_NAME", text(&event)),
        ("GITHUB_RUN_ID", text(&assignment.run)),
        ("GITHUB_RUN_ATTEMPT", text(&(u64::from(run.rerun) + 1))),
        ("GITHUB_WORKFLOW", text(&run.workflow)),
        ("GITHUB_JOB", text(job)),
        ("GITHUB_BASE_REF", run.base.clone()),
        ("GITHUB_HEAD_REF", run.pull_request.and_then(|_| text(&source.git_ref))),
    ];
    present(all)
}

/// `MATRIX_OS=illumos`: what is no letter or digit of an axis' name becomes `_`.
fn matrix(assignment: &Assignment) -> BTreeMap<String, String> {
    let values = assignment.spec.matrix.iter().flat_map(|cell| &cell.values);
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let name = |axis: &str| format!("MATRIX_{}", axis.chars().map(plain).collect::<String>());
    values.map(|(axis, value)| (name(axis), value.clone())).collect()
}

fn present<const N: usize>(all: [(&str, Option<String>); N]) -> BTreeMap<String, String> {
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

#[cfg(test)]
mod tests {
    use solstice_model::{JobSpec, MatrixCell, Source, id::new_id};

    use super::*;

    fn assignment(env: &[(&str, &str)]) -> Assignment {
        let env = env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Assignment {
            attempt: new_id(),
            job: new_id(),
            run: new_id(),
            number: 2,
            source: Source {
                repository: "acme/kernel".parse().unwrap(),
                clone_url: "https://forge.example/acme/kernel.git".parse().unwrap(),
                commit: "a1".repeat(20).parse().unwrap(),
                git_ref: "refs/heads/release/1".parse().unwrap(),
            },
            spec: JobSpec {
                name: "build-x86".parse().unwrap(),
                matrix: Some(MatrixCell {
                    job: "build".parse().unwrap(),
                    values: [("c-compiler".to_owned(), "gcc".to_owned())].into(),
                }),
                runs_on: "illumos-stable".parse().unwrap(),
                size: None,
                needs: Vec::new(),
                unmet: None,
                env,
                timeout_s: 60,
                retries: 0,
                continue_on_error: false,
                priority: 0,
                steps: Vec::new(),
                artifacts: Vec::new(),
            },
            has_inputs: false,
            private: false,
            traceparent: None,
        }
    }

    fn push() -> RunFacts {
        RunFacts {
            workflow: "CI".to_owned(),
            event: EventKind::Push,
            pull_request: None,
            base: None,
            rerun: 0,
        }
    }

    #[test]
    fn a_job_learns_what_it_builds() {
        let assignment = assignment(&[]);
        let env = environment(&assignment, &push());
        assert_eq!(env["CI"], "true");
        assert_eq!(env["SOLSTICE_RUN_ID"], assignment.run.to_string());
        assert_eq!(env["SOLSTICE_ATTEMPT"], "2");
        assert_eq!(env["SOLSTICE_REF_NAME"], "release/1");
        assert_eq!(env["SOLSTICE_INPUT"], "/input");
        assert_eq!(env["GITHUB_SHA"], "a1".repeat(20));
        assert_eq!(
            (env["SOLSTICE_JOB"].as_str(), env["GITHUB_JOB"].as_str()),
            ("build-x86", "build")
        );
        assert_eq!(env["MATRIX_C_COMPILER"], "gcc");
        assert_eq!(env["GITHUB_RUN_ATTEMPT"], "1");
        assert!(!env.contains_key("GITHUB_ACTIONS"));
        assert!(!env.keys().any(|name| name.contains("PULL") || name.contains("BASE_REF")));
    }

    #[test]
    fn a_pull_request_s_job_learns_of_it() {
        let mut assignment = assignment(&[]);
        assignment.source.git_ref = "refs/pull/7/head".parse().unwrap();
        let event = EventKind::PullRequest;
        let base = Some("main".to_owned());
        let facts = RunFacts { event, pull_request: Some(7), base, rerun: 2, ..push() };
        let env = environment(&assignment, &facts);
        assert_eq!(env["SOLSTICE_PULL_REQUEST"], "7");
        assert_eq!(
            (env["SOLSTICE_BASE_REF"].as_str(), env["GITHUB_BASE_REF"].as_str()),
            ("main", "main")
        );
        assert_eq!(env["GITHUB_HEAD_REF"], "refs/pull/7/head");
        assert_eq!(env["GITHUB_EVENT_NAME"], "pull_request");
        assert_eq!(env["GITHUB_RUN_ATTEMPT"], "3");
    }

    #[test]
    fn a_run_by_hand_is_told_by_both_its_names() {
        let env = environment(&assignment(&[]), &RunFacts { event: EventKind::Manual, ..push() });
        assert_eq!(env["SOLSTICE_EVENT"], "manual");
        assert_eq!(env["GITHUB_EVENT_NAME"], "workflow_dispatch");
    }

    #[test]
    fn a_workflow_overrides_the_usual_names_but_not_ours() {
        let set = [
            ("CI", "no"),
            ("SOLSTICE_COMMIT", "x"),
            ("SOLSTICE_X", "y"),
            ("A", "b"),
            ("MATRIX_C_COMPILER", "cc"),
        ];
        let env = environment(&assignment(&set), &push());
        assert_eq!(env["CI"], "no");
        assert_eq!((env["A"].as_str(), env["MATRIX_C_COMPILER"].as_str()), ("b", "cc"));
        assert_eq!(env["SOLSTICE_COMMIT"], "a1".repeat(20));
        assert!(!env.contains_key("SOLSTICE_X"));
    }
}
