//! What an event starts: the policy decides first, then the workflow files say what
//! there is to run, then it is found out what keeps that from running.
//!
//! The policy comes from the server's configuration and from the default branch,
//! never from the change under test (invariant I10).

use std::collections::BTreeMap;

use slog::{Logger, warn};
use solstice_forge::{Changed, Event, Forge, ForgeError, Push, WorkflowFile};
use solstice_log::{chain, keys};
use solstice_model::{CommitSha, RepoName, SkipReason};
use solstice_policy::{OperatorPolicy, Policy, Ruling, Subject, skip_marker};
use solstice_store::{Hold, LastGreen, NewRun, NewRuns, Store, StoreError, Verdict, WorkflowAt};
use solstice_workflow::PathFilter;

use crate::files::{in_time, workflow_files};
use crate::plan::{Cause, Plan, broken, plan, policy_layer};

/// Finds out what events of one forge start.
#[derive(Clone, Copy)]
pub(crate) struct Starts<'s> {
    pub(crate) store: &'s Store,
    pub(crate) forge: &'s dyn Forge,
    /// What the operator says of this forge.
    pub(crate) operator: &'s OperatorPolicy,
    pub(crate) log: &'s Logger,
}

/// What an event starts.
pub(crate) enum Started {
    /// These runs.
    Runs(Box<(Event, NewRuns)>),
    /// Nothing, for this reason.
    Nothing(Verdict),
}

/// Why that is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The forge does not answer as it should.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether a workflow that asks for files is concerned.
enum Concern {
    /// None of its files has changed.
    No,
    /// This one has.
    File(String),
    /// It is not known what has.
    Unknown,
}

/// What the policy is asked about, and the commit that would be built.
fn subject(event: &Event) -> Option<(Subject<'_>, &Push)> {
    match event {
        Event::Push(push) => Some((Subject::Push(&push.git_ref), push)),
        Event::PullRequest(told) => {
            Some((Subject::PullRequest { outside: told.outside }, &told.head))
        }
        Event::MergeGroup(entry) => Some((Subject::MergeGroup, &entry.head)),
        Event::PullRequestClosed { .. } | Event::RefDeleted { .. } | Event::CheckRequest(_) => None,
    }
}

fn ignored(reason: impl Into<String>) -> Started {
    Started::Nothing(Verdict::Ignored { reason: reason.into() })
}

