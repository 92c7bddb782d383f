//! What conditions come to, once the run is known.

use solstice_model::{EventKind, GitRef, JobSpec, RepoName, StepWhen};
use solstice_workflow::{RunContext, parse};

/// A run of one event, owned.
struct Run {
    event: EventKind,
    git_ref: GitRef,
    repository: RepoName,
    pull_request: Option<u64>,
    fork: bool,
}

impl Run {
    fn of_push(git_ref: &str) -> Self {
        let (git_ref, repository) =
            (git_ref.parse().expect("a ref"), "acme/engine".parse().expect("a name"));
        Self { event: EventKind::Push, git_ref, repository, pull_request: None, fork: false }
    }

    fn of_pull_request(git_ref: &str, fork: bool) -> Self {
        let push = Self::of_push(git_ref);
        Self { event: EventKind::PullRequest, pull_request: Some(7), fork, ..push }
    }

    fn manual() -> Self {
        Self { event: EventKind::Manual, ..Self::of_push("refs/heads/main") }
    }

    fn jobs(&self, text: &str) -> Vec<JobSpec> {
        let workflow = match parse("w.kdl", text.as_bytes()) {
            Ok(workflow) => workflow,
            Err(wrong) => panic!("{text}: {}", wrong.list()[0].one_line()),
        };
        workflow.jobs(&RunContext {
            event: self.event,
            git_ref: &self.git_ref,
            repository: &self.repository,
            actor: "ada",
            base: self.pull_request.map(|_| "stable"),
            pull_request: self.pull_request,
            fork: self.fork,
        })
    }

    /// Whether a job with this condition is run.
    fn meets(&self, condition: &str) -> bool {
        let text = format!(
            r#####"workflow {{
                env {{ DEPLOY "yes"; WHERE "outside"; }}
                job id="a" runs_on="x" if=####"{condition}"#### {{
                    env {{ WHERE "inside"; }}
                    step run="true"
                }}
            }}"#####
        );
        let job = self.jobs(&text).remove(0);
        assert!(job.unmet.is_none() || job.unmet.as_deref() == Some(condition));
        job.unmet.is_none()
    }

    /// When a step with this condition is run.
    fn when(&self, condition: &str) -> StepWhen {
        let text = format!(
            r#####"workflow {{
                job id="a" runs_on="x" {{
                    env {{ WHERE "job"; }}
                    step run="true" if=####"{condition}"#### {{ env {{ WHERE "step"; }}; }}
                }}
            }}"#####
        );
        self.jobs(&text).remove(0).steps.remove(0).when
    }
}

#[test]
fn a_job_is_run_if_its_condition_holds() {
    let (main, tag) = (Run::of_push("refs/heads/main"), Run::of_push("refs/tags/v1.2"));
    let (own, fork) =
        (Run::of_pull_request("refs/heads/x", false), Run::of_pull_request("refs/heads/x", true));
    let manual = Run::manual();
    // main, tag, own, fork, manual; a letter where it is run.
    let table = [
        ("branch == \"main\" && event != \"pull_request\"", "m---M"),
        ("event == 'push'", "mt---"),
        ("tag != ''", "-t---"),
        ("matches(tag, 'v*')", "-t---"),
        ("matches(ref, 'tags/*')", "-----"),
        ("matches(ref, 'refs/{heads,tags}/*')", "mt--M"),
        ("pull_request", "--of-"),
        ("pull_request && !fork", "--o--"),
        ("fork == false", "mto-M"),
        ("base == 'stable' || tag == 'v1.2'", "-tof-"),
        ("starts_with(ref, 'refs/tags/')", "-t---"),
        ("ref == 'refs/pull/7/head'", "--of-"),
        ("ends_with(repository, '/engine') && contains(repository, 'acme')", "mtofM"),
        ("actor == 'ada' && repository != 'acme/engine'", "-----"),
        ("env.DEPLOY == 'yes' && env.WHERE == 'inside'", "mtofM"),
        ("true != false", "mtofM"),
        // && binds stronger than ||, ! stronger than both.
        ("fork || event == 'push' && tag == ''", "m--f-"),
        ("(fork || event == 'push') && tag == ''", "m--f-"),
        ("!fork && tag == '' || fork && tag != ''", "m-o-M"),
        ("!(fork || pull_request)", "mt--M"),
    ];
    for (condition, expected) in table {
        let runs = [(&main, 'm'), (&tag, 't'), (&own, 'o'), (&fork, 'f'), (&manual, 'M')];
        let met: String = runs
            .map(|(run, letter)| if run.meets(condition) { letter } else { '-' })
            .into_iter()
            .collect();
        assert_eq!(met, expected, "{condition}");
    }
}

#[test]
fn a_fork_cannot_pass_for_a_branch_of_the_repository() {
    let run = Run::of_pull_request("refs/heads/main", true);
    for condition in ["branch == 'main'", "ref == 'refs/heads/main'", "matches(branch, 'main')"] {
        assert!(!run.meets(condition), "{condition}");
    }
    assert!(!Run::of_pull_request("refs/tags/v1", true).meets("tag == 'v1'"));
}

#[test]
fn a_step_is_decided_for_both_that_can_have_come_before() {
    use StepWhen::{Always, Never, OnFailure, OnSuccess};
    let run = Run::of_push("refs/heads/main");
    let table = [
        ("branch == 'main'", OnSuccess),
        ("branch == 'other'", Never),
        ("success()", OnSuccess),
        ("failure()", OnFailure),
        ("always()", Always),
        ("!success()", OnFailure),
        ("!failure() && branch == 'main'", OnSuccess),
        ("always() && branch == 'other'", Never),
        ("failure() || branch == 'main'", Always),
        ("failure() || branch == 'other'", OnFailure),
        ("success() == failure()", Never),
        ("success() != failure()", Always),
        ("env.WHERE == 'step'", OnSuccess),
    ];
    for (condition, expected) in table {
        assert_eq!(run.when(condition), expected, "{condition}");
    }
}

#[test]
fn a_cell_of_a_matrix_is_decided_by_its_own_values() {
    let text = r#"workflow {
        job id="a" runs_on="x" if="matrix.os != 'b' && env.AS == matrix.os" {
            matrix { os "a" "b" "c"; include os="c" extra="yes"; }
            env { AS "${{ matrix.os }}"; }
            step run="true" if="matrix.extra == ''"
        }
    }"#;
    let jobs = Run::of_push("refs/heads/main").jobs(text);
    let seen: Vec<_> = jobs
        .iter()
        .map(|job| (job.name.as_str(), job.unmet.is_none(), job.steps[0].when))
        .collect();
    let expected = [
        ("a-a", true, StepWhen::OnSuccess),
        ("a-b", false, StepWhen::OnSuccess),
        ("a-c", true, StepWhen::Never),
    ];
    assert_eq!(seen, expected);
}
