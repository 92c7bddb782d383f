//! What the fake knows, and how it answers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use solstice_model::{CommitSha, GitRef, RepoName};
use url::Url;

use super::{Fault, Reported, commit_title};
use crate::check::{
    Check, CheckDetails, CheckReport, MAX_ACTIONS, MAX_CONTEXT_CHARS, MAX_DESCRIPTION_CHARS,
    MAX_DETAIL_BYTES,
};
use crate::error::{ForgeError, Retry};
use crate::refs;
use crate::seam::{
    Changed, Head, MAX_COMMIT_MESSAGE_BYTES, Permission, PullRequest, Push, Repository, Standing,
    WorkflowFile,
};
use crate::workflows::{self, Unusable};

/// The files of a commit by path.
type Tree = BTreeMap<String, Vec<u8>>;

/// The default branch of every repository.
pub(super) const DEFAULT_BRANCH: &str = "refs/heads/main";

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) repositories: BTreeMap<RepoName, BTreeMap<CommitSha, Tree>>,
    refs: BTreeMap<(RepoName, GitRef), CommitSha>,
    pub(super) reported: Vec<Reported>,
    pub(super) faults: VecDeque<Fault>,
    pub(super) down: bool,
    pub(super) calls: usize,
    pub(super) misuse: Vec<String>,
    /// The repositories that only some may read.
    pub(super) private: BTreeSet<RepoName>,
    /// What commits say, where that is not the usual.
    pub(super) messages: BTreeMap<CommitSha, String>,
    /// What users may do, where that is not nothing.
    pub(super) permissions: BTreeMap<(RepoName, String), Permission>,
    /// The pull requests that are open.
    pub(super) pull_requests: BTreeMap<(RepoName, u64), PullRequest>,
    /// Since when lost deliveries were asked for again.
    pub(super) redelivered: Vec<DateTime<Utc>>,
    commits: u64,
    deliveries: u64,
}

impl State {
    /// A repository, as the fake describes it.
    pub(super) fn describe(&self, repository: &RepoName) -> Repository {
        let url = |end: &str| {
            let url = format!("https://forge.example.org/{repository}{end}");
            url.parse::<Url>().expect("a repository's name fits a web address")
        };
        Repository {
            name: repository.clone(),
            clone_url: url(".git"),
            html_url: url(""),
            private: self.private.contains(repository),
        }
    }

    pub(super) fn add_commit(
        &mut self,
        repository: &RepoName,
        files: &[(&str, &[u8])],
    ) -> CommitSha {
        self.commits += 1;
        let id = hex::encode(Sha256::digest(self.commits.to_be_bytes()));
        let commit: CommitSha = id[..40].parse().expect("40 hex digits are a commit's id");
        let commits = self.repositories.get_mut(repository).expect("a repository of the fake");
        let tree = files.iter().map(|(path, content)| ((*path).to_owned(), content.to_vec()));
        commits.insert(commit.clone(), tree.collect());
        commit
    }

    pub(super) fn point(&mut self, repository: &RepoName, git_ref: GitRef, commit: &CommitSha) {
        self.refs.insert((repository.clone(), git_ref), commit.clone());
    }

    pub(super) fn forget(&mut self, repository: &RepoName, git_ref: GitRef) {
        self.refs.remove(&(repository.clone(), git_ref));
    }

    pub(super) fn new_delivery(&mut self) -> String {
        self.deliveries += 1;
        format!("fa4e0000-0000-4000-8000-{:012x}", self.deliveries)
    }

    pub(super) fn shown(&self, commit: &CommitSha) -> Vec<CheckReport> {
        let of_commit = self.reported.iter().filter(|it| it.commit == *commit);
        let newest: BTreeMap<&str, &CheckReport> =
            of_commit.map(|it| (it.report.context.as_str(), &it.report)).collect();
        newest.into_values().cloned().collect()
    }

    pub(super) fn workflow_files(
        &mut self,
        repository: &RepoName,
        commit: &CommitSha,
    ) -> Result<Vec<WorkflowFile>, ForgeError> {
        let what = format!("the workflow files of {repository} at {commit}");
        if let Some(error) = self.next_fault().and_then(|fault| fail(&what, &fault)) {
            return Err(error);
        }
        let tree = self.tree(&what, repository, commit)?;
        let prefix = format!("{}/", workflows::DIRECTORY);
        let files: Vec<WorkflowFile> = tree
            .iter()
            .filter_map(|(path, content)| {
                let path = workflows::path_of(path.strip_prefix(&prefix)?)?;
                let fits = content.len() <= workflows::MAX_FILE_BYTES;
                let content = if fits { Ok(content.clone()) } else { Err(Unusable::TooLarge) };
                Some(WorkflowFile { path, content })
            })
            .collect();
        match files.len() {
            0..=workflows::MAX_FILES => Ok(files),
            count => Ok(Unusable::TooMany(count).directory()),
        }
    }

