//! From something that happened and the workflow files of a commit to runs; pure.

use std::collections::BTreeMap;

use solstice_forge::{MergeGroup, PullRequest, Push, WorkflowFile};
use solstice_model::{EventKind, Grounds};
use solstice_policy::Layer;
use solstice_store::{Hold, NewRun};
use solstice_workflow::{Decision, PathFilter, RunContext, TriggerEvent, Workflow, parse};

use crate::check::run_context;
use crate::problem::problem_text;

/// What asks for runs.
#[derive(Clone, Copy, Debug)]
pub enum Cause<'c> {
    /// A push.
    Push(&'c Push),
    /// A pull request, whose files are read at its head.
    PullRequest(&'c PullRequest),
    /// A merge queue's entry, whose files are read at its commit.
    MergeGroup(&'c MergeGroup),
    /// Somebody, at this commit.
    Manual {
        /// The commit, as if they had just pushed it.
        push: &'c Push,
        /// The path of the one file to start, if not all are meant.
        file: Option<&'c str>,
    },
}

/// The runs that are asked for, at least one.
#[derive(Clone, Debug)]
pub struct Plan {
    /// One per workflow file that starts or that is broken.
    pub runs: Vec<NewRun>,
    /// For which files those are that are not for all, by the workflow file's
    /// path: one filter has to want one of the files that changed.
    pub filters: BTreeMap<String, Vec<PathFilter>>,
}

/// Why there is nothing to run, for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", reasons.join("; "))]
pub struct NothingToRun {
    /// One per workflow file, or one for all.
    pub reasons: Vec<String>,
}

impl From<String> for NothingToRun {
    fn from(reason: String) -> Self {
        Self { reasons: vec![reason] }
    }
}

/// A workflow file, or what is wrong with it.
type Read = Result<Workflow, String>;

impl<'c> Cause<'c> {
    fn push(&self) -> &'c Push {
        match *self {
            Cause::Push(push) | Cause::Manual { push, .. } => push,
            Cause::PullRequest(pull_request) => &pull_request.head,
            Cause::MergeGroup(entry) => &entry.head,
        }
    }

    fn trigger(&self) -> TriggerEvent<'c> {
        match *self {
            Cause::Push(push) => TriggerEvent::Push { git_ref: &push.git_ref },
            Cause::PullRequest(pull_request) => {
                TriggerEvent::PullRequest { base: &pull_request.base }
            }
            Cause::MergeGroup(entry) => TriggerEvent::MergeGroup { base: &entry.base },
            Cause::Manual { .. } => TriggerEvent::Manual,
        }
    }

    /// What the conditions of a workflow may ask for.
    fn context(&self) -> RunContext<'c> {
        let push = self.push();
        let (event, pull_request) = match *self {
            Cause::Push(_) => (EventKind::Push, None),
            Cause::PullRequest(pull_request) => (EventKind::PullRequest, Some(pull_request)),
            Cause::MergeGroup(_) => (EventKind::MergeGroup, None),
            Cause::Manual { .. } => (EventKind::Manual, None),
        };
        RunContext {
            event,
            git_ref: &push.git_ref,
            repository: &push.repository.name,
            actor: &push.actor,
            base: match *self {
                Cause::MergeGroup(entry) => Some(entry.base.as_str()),
                _ => pull_request.map(|it| it.base.as_str()),
            },
            pull_request: pull_request.map(|it| it.number),
            fork: pull_request.is_some_and(|it| it.outside),
        }
    }

    /// The run of one file and the files that it is for if these are not all, or
    /// why there is none.
    fn run_of(
        &self,
        file: &WorkflowFile,
        read: Read,
        names: &BTreeMap<String, u32>,
    ) -> Result<(NewRun, Vec<PathFilter>), String> {
        let path = &file.path;
        if let Cause::Manual { file: Some(wanted), .. } = self
            && wanted != path
        {
            return Err(format!("{path}: it was not asked for"));
        }
        let workflow = match read {
            Ok(workflow) => workflow,
            // Whoever asks by hand is told at once; nobody needs a failed check.
            Err(problem) if matches!(self, Cause::Manual { .. }) => {
                return Err(problem.lines().next().unwrap_or(path).to_owned());
            }
            Err(problem) => return Ok((broken(path, problem), Vec::new())),
        };
        let filters = match workflow.triggered_by(&self.trigger()) {
            Decision::Start => Vec::new(),
            Decision::StartIfChanged { filters } => filters,
            Decision::Ignore { reason } => return Err(format!("{path}: {reason}")),
        };
        let run = NewRun {
            file: path.clone(),
            context: context(&workflow.name, names[&workflow.name] > 1, file),
            jobs: Ok(workflow.jobs(&self.context())),
            hold: Hold::None,
            grounds: workflow.grounds(&self.trigger()),
            workflow: workflow.name,
        };
        Ok((run, filters))
    }
}

