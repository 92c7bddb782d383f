//! The trait and its types.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use solstice_model::{CommitSha, ForgeName, GitRef, RepoName};
use url::Url;

use crate::check::{Check, Pace};
use crate::error::ForgeError;
use crate::signature::Secret;
use crate::workflows::Unusable;

/// A delivery whose signature is right: what its headers say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genuine {
    /// The forge's own id of it, at most 64 printable ASCII characters.
    pub id: String,
    /// The kind of event, as the forge names it, likewise bounded.
    pub event: String,
}

/// Why a webhook request is turned away. Nothing is stored of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The signature is missing or wrong. One text for all: it helps no forger.
    #[error("the signature is missing or does not match the body")]
    Signature,
    /// A header is missing, doubled or malformed.
    #[error("{0}")]
    Header(&'static str),
    /// The body is of a kind that its signature does not cover.
    #[error("{0}")]
    MediaType(&'static str),
}

/// What a genuine delivery means.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one at a time exists, and not for long")]
pub enum Interpretation {
    /// It may start runs, or makes some useless.
    Event(Event),
    /// It is of no concern to us.
    Ignored {
        /// Why, for people.
        reason: String,
    },
    /// It cannot be understood; repeating it would not help.
    Malformed {
        /// What is wrong with it, for people.
        reason: String,
    },
}

/// Something that may start runs, or makes some useless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A branch or tag now points to a commit.
    Push(Push),
    /// A pull request was opened, reopened or got new commits.
    PullRequest(PullRequest),
    /// A pull request was closed, merged or not: its runs are of no use any more.
    PullRequestClosed {
        /// Where.
        repository: Repository,
        /// Its number.
        number: u64,
        /// Who closed it, as in [`Push::actor`].
        actor: String,
    },
    /// A branch or tag is gone: its runs are of no use any more.
    RefDeleted {
        /// Where.
        repository: Repository,
        /// The ref.
        git_ref: GitRef,
        /// Who deleted it, as in [`Push::actor`].
        actor: String,
    },
    /// A merge queue wants to know whether its entry may be merged.
    MergeGroup(MergeGroup),
    /// Somebody pressed a button of a check.
    CheckRequest(CheckRequest),
}

/// An entry of a merge queue: what the base branch would be after the merge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeGroup {
    /// The branch into which it would be merged, without `refs/heads/`.
    pub base: String,
    /// The entry's commit, at a branch of the queue's own.
    pub head: Push,
}

/// What somebody wants of the checks of a commit. Whether they may is for the
/// receiver to ask ([`Forge::permission`]), at that moment: a signature says who
/// pressed, not what they may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRequest {
    /// Where.
    pub repository: Repository,
    /// The commit.
    pub commit: CommitSha,
    /// The [`Check::subject`] of the one that is meant; every one of the commit
    /// if absent.
    pub subject: Option<String>,
    /// What is wanted.
    pub action: CheckAction,
    /// Who pressed, as in [`Push::actor`].
    pub actor: String,
}

/// A button of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckAction {
    /// Run it once more.
    Rerun,
    /// Run what failed of its run once more.
    RerunFailed,
    /// Stop it.
    Cancel,
    /// Let a stranger's commit run (invariant I10).
    Approve,
}

impl CheckAction {
    /// Every action.
    pub const ALL: [Self; 4] = [Self::Rerun, Self::RerunFailed, Self::Cancel, Self::Approve];

    /// Its name, for the forge to give back; at most 20 characters.
    pub fn identifier(self) -> &'static str {
        match self {
            CheckAction::Rerun => "rerun",
            CheckAction::RerunFailed => "rerun_failed",
            CheckAction::Cancel => "cancel",
            CheckAction::Approve => "approve",
        }
    }
}

/// What somebody may do in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Not even look, or no more than anybody.
    None,
    /// Read it.
    Read,
    /// Push to it: such a person is a member.
    Write,
    /// Change its settings too.
    Admin,
}

/// Which files differ between two commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// These, by path, old names of renamed ones included.
    Files(Vec<String>),
    /// More than the forge tells, or than is worth asking for: as if all did.
    Unknown,
}

