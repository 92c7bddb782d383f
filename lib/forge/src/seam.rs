//! The trait and its types.

use async_trait::async_trait;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use solstice_model::{CommitSha, ForgeName, GitRef, RepoName};
use url::Url;

use crate::error::ForgeError;

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
    /// It may start runs.
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

/// Something that may start runs.
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
}

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
    /// First line of that commit's message, at most 200 characters.
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

/// A file under `.solstice/` at a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowFile {
    /// Its path in the repository.
    pub path: String,
    /// Its content, of bounded size.
    pub content: Vec<u8>,
}

/// The longest [`CheckReport::context`], in characters.
pub const MAX_CONTEXT_CHARS: usize = 100;

/// The longest [`CheckReport::description`], in characters.
pub const MAX_DESCRIPTION_CHARS: usize = 140;

/// The longest [`Push::title`] and [`Push::actor`], in characters.
pub const MAX_TITLE_CHARS: usize = 200;

/// What a commit is to show for one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Its name on the commit, stable for the same job: `solstice/CI/build`.
    /// One line of at most 100 characters.
    pub context: String,
    /// The state.
    pub state: CheckState,
    /// One line for people, at most 140 characters.
    pub description: String,
    /// The page with the log.
    pub target_url: Url,
}

/// The states of a check, in the words that the forges share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Not over yet.
    Pending,
    /// The author's change is fine.
    Success,
    /// The author's change is not.
    Failure,
    /// We could not find out (invariant I9); never shown as a failure of the change.
    Error,
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

    /// Reads every `.solstice/*.kdl` of the commit; empty if there is none.
    ///
    /// # Errors
    ///
    /// [`ForgeError`] if the forge does not answer as it should.
    async fn workflow_files(
        &self,
        repository: &RepoName,
        commit: &CommitSha,
    ) -> Result<Vec<WorkflowFile>, ForgeError>;

    /// Shows a state on the commit. Repeating the same report is harmless.
    ///
    /// # Errors
    ///
    /// [`ForgeError`] if the forge did not take it.
    async fn report(
        &self,
        repository: &RepoName,
        commit: &CommitSha,
        report: &CheckReport,
    ) -> Result<(), ForgeError>;
}