/// The run of a file that cannot be used.
pub(crate) fn broken(path: &str, problem: String) -> NewRun {
    NewRun {
        file: path.to_owned(),
        workflow: path.to_owned(),
        context: run_context(path),
        jobs: Err(problem),
        hold: Hold::None,
        grounds: Grounds::default(),
    }
}

/// Says which runs there are to be. A file that cannot be used becomes a run with
/// a problem, so that whoever pushed it is told; whoever asks by hand gets that
/// as a reason. So is a policy file that could not be used once it is merged; it
/// decides on nothing here, where it is part of the change.
///
/// The contexts of checks do not depend on the kind of event: of a push and a
/// pull request at the same commit, both show as the same checks, and whichever
/// run came last is what they say.
///
/// # Errors
///
/// The reasons why there is nothing to run.
pub fn plan(cause: &Cause<'_>, files: &[WorkflowFile]) -> Result<Plan, NothingToRun> {
    let commit = &cause.push().commit;
    let (policy, files): (Vec<_>, Vec<_>) =
        files.iter().partition(|file| file.path == solstice_policy::PATH);
    if files.is_empty() {
        return Err(format!("no workflow in .solstice at {commit}").into());
    }
    if let Cause::Manual { file: Some(wanted), .. } = cause
        && !files.iter().any(|file| file.path == *wanted)
    {
        let known: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        return Err(format!("no {wanted} at {commit}, only {}", known.join(", ")).into());
    }
    let files: Vec<(&WorkflowFile, Read)> =
        files.into_iter().map(|file| (file, read(file))).collect();
    // Over all files, started or not: a check's name must not depend on the branch.
    let mut names: BTreeMap<String, u32> = BTreeMap::new();
    for workflow in files.iter().filter_map(|(_, read)| read.as_ref().ok()) {
        *names.entry(workflow.name.clone()).or_default() += 1;
    }
    let (mut runs, mut reasons, mut filters) = (Vec::new(), Vec::new(), BTreeMap::new());
    for (file, read) in files {
        match cause.run_of(file, read, &names) {
            Ok((run, of_file)) => {
                if !of_file.is_empty() {
                    filters.insert(run.file.clone(), of_file);
                }
                runs.push(run);
            }
            Err(reason) => reasons.push(reason),
        }
    }
    if !matches!(cause, Cause::Manual { .. }) {
        let wrong = policy.iter().filter_map(|file| policy_layer(file).err());
        runs.extend(wrong.map(|problem| broken(solstice_policy::PATH, problem)));
    }
    if runs.is_empty() { Err(NothingToRun { reasons }) } else { Ok(Plan { runs, filters }) }
}

/// What a policy file says, or what is wrong with it.
pub(crate) fn policy_layer(file: &WorkflowFile) -> Result<Layer, String> {
    let path = &file.path;
    let content = file.content.as_ref().map_err(|unusable| format!("{path}: {unusable}\n"))?;
    solstice_policy::parse(path, content).map_err(|wrong| problem_text(&wrong, content))
}

fn read(file: &WorkflowFile) -> Read {
    let content =
        file.content.as_ref().map_err(|unusable| format!("{}: {unusable}\n", file.path))?;
    parse(&file.path, content).map_err(|wrong| problem_text(&wrong, content))
}

/// The context of a file's checks. Where several files share a name, each
/// adds its path: one must not satisfy a check that is required of another.
fn context(name: &str, shared: bool, file: &WorkflowFile) -> String {
    if shared { run_context(&format!("{name} ({})", file.path)) } else { run_context(name) }
}