    pub(super) fn head(
        &mut self,
        repository: &RepoName,
        name: Option<&str>,
        commit: Option<&CommitSha>,
    ) -> Result<Head, ForgeError> {
        let name = name.unwrap_or(DEFAULT_BRANCH);
        let what = format!("the head of {name:?} in {repository}");
        if let Some(error) = self.next_fault().and_then(|fault| fail(&what, &fault)) {
            return Err(error);
        }
        let absent = |what: String| ForgeError::Absent { what };
        let commits = self.repositories.get(repository);
        let commits = commits.ok_or_else(|| absent(format!("repository {repository}")))?;
        let known = |git_ref: GitRef| {
            let tip = self.refs.get(&(repository.clone(), git_ref.clone()))?;
            Some((git_ref, tip.clone()))
        };
        let found = refs::meant(name).into_iter().find_map(known);
        let (git_ref, tip) =
            found.ok_or_else(|| absent(format!("branch or tag {name:?} in {repository}")))?;
        let commit = commit.cloned().unwrap_or(tip);
        if !commits.contains_key(&commit) {
            return Err(absent(format!("commit {commit} in {repository}")));
        }
        let title = commit_title(&commit);
        Ok(Head { repository: self.describe(repository), git_ref, commit, title })
    }

    pub(super) fn default_branch_file(
        &mut self,
        repository: &RepoName,
        path: &str,
    ) -> Result<Option<WorkflowFile>, ForgeError> {
        let what = format!("{path} of {repository}");
        self.trouble(&what)?;
        let main = DEFAULT_BRANCH.parse().expect("a ref");
        let Some(commit) = self.refs.get(&(repository.clone(), main)) else {
            return if self.repositories.contains_key(repository) {
                Ok(None)
            } else {
                Err(refused(what, 404, "no such repository"))
            };
        };
        let content = self.tree(&what, repository, commit)?.get(path).cloned();
        Ok(content.map(|content| {
            let fits = content.len() <= workflows::MAX_FILE_BYTES;
            let content = if fits { Ok(content) } else { Err(Unusable::TooLarge) };
            WorkflowFile { path: path.to_owned(), content }
        }))
    }

    pub(super) fn commit_message(
        &mut self,
        repository: &RepoName,
        commit: &CommitSha,
    ) -> Result<String, ForgeError> {
        let what = format!("the message of {commit} in {repository}");
        self.trouble(&what)?;
        self.tree(&what, repository, commit)?;
        let mut message =
            self.messages.get(commit).cloned().unwrap_or_else(|| commit_title(commit));
        message.truncate(message.floor_char_boundary(MAX_COMMIT_MESSAGE_BYTES));
        Ok(message)
    }