/// What a repository holds now that a webhook should have told of. Bounded: the
/// newest [`MAX_STANDING`] of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its branches. The actor is the commit's author where the forge knows a user.
    pub branches: Vec<Push>,
    /// Its open pull requests.
    pub pull_requests: Vec<PullRequest>,
}

/// The most branches, and the most pull requests, of one [`Standing`].
pub const MAX_STANDING: usize = 200;

/// A pull request, at one of its commits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Its number in the repository.
    pub number: u64,
    /// The branch into which it would be merged, without `refs/heads/`.
    pub base: String,
    /// Whether its commits come from outside: from another repository, or from
    /// somebody who need not be able to push to this one (invariant I10).
    pub outside: bool,
    /// Who opened it, as in [`Push::actor`]; its head's actor is who did this now.
    pub author: String,
    /// The commit of `base` that it was compared with, if it is told.
    pub base_commit: Option<CommitSha>,
    /// Its head, in the repository into which it would be merged: there the ref
    /// `refs/pull/<number>/head` points to it. The title is the pull request's.
    pub head: Push,
}

/// A push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// Where.
    pub repository: Repository,
    /// The ref that moved.
    pub git_ref: GitRef,
    /// The commit that it points to now.
    pub commit: CommitSha,
    /// The commit that it pointed to before, if it is told and there was one.
    #[serde(default)]
    pub before: Option<CommitSha>,
    /// First line of that commit's message, at most 200 characters; of a pull
    /// request's head, that of the pull request's title.
    pub title: String,
    /// Who pushed, by the forge's user name, at most 200 characters.
    pub actor: String,
}

/// A repository, as its forge describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// `owner/name`.
    pub name: RepoName,
    /// Where a host fetches it.
    pub clone_url: Url,
    /// Where people look at it.
    pub html_url: Url,
    /// Whether only some may read it.
    pub private: bool,
}

/// Where a ref is, and what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Where; by the name that the forge gives it, which may differ in case.
    pub repository: Repository,
    /// The ref in full.
    pub git_ref: GitRef,
    /// The commit: for an annotated tag the one behind it.
    pub commit: CommitSha,
    /// As [`Push::title`].
    pub title: String,
}

impl Head {
    /// This, as if `actor` had just pushed it.
    pub fn pushed_by(self, actor: impl Into<String>) -> Push {
        let Head { repository, git_ref, commit, title } = self;
        Push { repository, git_ref, commit, before: None, title, actor: actor.into() }
    }
}

/// A file under `.solstice/` at a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowFile {
    /// Its path in the repository; that of the directory if nothing in it can
    /// be used.
    pub path: String,
    /// Its content, of bounded size, or why it is not read.
    pub content: Result<Vec<u8>, Unusable>,
}

/// The longest [`Push::title`] and [`Push::actor`], in characters.
pub const MAX_TITLE_CHARS: usize = 200;

/// The longest message of a commit that is read, in bytes.
pub const MAX_COMMIT_MESSAGE_BYTES: usize = 64 * 1024;

/// A name and a password for fetching by HTTP (RFC 7617).
#[derive(Clone, Debug)]
pub struct Credential {
    /// The name; holds no colon.
    pub username: String,
    /// The password, which may be a token.
    pub password: Secret,
}