#[cfg(test)]
mod tests {
    use solstice_forge::{Repository, Unusable};

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
            before: None,
            title: "Title".to_owned(),
            actor: "ada".to_owned(),
        }
    }

    fn file(path: &str, content: &str) -> WorkflowFile {
        WorkflowFile { path: path.to_owned(), content: Ok(content.as_bytes().to_vec()) }
    }

    fn plan_push(push: &Push, files: &[WorkflowFile]) -> Result<Plan, String> {
        plan(&Cause::Push(push), files).map_err(|nothing| nothing.to_string())
    }

    fn pull_request(base: &str) -> PullRequest {
        let head = push("refs/pull/7/head");
        PullRequest {
            number: 7,
            base: base.to_owned(),
            outside: false,
            author: "bob".to_owned(),
            base_commit: None,
            head,
        }
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
    fn a_pull_request_starts_what_covers_its_base_under_the_same_names_as_a_push() {
        let into_main = GOOD.replacen("{", "{\n    on \"pull_request\" branches=\"main\"\n", 1);
        let files = [file(".solstice/a.kdl", &into_main), file(".solstice/b.kdl", GOOD)];
        let all = pull_request("main");
        let started = plan(&Cause::PullRequest(&all), &files).unwrap();
        let contexts: Vec<&str> = started.runs.iter().map(|run| run.context.as_str()).collect();
        assert_eq!(contexts, ["solstice/CI (.solstice/a.kdl)", "solstice/CI (.solstice/b.kdl)"]);
        let pushed = plan_push(&push("refs/heads/main"), &files).unwrap();
        assert_eq!(pushed.runs[0].context, contexts[1]);
        let other = pull_request("other");
        let nothing = plan(&Cause::PullRequest(&other), &files[..1]).unwrap_err();
        assert!(nothing.to_string().contains("covers the base branch"), "{nothing}");
    }

    #[test]
    fn a_file_that_cannot_be_used_is_a_run_with_a_problem() {
        for unusable in [Unusable::SymbolicLink, Unusable::TooLarge] {
            let link =
                WorkflowFile { path: ".solstice/link.kdl".to_owned(), content: Err(unusable) };
            let files = [file(".solstice/a.kdl", GOOD), link];
            let plan = plan_push(&push("refs/heads/main"), &files).unwrap();
            assert!(plan.runs[0].jobs.is_ok());
            let problem = plan.runs[1].jobs.as_ref().unwrap_err();
            assert_eq!(problem.trim_end(), format!(".solstice/link.kdl: {unusable}"));
        }
    }

    #[test]
    fn by_hand_starts_what_may_be_and_says_why_not() {
        let manual = GOOD.replacen("{", "{\n    on \"manual\"\n", 1);
        let files = [
            file(".solstice/a.kdl", GOOD),
            file(".solstice/b.kdl", &GOOD.replace("runs_on", "run_on")),
            file(".solstice/m.kdl", &manual),
            file(".solstice/n.kdl", &manual),
        ];
        let push = push("refs/heads/main");
        let by_hand = |file, files: &[WorkflowFile]| {
            let plan = plan(&Cause::Manual { push: &push, file }, files);
            plan.map(|plan| plan.runs.into_iter().map(|run| run.file).collect::<Vec<_>>())
        };
        let all = by_hand(None, &files).unwrap();
        assert_eq!(all, [".solstice/m.kdl", ".solstice/n.kdl"]);
        assert_eq!(by_hand(Some(".solstice/n.kdl"), &files).unwrap(), [".solstice/n.kdl"]);
        let NothingToRun { reasons } = by_hand(None, &files[..2]).unwrap_err();
        assert_eq!(reasons.len(), 2);
        assert!(reasons[0].starts_with(".solstice/a.kdl: the workflow has no"), "{reasons:?}");
        assert!(reasons[1].starts_with(".solstice/b.kdl:2:"), "{reasons:?}");
        let nothing = by_hand(Some("m.kdl"), &files).unwrap_err().to_string();
        assert!(nothing.contains("no m.kdl") && nothing.contains(".solstice/m.kdl"), "{nothing}");
    }
}