    /// The fake has no history: what differs is what one tree has and the other has not.
    pub(super) fn changed_files(
        &mut self,
        repository: &RepoName,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<Changed, ForgeError> {
        let what = format!("the files that changed from {base} to {head} in {repository}");
        self.trouble(&what)?;
        let new = self.tree(&what, repository, head)?;
        let Ok(old) = self.tree(&what, repository, base) else { return Ok(Changed::Unknown) };
        let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let differs = |path: &&&String| old.get(**path) != new.get(**path);
        Ok(Changed::Files(paths.iter().filter(differs).map(|path| (*path).clone()).collect()))
    }

    pub(super) fn permission(
        &mut self,
        repository: &RepoName,
        user: &str,
    ) -> Result<Permission, ForgeError> {
        let what = format!("the permission of {user} in {repository}");
        self.trouble(&what)?;
        if !self.repositories.contains_key(repository) {
            return Err(refused(what, 404, "no such repository"));
        }
        let key = (repository.clone(), user.to_owned());
        Ok(self.permissions.get(&key).copied().unwrap_or(Permission::None))
    }

    pub(super) fn standing(&mut self, repository: &RepoName) -> Result<Standing, ForgeError> {
        let what = format!("what {repository} holds");
        self.trouble(&what)?;
        if !self.repositories.contains_key(repository) {
            return Err(refused(what, 404, "no such repository"));
        }
        let here = self.refs.iter().filter(|((name, _), _)| name == repository);
        let branches = here.filter(|((_, git_ref), _)| git_ref.branch().is_some());
        let branches = branches.map(|((_, git_ref), commit)| Push {
            repository: self.describe(repository),
            git_ref: git_ref.clone(),
            commit: commit.clone(),
            before: None,
            title: commit_title(commit),
            actor: "alice".to_owned(),
        });
        let open = self.pull_requests.iter().filter(|((name, _), _)| name == repository);
        let pull_requests = open.map(|(_, pull_request)| pull_request.clone()).collect();
        Ok(Standing { branches: branches.collect(), pull_requests })
    }

    pub(super) fn redeliver(&mut self, since: DateTime<Utc>) -> Result<usize, ForgeError> {
        self.trouble("the deliveries that were lost")?;
        self.redelivered.push(since);
        Ok(0)
    }

    /// Counts a call; the error that was ordered for it, if any.
    fn trouble(&mut self, what: &str) -> Result<(), ForgeError> {
        match self.next_fault().and_then(|fault| fail(what, &fault)) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    pub(super) fn report(&mut self, check: &Check<'_>) -> Result<(), ForgeError> {
        let Check { repository, commit, subject, report, details } = *check;
        let what = format!("the report {:?} on {repository} at {commit}", report.context);
        let fault = self.next_fault();
        if let Some(error) = fault.as_ref().and_then(|fault| fail(&what, fault)) {
            return Err(error);
        }
        self.tree(&what, repository, commit)?;
        if let Err(why) = refuses(report).and_then(|()| details.map_or(Ok(()), refuses_details)) {
            self.misuse.push(format!("{what}: {why}"));
            return Err(refused(what, 422, why));
        }
        self.reported.push(Reported {
            repository: repository.clone(),
            commit: commit.clone(),
            subject: subject.to_owned(),
            report: report.clone(),
            details: details.cloned(),
        });
        match fault {
            Some(Fault::AnswerLost) => Err(unreachable(&what, "the answer was lost")),
            _ => Ok(()),
        }
    }

    fn tree(
        &self,
        what: &str,
        repository: &RepoName,
        commit: &CommitSha,
    ) -> Result<&Tree, ForgeError> {
        let commits = self.repositories.get(repository);
        let commits = commits.ok_or_else(|| refused(what, 404, "no such repository"))?;
        commits.get(commit).ok_or_else(|| refused(what, 404, "no such commit"))
    }

    /// Counts a call and takes the fault that was ordered for it.
    fn next_fault(&mut self) -> Option<Fault> {
        self.calls += 1;
        if self.down { Some(Fault::Unreachable) } else { self.faults.pop_front() }
    }
}

/// The error that a fault is, if it comes before the call does anything.
fn fail(what: &str, fault: &Fault) -> Option<ForgeError> {
    let what = what.to_owned();
    match fault {
        Fault::Unreachable => Some(unreachable(&what, "the forge is down")),
        Fault::Status(status, pause) => Some(ForgeError::Refused {
            what,
            status: *status,
            message: "ordered by the test".to_owned(),
            retry: Retry::of_status(*status, *pause),
        }),
        Fault::Nonsense => Some(ForgeError::BadAnswer {
            what,
            why: "ordered by the test".to_owned(),
            retry: Retry::Backoff,
        }),
        Fault::AnswerLost => None,
    }
}

fn unreachable(what: &str, why: &str) -> ForgeError {
    ForgeError::Unreachable { what: what.to_owned(), source: why.into() }
}

fn refused(what: impl Into<String>, status: u16, message: &str) -> ForgeError {
    ForgeError::Refused {
        what: what.into(),
        status,
        message: message.to_owned(),
        retry: Retry::Never,
    }
}

/// The limits that the seam states for the details of a check.
fn refuses_details(details: &CheckDetails) -> Result<(), &'static str> {
    if details.title.is_empty() || details.title.contains(char::is_control) {
        return Err("the title is empty or more than one line");
    }
    if details.summary.is_empty() || details.summary.len() > MAX_DETAIL_BYTES {
        return Err("the summary is empty or too long");
    }
    if details.text.len() > MAX_DETAIL_BYTES {
        return Err("the text is too long");
    }
    if details.actions.len() > MAX_ACTIONS {
        return Err("there are too many buttons");
    }
    Ok(())
}

/// The limits that the seam states.
fn refuses(report: &CheckReport) -> Result<(), &'static str> {
    let one_line = |text: &str, max: usize| {
        (1..=max).contains(&text.chars().count())
            && !text.contains(char::is_control)
            && text.trim() == text
    };
    if !one_line(&report.context, MAX_CONTEXT_CHARS) {
        return Err("the context is empty, too long or more than one line");
    }
    if !one_line(&report.description, MAX_DESCRIPTION_CHARS) {
        return Err("the description is empty, too long or more than one line");
    }
    if !["http", "https"].contains(&report.target_url.scheme()) {
        return Err("the target is no web page");
    }
    Ok(())
}
