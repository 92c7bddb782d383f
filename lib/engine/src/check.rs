//! What a commit shows for a job: pure functions from state to report.
//!
//! A check that is required for merging must never pass because something went
//! wrong: whatever is neither a success nor a failure of the change is an error
//! (invariant I9), jobs included that were skipped since one that they need did
//! not end as it must. What the author wishes passes: a failure that is allowed,
//! and a job whose condition does not hold, since a check that is required and
//! never comes would keep the change from being merged for ever.

use solstice_forge::text::cut;
use solstice_forge::{CheckReport, CheckState, MAX_CONTEXT_CHARS, MAX_DESCRIPTION_CHARS};
use solstice_model::{
    JobName, JobSpec, JobState, NeededOutcome, Outcome, Sha256Digest, SkipReason, StepSpec,
    TimeLimit,
};
use solstice_store::{Describe, JobView, PullRequestView, RunView};
use url::Url;

/// Says what commits show, with links to the server's pages.
#[derive(Clone, Debug)]
pub struct Checks {
    /// Where people reach the pages; ends with a slash.
    base_url: Url,
}

impl Checks {
    /// Links will begin with `base_url`.
    pub fn new(mut base_url: Url) -> Self {
        if !base_url.path().ends_with('/') {
            let path = format!("{}/", base_url.path());
            base_url.set_path(&path);
        }
        Self { base_url }
    }

    fn page(&self, path: &str) -> Url {
        self.base_url.join(path).expect("a plain relative path joins to any web address")
    }
}

impl Describe for Checks {
    fn job(&self, run: &RunView, job: &JobView<'_>) -> CheckReport {
        let state = match job.state {
            JobState::Queued if run.awaits_approval => CheckState::ActionRequired,
            JobState::Queued | JobState::Claimed(_) | JobState::Starting(_) => CheckState::Pending,
            JobState::Running(_) => CheckState::Running,
            JobState::Finished { outcome } => outcome_state(outcome, job.spec.continue_on_error),
        };
        // A need that was met once stays met.
        let waits_for: Vec<JobName> = match job.attempts {
            0 => job.spec.needs.iter().map(|need| need.job.clone()).collect(),
            _ => Vec::new(),
        };
        let mut description = match (job.state, job.step) {
            (JobState::Queued, _) if run.awaits_approval => {
                let why = PullRequestView::approval_reason(run.pull_request.as_ref());
                format!("waits for approval: {}", one_line(&why))
            }
            (JobState::Running(held), Some(step)) => {
                let steps = &job.spec.steps;
                format!("{} at {}", step_of(step, steps), held.host)
            }
            _ => description(job.state, &waits_for, Some(job.spec)),
        };
        if *job.state == JobState::Queued && job.attempts > 0 {
            description.push_str(&format!(" for try {}", u64::from(job.attempts) + 1));
        }
        let remarks = match job.state.is_finished() && !job.annotations.is_empty() {
            true => format!(" ({})", job.annotations),
            false => String::new(),
        };
        // How much there is to see is never what is cut off.
        let room = MAX_DESCRIPTION_CHARS - remarks.chars().count();
        CheckReport {
            context: job_context(&run.context, &job.spec.name),
            state,
            description: cut(&description, room) + &remarks,
            target_url: self.page(&format!("jobs/{}", job.id)),
        }
    }

    fn broken_run(&self, run: &RunView, problem: &str) -> CheckReport {
        let first = problem.lines().find(|line| !line.trim().is_empty());
        CheckReport {
            context: cut(&run.context, MAX_CONTEXT_CHARS),
            state: CheckState::Failure,
            description: cut(&one_line(first.unwrap_or("it is broken")), MAX_DESCRIPTION_CHARS),
            target_url: self.page(&format!("runs/{}", run.id)),
        }
    }
}

/// `allowed`: whether a failure of the job counts for nothing.
fn outcome_state(outcome: &Outcome, allowed: bool) -> CheckState {
    match outcome {
        Outcome::Succeeded => CheckState::Success,
        Outcome::Skipped { why } if why.is_wish() => CheckState::Skipped,
        outcome if outcome.is_failure() && allowed => CheckState::Success,
        Outcome::Failed { .. } | Outcome::ArtifactFailed { .. } => CheckState::Failure,
        Outcome::TimedOut { .. } => CheckState::TimedOut,
        Outcome::Cancelled { .. } => CheckState::Cancelled,
        Outcome::InfraFailed { .. } | Outcome::Skipped { .. } => CheckState::Error,
    }
}