impl Starts<'_> {
    /// What this event starts. Cancel safe.
    pub(crate) async fn of(&self, event: Event) -> Result<Started, Trouble> {
        let Some((subject, push)) = subject(&event) else {
            return Ok(ignored("it starts nothing"));
        };
        let policy = match self.policy(&push.repository.name).await? {
            Ok(policy) => policy,
            // Nothing starts before somebody mends it; they are told where they look.
            Err(problem) => {
                let run = broken(solstice_policy::PATH, problem);
                return Ok(Started::Runs(Box::new((event, vec![run].into()))));
            }
        };
        let strangers = self.strangers(&policy, &subject, &event).await?;
        let ruling = policy.rule(&subject, &strangers);
        if let Ruling::Ignore { reason } = ruling {
            return Ok(ignored(reason));
        }
        let because = policy.because(&subject, &strangers);
        let files = workflow_files(self.forge, push).await?;
        let (event, plan) = match planned(event, files).await {
            Ok(planned) => planned,
            Err(verdict) => return Ok(Started::Nothing(verdict)),
        };
        let mut runs = match ruling {
            // What somebody is to look at is not skipped before: a stranger writes
            // both the message and the workflow files.
            Ruling::Approval => held(plan.runs, &Hold::Approval),
            _ => self.unless_skipped(&policy, &event, plan).await?,
        };
        runs.iter_mut().for_each(|run| run.grounds.policy = Some(because.clone()));
        let runs = NewRuns { runs, supersede: policy.supersede };
        Ok(Started::Runs(Box::new((event, runs))))
    }

    /// The policy of a repository, or what is wrong with its file.
    async fn policy(&self, repository: &RepoName) -> Result<Result<Policy, String>, ForgeError> {
        let reading = self.forge.default_branch_file(repository, solstice_policy::PATH);
        let file = in_time("the policy", reading).await?;
        let layer = file.as_ref().map(policy_layer).transpose();
        Ok(layer.map(|layer| self.operator.policy(repository, layer.as_ref())))
    }

    /// Those behind an event who are no members, as far as it plays a part: of a
    /// pull request its author and whoever did this to it now.
    async fn strangers<'e>(
        &self,
        policy: &Policy,
        subject: &Subject<'_>,
        event: &'e Event,
    ) -> Result<Vec<&'e str>, ForgeError> {
        let Event::PullRequest(told) = event else { return Ok(Vec::new()) };
        if !policy.asks_for_members(subject) {
            return Ok(Vec::new());
        }
        let mut people = vec![told.author.as_str(), told.head.actor.as_str()];
        people.dedup();
        let mut strangers = Vec::new();
        for person in people {
            if !policy.is_named(person)
                && !self.may_push(&told.head.repository.name, person).await?
            {
                strangers.push(person);
            }
        }
        Ok(strangers)
    }

    /// Whether the forge lets this user push now.
    async fn may_push(&self, repository: &RepoName, user: &str) -> Result<bool, ForgeError> {
        if user.is_empty() {
            return Ok(false);
        }
        let asking = self.forge.permission(repository, user);
        match in_time("what a user may do", asking).await {
            Ok(permission) => Ok(permission >= solstice_forge::Permission::Write),
            // Whom a forge says nothing of, ever, is a stranger.
            Err(error) if error.retry() == solstice_forge::Retry::Never => {
                warn!(self.log, "the forge does not say whether a user is a member";
                    keys::REPOSITORY => %repository, keys::ERROR => chain(&error));
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// The runs of a plan, those skipped that are not wanted at this commit. A
    /// merge queue's entry is run whole: it is about to be merged.
    async fn unless_skipped(
        &self,
        policy: &Policy,
        event: &Event,
        plan: Plan,
    ) -> Result<Vec<NewRun>, Trouble> {
        let Plan { mut runs, filters } = plan;
        let Some((subject, push)) = subject(event) else { return Ok(runs) };
        if subject == Subject::MergeGroup || runs.iter().all(|run| run.jobs.is_err()) {
            return Ok(runs);
        }
        if policy.skip_markers {
            let asking = self.forge.commit_message(&push.repository.name, &push.commit);
            let message = in_time("the commit's message", asking).await?;
            if let Some(marker) = skip_marker(&message) {
                return Ok(held(runs, &Hold::Skip(SkipReason::CommitMessage { marker })));
            }
        }
        let mut known = BTreeMap::new();
        for run in &mut runs {
            let Some(filters) = filters.get(&run.file) else { continue };
            match self.concerns(event, push, &run.file, filters, &mut known).await? {
                Concern::No => run.hold = Hold::Skip(SkipReason::NoFileChanged),
                Concern::File(path) => run.grounds.changed = Some(path),
                Concern::Unknown => {}
            }
        }
        Ok(runs)
    }

    /// Which file that a workflow is for has changed since it was last found good,
    /// if one has, or may have; its own file is always one of them. `known` holds what
    /// the forge has said.
    async fn concerns(
        &self,
        event: &Event,
        push: &Push,
        file: &str,
        filters: &[PathFilter],
        known: &mut BTreeMap<CommitSha, Changed>,
    ) -> Result<Concern, Trouble> {
        let Some(base) = self.base(event, push, file).await? else {
            return Ok(Concern::Unknown);
        };
        if !known.contains_key(&base) {
            let asking = self.forge.changed_files(&push.repository.name, &base, &push.commit);
            known.insert(base.clone(), in_time("the files that changed", asking).await?);
        }
        Ok(match &known[&base] {
            Changed::Unknown => Concern::Unknown,
            Changed::Files(paths) => paths
                .iter()
                .find(|path| *path == file || filters.iter().any(|filter| filter.wants(path)))
                .map_or(Concern::No, |path| Concern::File(path.clone())),
        })
    }

    /// The commit from which changes are counted; all have changed if there is none.
    async fn base(
        &self,
        event: &Event,
        push: &Push,
        file: &str,
    ) -> Result<Option<CommitSha>, StoreError> {
        let pull_request = match event {
            Event::PullRequest(told) => Some(told),
            _ => None,
        };
        let at = WorkflowAt {
            forge: self.forge.name().clone(),
            repository: push.repository.name.clone(),
            git_ref: push.git_ref.clone(),
            base: pull_request.map(|told| told.base.clone()),
            file: file.to_owned(),
        };
        Ok(match (self.store.last_green(at).await?, pull_request) {
            (LastGreen::At(commit), _) => Some(commit),
            (_, Some(told)) => told.base_commit.clone(),
            // What was red before is red still, whatever is pushed on top of it.
            (LastGreen::Nowhere, None) => None,
            (LastGreen::NeverRan, None) => push.before.clone(),
        })
    }
}

/// These runs, all kept from running by this.
fn held(mut runs: Vec<NewRun>, hold: &Hold) -> Vec<NewRun> {
    runs.iter_mut().for_each(|run| run.hold = hold.clone());
    runs
}

/// Parses the files off the async threads.
async fn planned(event: Event, files: Vec<WorkflowFile>) -> Result<(Event, Plan), Verdict> {
    let planning = tokio::task::spawn_blocking(move || {
        let cause = match &event {
            Event::Push(push) => Cause::Push(push),
            Event::PullRequest(told) => Cause::PullRequest(told),
            Event::MergeGroup(told) => Cause::MergeGroup(told),
            Event::PullRequestClosed { .. } | Event::RefDeleted { .. } | Event::CheckRequest(_) => {
                return Err("it starts nothing".to_owned());
            }
        };
        let plan = plan(&cause, &files).map_err(|nothing| nothing.to_string())?;
        Ok((event, plan))
    });
    match planning.await {
        Ok(planned) => planned.map_err(|reason| Verdict::Ignored { reason }),
        Err(_) => {
            let reason = "a workflow file made the parser fail".to_owned();
            Err(Verdict::Rejected { reason })
        }
    }
}

#[cfg(test)]
mod tests;