/// A forge.
#[async_trait]
pub trait Forge: Send + Sync + 'static {
    /// Its name in the configuration.
    fn name(&self) -> &ForgeName;

    /// Says whether the request is genuine. Pure and of constant time in the
    /// secret; parses nothing of the body.
    ///
    /// # Errors
    ///
    /// [`Rejection`] if the request is to be turned away.
    fn authenticate(&self, headers: &HeaderMap, body: &[u8]) -> Result<Genuine, Rejection>;

    /// Says what a genuine delivery means. Pure; never panics, whatever the body.
    fn interpret(&self, event: &str, body: &[u8]) -> Interpretation;

    /// Reads every `.solstice/*.kdl` of the commit, ordered by path; empty if
    /// there is none. What the author got wrong, such as a file that is too
    /// large, is told as a file that is [`Unusable`].
    ///
    /// # Errors
    ///
    /// [`ForgeError`] if the forge does not answer as it should.
    async fn workflow_files(
        &self,
        repository: &RepoName,
        commit: &CommitSha,
    ) -> Result<Vec<WorkflowFile>, ForgeError>;

    /// Says where a ref is now: `git_ref` is a branch, a tag, either in full, or
    /// absent for the default branch; of a branch and a tag of the same short
    /// name the branch is meant. A `commit` is told instead of the ref's own;
    /// whether the ref ever held it is not asked.
    ///
    /// # Errors
    ///
    /// [`ForgeError::Absent`] if the forge knows no such repository, ref or
    /// commit, or shows it to others only; any other [`ForgeError`] if it does
    /// not answer as it should.
    async fn head(
        &self,
        repository: &RepoName,
        git_ref: Option<&str>,
        commit: Option<&CommitSha>,
    ) -> Result<Head, ForgeError>;

    /// Reads one file of the default branch, plain and of at most
    /// [`MAX_FILE_BYTES`](crate::workflows::MAX_FILE_BYTES); `None` if it is not
    /// there. `path` has no empty part.
    ///
    /// # Errors
    ///
    /// [`ForgeError`] if the forge does not answer as it should.
    async fn default_branch_file(
        &self,
        repository: &RepoName,
        path: &str,
    ) -> Result<Option<WorkflowFile>, ForgeError>;

    /// The message of a commit, cut after [`MAX_COMMIT_MESSAGE_BYTES`].
    ///
    /// # Errors
    ///
    /// [`ForgeError`] if the forge does not answer as it should.
    async fn commit_message(
        &self,
        repository: &RepoName,
        commit: &CommitSha,
    ) -> Result<String, ForgeError>;

    /// Which files a change from `base` to `head` touches, counted from where
    /// the two parted. [`Changed::Unknown`] rather than a list that may be cut,
    /// and if the forge no longer knows `base`.
    ///
    /// # Errors
    ///
    /// [`ForgeError`] if the forge does not answer as it should.
    async fn changed_files(
        &self,
        repository: &RepoName,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<Changed, ForgeError>;

    /// What this user may do there now.
    ///
    /// # Errors
    ///
    /// [`ForgeError`] if the forge does not answer as it should. A user that it
    /// does not know has [`Permission::None`].
    async fn permission(&self, repository: &RepoName, user: &str)
    -> Result<Permission, ForgeError>;

    /// What webhooks should have told of, to find those that were lost.
    ///
    /// # Errors
    ///
    /// [`ForgeError`] if the forge does not answer as it should.
    async fn standing(&self, repository: &RepoName) -> Result<Standing, ForgeError>;

    /// Asks the forge to send those deliveries since then again that did not
    /// arrive; says how many. None where a forge cannot.
    ///
    /// # Errors
    ///
    /// [`ForgeError`] if the forge does not answer as it should.
    async fn redeliver(&self, _since: DateTime<Utc>) -> Result<usize, ForgeError> {
        Ok(0)
    }

    /// Where people look at a line of a file at a commit; `html_url` is
    /// [`Repository::html_url`].
    fn line_url(&self, html_url: &Url, commit: &CommitSha, path: &str, line: u32) -> Option<Url>;

    /// What a host needs to fetch a repository that not everybody may read; good
    /// for reading it, for as short as the forge allows. `None` where it needs
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`ForgeError`] if the forge does not answer as it should.
    async fn fetch_credential(
        &self,
        _repository: &RepoName,
    ) -> Result<Option<Credential>, ForgeError> {
        Ok(None)
    }

    /// How often checks may be told, and how much of one is shown.
    fn pace(&self) -> Pace;

    /// Shows a check. Repeating the same is harmless, after a lost answer too.
    ///
    /// # Errors
    ///
    /// [`ForgeError`] if the forge did not take it.
    async fn report(&self, check: &Check<'_>) -> Result<(), ForgeError>;
}

/// The address of a line: the repository's page, the words of the forge before the
/// path, the path, the line. `None` if `html_url` is no page of the web.
pub fn line_url(html_url: &Url, before: &[&str], path: &str, line: u32) -> Option<Url> {
    let mut url = Some(html_url.clone()).filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let parts = path.split('/').filter(|part| !part.is_empty());
    url.path_segments_mut().ok()?.pop_if_empty().extend(before).extend(parts);
    url.set_fragment(Some(&format!("L{line}")));
    Some(url)
}