/// How the checks of a workflow begin: `solstice/<workflow>`.
pub fn run_context(workflow: &str) -> String {
    format!("solstice/{}", one_line(workflow))
}

/// The name of a job's check: `solstice/<workflow>/<job>`. It is stable for the
/// same job; where it would be too long, the workflow's part is cut and marked
/// with a digest of the whole, so that jobs and workflows stay apart.
pub fn job_context(run_context: &str, job: &JobName) -> String {
    let room = MAX_CONTEXT_CHARS - 1 - job.as_str().len();
    if run_context.chars().count() <= room {
        return format!("{run_context}/{job}");
    }
    let digest = Sha256Digest::of(run_context.as_bytes()).hex();
    format!("{}~{}/{job}", cut(run_context, room - 9), &digest[..8])
}

/// Where a job stands, in one line for people; also shown by the pages.
/// `waits_for` are jobs that it needs and that may not be over. Without `spec`
/// steps have no names, and nothing is said of what the author allows.
pub fn description(state: &JobState, waits_for: &[JobName], spec: Option<&JobSpec>) -> String {
    match state {
        JobState::Queued if !waits_for.is_empty() => {
            let names: Vec<&str> = waits_for.iter().map(JobName::as_str).collect();
            format!("waiting for {} and a machine", names.join(", "))
        }
        JobState::Queued => "waiting for a machine".to_owned(),
        JobState::Claimed(held) => format!("waiting for its machine at {}", held.host),
        JobState::Starting(held) => format!("its machine is starting at {}", held.host),
        JobState::Running(held) => format!("running at {}", held.host),
        JobState::Finished { outcome } => {
            let allowed = spec.is_some_and(|spec| spec.continue_on_error);
            let text = finished(outcome, spec);
            if allowed && outcome.is_failure() {
                return format!("failed, which is allowed: {text}");
            }
            text
        }
    }
}

fn finished(outcome: &Outcome, spec: Option<&JobSpec>) -> String {
    let steps = spec.map(|spec| spec.steps.as_slice()).unwrap_or_default();
    match outcome {
        Outcome::Succeeded => "succeeded".to_owned(),
        Outcome::Failed { step, exit } => format!("{} failed: {exit}", step_name(*step, steps)),
        Outcome::ArtifactFailed { pattern, why } => {
            format!("artifact `{}`: {}", cut(&one_line(pattern), 60), one_line(why))
        }
        Outcome::TimedOut { limit: TimeLimit::Job { seconds } } => {
            format!("took longer than its limit of {}", limit(*seconds))
        }
        Outcome::TimedOut { limit: TimeLimit::Step { step, seconds } } => {
            format!("{} took longer than its limit of {}", step_name(*step, steps), limit(*seconds))
        }
        Outcome::Cancelled { by } => format!("cancelled by {}", one_line(by)),
        Outcome::InfraFailed { why } => format!("could not be run: {}", one_line(why)),
        Outcome::Skipped { why: SkipReason::NeedNotMet { need } } => {
            format!("not run: {need} {}", missed(need, spec))
        }
        Outcome::Skipped { why: SkipReason::Condition { condition } } => {
            format!("not run: its condition `{}` does not hold", cut(&one_line(condition), 80))
        }
        Outcome::Skipped { why: SkipReason::CommitMessage { marker } } => {
            format!("not run: the commit's message says {}", cut(&one_line(marker), 40))
        }
        Outcome::Skipped { why: SkipReason::NoFileChanged } => {
            "not run: no file that it is for has changed".to_owned()
        }
    }
}

/// What a needed job did not do.
fn missed(need: &JobName, spec: Option<&JobSpec>) -> &'static str {
    let wanted = spec.and_then(|spec| spec.needs.iter().find(|wanted| wanted.job == *need));
    match wanted.map(|wanted| wanted.outcome) {
        None | Some(NeededOutcome::Succeeded) => "did not succeed",
        Some(NeededOutcome::Failed) => "did not fail",
        Some(NeededOutcome::Completed | NeededOutcome::Any) => "did not run to an end",
    }
}

/// `step 2 “Test”`.
fn step_name(index: u32, steps: &[StepSpec]) -> String {
    let number = u64::from(index) + 1;
    let spec = usize::try_from(index).ok().and_then(|index| steps.get(index));
    match spec {
        Some(spec) => format!("step {number} “{}”", cut(&one_line(&spec.name), 60)),
        None => format!("step {number}"),
    }
}

/// `step 2/5 “Test”`.
pub(crate) fn step_of(index: u32, steps: &[StepSpec]) -> String {
    let number = u64::from(index) + 1;
    let named = step_name(index, steps);
    named.replacen(&format!("step {number}"), &format!("step {number}/{}", steps.len()), 1)
}

fn limit(seconds: u32) -> String {
    match seconds {
        _ if seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

/// Text from outside as one line: controls become blanks.
pub(crate) fn one_line(text: &str) -> String {
    let blanked = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    blanked.collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use solstice_forge::{Push, Repository};
    use solstice_model::id::new_id;
    use solstice_model::job::Holding;
    use solstice_model::{AnnotationCounts, EventKind, Exit, Need, StepWhen};

    use super::*;

    fn step(name: &str) -> StepSpec {
        StepSpec {
            name: name.to_owned(),
            run: String::new(),
            shell: Vec::new(),
            working_dir: None,
            env: BTreeMap::new(),
            timeout_s: None,
            when: StepWhen::OnSuccess,
            continue_on_error: false,
            retries: 0,
        }
    }

    fn spec() -> JobSpec {
        JobSpec {
            name: "build".parse().unwrap(),
            matrix: None,
            runs_on: "illumos".parse().unwrap(),
            size: None,
            needs: Vec::new(),
            unmet: None,
            env: BTreeMap::new(),
            timeout_s: 60,
            retries: 0,
            continue_on_error: false,
            priority: 0,
            steps: vec![step("Build"), step("Test")],
            artifacts: Vec::new(),
        }
    }

    fn run(context: &str) -> RunView {
        let repository = Repository {
            name: "ada/engine".parse().unwrap(),
            clone_url: "http://forge/ada/engine.git".parse().unwrap(),
            html_url: "http://forge/ada/engine".parse().unwrap(),
            private: false,
        };
        RunView {
            id: new_id(),
            forge: "forge".parse().unwrap(),
            event: EventKind::Push,
            pull_request: None,
            push: Push {
                repository,
                git_ref: "refs/heads/main".parse().unwrap(),
                commit: "a1".repeat(20).parse().unwrap(),
                before: None,
                title: "Title".to_owned(),
                actor: "ada".to_owned(),
            },
            file: ".solstice/ci.kdl".to_owned(),
            workflow: "CI".to_owned(),
            context: context.to_owned(),
            awaits_approval: false,
        }
    }

    fn checks() -> Checks {
        Checks::new("http://ci.example/solstice".parse().unwrap())
    }

    fn report(state: JobState) -> (CheckState, String) {
        report_of(&spec(), state, 1)
    }

    fn report_of(spec: &JobSpec, state: JobState, attempts: u32) -> (CheckState, String) {
        let id = new_id();
        let annotations = AnnotationCounts::default();
        let job = JobView { id, spec, state: &state, attempts, step: None, annotations };
        let report = checks().job(&run("solstice/CI"), &job);
        assert_eq!(report.context, "solstice/CI/build");
        assert_eq!(report.target_url.as_str(), format!("http://ci.example/solstice/jobs/{id}"));
        (report.state, report.description)
    }

    fn ended(outcome: Outcome) -> (CheckState, String) {
        report(JobState::Finished { outcome })
    }

    #[test]
    fn what_tools_had_to_say_is_counted_and_never_cut_off() {
        let counted = |spec: &JobSpec, state: &JobState, failures, warnings, notices| {
            let annotations = AnnotationCounts { failures, warnings, notices };
            let id = new_id();
            let job = JobView { id, spec, state, attempts: 1, step: None, annotations };
            checks().job(&run("solstice/CI"), &job).description
        };
        let mut spec = spec();
        let ended = |outcome| JobState::Finished { outcome };
        let failed = ended(Outcome::Failed { step: 1, exit: Exit::Code { code: 1 } });
        let text = "step 2 “Test” failed: exit status 1 (2 errors, 1 warning)";
        assert_eq!(counted(&spec, &failed, 2, 1, 0), text);
        let green = ended(Outcome::Succeeded);
        assert_eq!(counted(&spec, &green, 0, 0, 3), "succeeded (3 notices)");
        assert_eq!(counted(&spec, &green, 0, 0, 0), "succeeded");
        assert_eq!(counted(&spec, &JobState::Queued, 1, 0, 0), "waiting for a machine for try 2");
        spec.continue_on_error = true;
        spec.steps[1].name = "long ".repeat(20);
        let why = "w".repeat(200);
        let lost = ended(Outcome::ArtifactFailed { pattern: "p".repeat(99), why });
        let text = counted(&spec, &lost, 1000, 1, 1);
        assert_eq!(text.chars().count(), MAX_DESCRIPTION_CHARS);
        assert!(text.ends_with("… (1000 errors, 1 warning, 1 notice)"), "{text}");
    }

    #[test]
    fn what_is_not_over_waits_or_runs() {
        let held = Holding { attempt: new_id(), host: "h1".parse().unwrap() };
        let cases = [
            (JobState::Queued, "waiting for a machine for try 2"),
            (JobState::Claimed(held.clone()), "waiting for its machine at h1"),
            (JobState::Starting(held.clone()), "its machine is starting at h1"),
        ];
        for (state, text) in cases {
            assert_eq!(report(state), (CheckState::Pending, text.to_owned()));
        }
        let runs = JobState::Running(held);
        assert_eq!(report(runs.clone()), (CheckState::Running, "running at h1".to_owned()));
        let (spec_, annotations) = (spec(), AnnotationCounts::default());
        let at_step = |step| {
            let (id, spec, state, attempts) = (new_id(), &spec_, &runs, 1);
            let job = JobView { id, spec, state, attempts, step: Some(step), annotations };
            checks().job(&run("solstice/CI"), &job).description
        };
        assert_eq!(at_step(1), "step 2/2 “Test” at h1");
        let mut spec = spec();
        let fresh = report_of(&spec, JobState::Queued, 0);
        assert_eq!(fresh, (CheckState::Pending, "waiting for a machine".to_owned()));
        let need = |job: &str| Need { job: job.parse().unwrap(), outcome: NeededOutcome::Any };
        spec.needs = vec![need("a"), need("b")];
        let (_, text) = report_of(&spec, JobState::Queued, 0);
        assert_eq!(text, "waiting for a, b and a machine");
    }

    #[test]
    fn what_nobody_approved_of_says_so() {
        let (mut run, spec) = (run("solstice/CI"), spec());
        run.awaits_approval = true;
        let report = |run: &RunView, state| {
            let (id, annotations) = (new_id(), AnnotationCounts::default());
            let (spec, state) = (&spec, &state);
            let job = JobView { id, spec, state, attempts: 0, step: None, annotations };
            let report = checks().job(run, &job);
            (report.state, report.description)
        };
        let asked = "waits for approval: the policy asks for it".to_owned();
        assert_eq!(report(&run, JobState::Queued), (CheckState::ActionRequired, asked));
        run.pull_request = Some(PullRequestView {
            number: 7,
            base: "main".to_owned(),
            outside: true,
            author: Some("bob\u{1b}".to_owned()),
        });
        let outside = "waits for approval: bob 's change comes from outside the repository";
        assert_eq!(
            report(&run, JobState::Queued),
            (CheckState::ActionRequired, outside.to_owned())
        );
        let cancelled = JobState::Finished { outcome: Outcome::Cancelled { by: "ada".to_owned() } };
        assert_eq!(report(&run, cancelled).0, CheckState::Cancelled);
    }

    #[test]
    fn only_what_the_author_wishes_is_a_success() {
        assert_eq!(ended(Outcome::Succeeded), (CheckState::Success, "succeeded".to_owned()));
        let skipped = SkipReason::NeedNotMet { need: "build".parse().unwrap() };
        let (error, cancelled) = (CheckState::Error, CheckState::Cancelled);
        let cases = [
            (Outcome::Skipped { why: skipped }, error, "not run: build did not succeed"),
            (Outcome::Cancelled { by: "al\nice".to_owned() }, cancelled, "cancelled by al ice"),
            (
                Outcome::InfraFailed { why: "no disk".to_owned() },
                error,
                "could not be run: no disk",
            ),
        ];
        for (outcome, state, text) in cases {
            assert_eq!(ended(outcome), (state, text.to_owned()));
        }
    }

    #[test]
    fn a_job_that_is_not_wanted_keeps_nothing_from_being_merged() {
        let condition = "branch == \"main\"".to_owned();
        let why = SkipReason::Condition { condition };
        let text = "not run: its condition `branch == \"main\"` does not hold";
        assert_eq!(ended(Outcome::Skipped { why }), (CheckState::Skipped, text.to_owned()));
    }

    #[test]
    fn a_failure_that_is_allowed_passes_and_says_so_and_nothing_else_is_allowed() {
        let mut spec = spec();
        spec.continue_on_error = true;
        let ended = |outcome| report_of(&spec, JobState::Finished { outcome }, 1);
        let (state, text) = ended(Outcome::Failed { step: 1, exit: Exit::Code { code: 2 } });
        assert_eq!(state, CheckState::Success);
        assert_eq!(text, "failed, which is allowed: step 2 “Test” failed: exit status 2");
        assert_eq!(ended(Outcome::Succeeded).1, "succeeded");
        assert_eq!(ended(Outcome::Cancelled { by: "ada".to_owned() }).0, CheckState::Cancelled);
        assert_eq!(ended(Outcome::InfraFailed { why: "x".to_owned() }).0, CheckState::Error);
    }

    #[test]
    fn a_need_that_was_not_met_says_how() {
        let mut spec = spec();
        for (outcome, said) in [
            (NeededOutcome::Succeeded, "not run: tests did not succeed"),
            (NeededOutcome::Failed, "not run: tests did not fail"),
            (NeededOutcome::Completed, "not run: tests did not run to an end"),
        ] {
            let job: JobName = "tests".parse().unwrap();
            spec.needs = vec![Need { job: job.clone(), outcome }];
            let outcome = Outcome::Skipped { why: SkipReason::NeedNotMet { need: job } };
            let report = report_of(&spec, JobState::Finished { outcome }, 0);
            assert_eq!(report, (CheckState::Error, said.to_owned()));
        }
    }

    #[test]
    fn a_failure_names_its_step() {
        let exit = Exit::Code { code: 2 };
        let cases = [
            (
                Outcome::Failed { step: 1, exit: exit.clone() },
                "step 2 “Test” failed: exit status 2",
            ),
            (Outcome::Failed { step: 9, exit }, "step 10 failed: exit status 2"),
            (
                Outcome::ArtifactFailed {
                    pattern: "out/*.p5p".to_owned(),
                    why: "no such file".to_owned(),
                },
                "artifact `out/*.p5p`: no such file",
            ),
            (
                Outcome::TimedOut { limit: TimeLimit::Step { step: 0, seconds: 90 } },
                "step 1 “Build” took longer than its limit of 90 s",
            ),
            (
                Outcome::TimedOut { limit: TimeLimit::Job { seconds: 7200 } },
                "took longer than its limit of 2 h",
            ),
        ];
        for (outcome, text) in cases {
            let state = match outcome {
                Outcome::TimedOut { .. } => CheckState::TimedOut,
                _ => CheckState::Failure,
            };
            assert_eq!(ended(outcome), (state, text.to_owned()));
        }
    }

    #[test]
    fn contexts_are_bounded_and_keep_jobs_apart() {
        let run = run_context(&"ü".repeat(200));
        let contexts = ["a", "b"].map(|name| job_context(&run, &name.parse().unwrap()));
        assert_ne!(contexts[0], contexts[1]);
        for context in contexts {
            assert_eq!(context.chars().count(), MAX_CONTEXT_CHARS);
        }
        let other =
            job_context(&run_context(&format!("{}!", "ü".repeat(199))), &"a".parse().unwrap());
        assert_ne!(other, job_context(&run, &"a".parse().unwrap()), "the cut part still counts");
        let longest = job_context(&run, &"x".repeat(63).parse().unwrap());
        assert_eq!(longest.chars().count(), MAX_CONTEXT_CHARS);
    }

    #[test]
    fn descriptions_are_one_bounded_line() {
        let (_, text) = ended(Outcome::InfraFailed { why: "x\n".repeat(500) });
        assert_eq!(text.chars().count(), MAX_DESCRIPTION_CHARS);
        assert!(!text.contains('\n'));
    }

    #[test]
    fn a_broken_workflow_fails_with_its_first_line() {
        let run = run("solstice/.solstice/ci.kdl");
        let report = checks().broken_run(&run, "\nci.kdl:1:1: unknown node\nmore");
        assert_eq!(report.context, "solstice/.solstice/ci.kdl");
        assert!(report.target_url.path().starts_with("/solstice/runs/"));
        assert_eq!(report.state, CheckState::Failure);
        assert_eq!(report.description, "ci.kdl:1:1: unknown node");
    }
}
