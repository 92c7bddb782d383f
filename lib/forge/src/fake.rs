//! A forge in memory, stricter than any real one.
//!
//! It knows only the repositories and commits that a test gave it, refuses
//! reports beyond the limits that [`CheckReport`] states, and remembers every
//! report in order. A [`Fault`] makes the next calls fail as a test orders.
//! Clones are handles on the same forge.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use solstice_forge::fake::FakeForge;
//! use solstice_forge::{Event, Forge, Interpretation};
//!
//! let forge = FakeForge::new("fake".parse()?);
//! let widgets = forge.add_repository("alice/widgets");
//! let commit = forge.add_commit(&widgets, &[(".solstice/ci.kdl", b"workflow { }")]);
//! let push = forge.push(&widgets, "refs/heads/main", &commit);
//! let delivery = forge.deliver(&push);
//!
//! let genuine = forge.authenticate(&delivery.headers, &delivery.body)?;
//! let meaning = forge.interpret(&genuine.event, &delivery.body);
//! assert_eq!(meaning, Interpretation::Event(Event::Push(push)));
//! assert_eq!(forge.workflow_files(&widgets, &commit).await?.len(), 1);
//! # Ok(())
//! # }
//! ```

mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue};
use solstice_model::{CommitSha, ForgeName, GitRef, RepoName};
use url::Url;

use self::state::State;
use crate::check::{Check, CheckDetails, CheckReport, CheckState, Pace};
use crate::headers::{self, NamedHeader, SignatureHeader};
use crate::seam::{
    Changed, Event, Forge, Genuine, Head, Interpretation, Permission, PullRequest, Push, Rejection,
    Standing, WorkflowFile, line_url,
};
use crate::signature::{Secret, Secrets};

const SIGNATURE: SignatureHeader = SignatureHeader { name: "x-fake-signature", prefix: "sha256=" };

const DELIVERY: NamedHeader = NamedHeader {
    names: &["x-fake-delivery"],
    missing: "the delivery id is missing",
    malformed: "the delivery id is not a UUID",
    fits: headers::is_uuid,
};

const EVENT: NamedHeader = NamedHeader {
    names: &["x-fake-event"],
    missing: "the event is missing",
    malformed: "the event is not a name",
    fits: headers::is_event,
};

/// What the fake's header calls events.
const EVENTS: [&str; 6] =
    ["push", "pull_request", "pull_request_closed", "delete", "merge_group", "check_request"];

/// How a call of the fake fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The forge cannot be reached.
    Unreachable,
    /// It answers with this HTTP status, and asks for this pause.
    Status(u16, Option<Duration>),
    /// It answers nonsense.
    Nonsense,
    /// It takes the report, and then the answer is lost.
    AnswerLost,
}

/// A report that the forge took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// The repository.
    pub repository: RepoName,
    /// The commit.
    pub commit: CommitSha,
    /// What the check is of.
    pub subject: String,
    /// What it shows since.
    pub report: CheckReport,
    /// More of it.
    pub details: Option<CheckDetails>,
}

/// A webhook request.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

/// The fake; clones share its state.
#[derive(Clone, Debug)]
pub struct FakeForge {
    name: ForgeName,
    secret: Secret,
    secrets: Secrets,
    /// Guards everything that the forge knows.
    state: Arc<Mutex<State>>,
    /// Guards how long each answer takes.
    pause: Arc<Mutex<Duration>>,
    /// Guards what it says of its pace.
    pace: Arc<Mutex<Pace>>,
}

impl FakeForge {
    /// Makes a forge without repositories.
    pub fn new(name: ForgeName) -> Self {
        let secret = Secret::new("the fake forge's secret").expect("it is not empty");
        let secrets = secret.clone().into();
        let pace = Pace {
            details: true,
            annotations: None,
            progress: Duration::ZERO,
            per_minute: None,
            per_hour: None,
        };
        let pace = Arc::new(Mutex::new(pace));
        Self { name, secret, secrets, state: Arc::default(), pause: Arc::default(), pace }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a repository without commits; making it again changes nothing.
    ///
    /// # Panics
    ///
    /// If this is no repository's name.
    pub fn add_repository(&self, name: &str) -> RepoName {
        let name: RepoName = name.parse().expect("a repository's name");
        self.state().repositories.entry(name.clone()).or_default();
        name
    }

    /// Makes a commit whose tree is these files. Each commit gets a new id.
    ///
    /// # Panics
    ///
    /// If there is no such repository.
    pub fn add_commit(&self, repository: &RepoName, files: &[(&str, &[u8])]) -> CommitSha {
        self.state().add_commit(repository, files)
    }

    /// Pushes this commit to this ref, and says what a webhook would tell of it.
    ///
    /// # Panics
    ///
    /// If this is no full ref.
    pub fn push(&self, repository: &RepoName, git_ref: &str, commit: &CommitSha) -> Push {
        let git_ref: GitRef = git_ref.parse().expect("a full ref");
        let mut state = self.state();
        state.point(repository, git_ref.clone(), commit);
        Push {
            repository: state.describe(repository),
            git_ref,
            commit: commit.clone(),
            before: None,
            title: commit_title(commit),
            actor: "alice".to_owned(),
        }
    }

    /// Deletes a ref; no webhook tells of it.
    ///
    /// # Panics
    ///
    /// If this is no full ref.
    pub fn delete_ref(&self, repository: &RepoName, git_ref: &str) {
        let git_ref: GitRef = git_ref.parse().expect("a full ref");
        self.state().forget(repository, git_ref);
    }

    /// Says from now on that checks may be told this often; at any pace if it is
    /// not said.
    pub fn set_pace(&self, pace: Pace) {
        *self.pace.lock().unwrap_or_else(PoisonError::into_inner) = pace;
    }

    /// Says from now on that only some may read a repository; everybody may if it
    /// is not said.
    pub fn set_private(&self, repository: &RepoName, private: bool) {
        let mut state = self.state();
        if private {
            state.private.insert(repository.clone());
        } else {
            state.private.remove(repository);
        }
    }

    /// Gives a commit this message.
    pub fn set_message(&self, commit: &CommitSha, message: &str) {
        self.state().messages.insert(commit.clone(), message.to_owned());
    }

    /// Says what a user may do from now on; nothing if it is not said.
    pub fn set_permission(&self, repository: &RepoName, user: &str, permission: Permission) {
        self.state().permissions.insert((repository.clone(), user.to_owned()), permission);
    }

    /// Opens a pull request, or gives it other commits; `None` closes it.
    pub fn set_pull_request(
        &self,
        repository: &RepoName,
        number: u64,
        pull_request: Option<PullRequest>,
    ) {
        let key = (repository.clone(), number);
        match pull_request {
            Some(pull_request) => self.state().pull_requests.insert(key, pull_request),
            None => self.state().pull_requests.remove(&key),
        };
    }

    /// A pull request with this commit as its head, into `main`, by somebody
    /// who may push.
    pub fn pull_request(
        &self,
        repository: &RepoName,
        number: u64,
        commit: &CommitSha,
    ) -> PullRequest {
        let head = Push {
            repository: self.state().describe(repository),
            git_ref: format!("refs/pull/{number}/head").parse().expect("a full ref"),
            commit: commit.clone(),
            before: None,
            title: format!("Pull request {number}"),
            actor: "alice".to_owned(),
        };
        PullRequest {
            number,
            base: "main".to_owned(),
            outside: false,
            author: "alice".to_owned(),
            base_commit: None,
            head,
        }
    }

    /// The webhook request for a push, under a new delivery id.
    pub fn deliver(&self, push: &Push) -> Delivery {
        self.deliver_event(&Event::Push(push.clone()))
    }

    /// The webhook request for an event, under a new delivery id.
    pub fn deliver_event(&self, event: &Event) -> Delivery {
        let body = serde_json::to_vec(event).expect("an event is plain data");
        self.deliver_body(event_name(event), body)
    }

    /// A webhook request with any event and body, signed, under a new delivery id.
    ///
    /// # Panics
    ///
    /// If the event does not fit a header.
    pub fn deliver_body(&self, event: &str, body: Vec<u8>) -> Delivery {
        let id = self.state().new_delivery();
        let signature = format!("{}{}", SIGNATURE.prefix, self.secret.sign(&body));
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "application/json"),
            (SIGNATURE.name, &signature),
            (DELIVERY.names[0], &id),
            (EVENT.names[0], event),
        ] {
            headers.insert(name, HeaderValue::from_str(value).expect("printable ASCII"));
        }
        Delivery { headers, body }
    }

    /// Every report that was taken, in order.
    pub fn reported(&self) -> Vec<Reported> {
        self.state().reported.clone()
    }

    /// The states that a context of a commit went through, in order.
    pub fn states(&self, commit: &CommitSha, context: &str) -> Vec<CheckState> {
        let of_context = |it: &&Reported| it.commit == *commit && it.report.context == context;
        self.state().reported.iter().filter(of_context).map(|it| it.report.state).collect()
    }

    /// What the commit shows: the newest report of each context, ordered by context.
    pub fn shown(&self, commit: &CommitSha) -> Vec<CheckReport> {
        self.state().shown(commit)
    }

    /// Orders a fault for the next so many calls, after those already ordered.
    pub fn fail_next(&self, times: usize, fault: Fault) {
        self.state().faults.extend(std::iter::repeat_n(fault, times));
    }

    /// Makes every call fail until [`FakeForge::come_up`].
    pub fn go_down(&self) {
        self.state().down = true;
    }

    /// Makes each answer take this long from now on.
    pub fn pause(&self, pause: Duration) {
        *self.pause.lock().unwrap_or_else(PoisonError::into_inner) = pause;
    }

    /// The state, after the pause that each answer takes.
    async fn asked(&self) -> MutexGuard<'_, State> {
        let pause = *self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        self.state()
    }

    /// Ends [`FakeForge::go_down`].
    pub fn come_up(&self) {
        self.state().down = false;
    }

    /// Since when lost deliveries were asked for again, each time.
    pub fn redelivered(&self) -> Vec<DateTime<Utc>> {
        self.state().redelivered.clone()
    }

    /// How many calls were made, failed ones included.
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// What callers asked for that no real forge or person could use: reports
    /// beyond the limits, for instance. A test ends by asserting that it is empty.
    pub fn misuse(&self) -> Vec<String> {
        self.state().misuse.clone()
    }
}

#[async_trait]
impl Forge for FakeForge {
    fn name(&self) -> &ForgeName {
        &self.name
    }

    fn authenticate(&self, headers: &HeaderMap, body: &[u8]) -> Result<Genuine, Rejection> {
        headers::require_json(headers)?;
        headers::require_signature(headers, &[SIGNATURE], &self.secrets, body)?;
        Ok(Genuine {
            id: headers::require(headers, &DELIVERY)?,
            event: headers::require(headers, &EVENT)?,
        })
    }

    fn interpret(&self, event: &str, body: &[u8]) -> Interpretation {
        if !EVENTS.contains(&event) {
            return Interpretation::Ignored {
                reason: format!("the event {event:?} starts nothing"),
            };
        }
        match serde_json::from_slice::<Event>(body) {
            Ok(told) if event_name(&told) == event => Interpretation::Event(told),
            Ok(told) => Interpretation::Malformed {
                reason: format!("the body of {event} tells of {}", event_name(&told)),
            },
            Err(error) => Interpretation::Malformed { reason: error.to_string() },
        }
    }

    async fn workflow_files(
        &self,
        repository: &RepoName,
        commit: &CommitSha,
    ) -> Result<Vec<WorkflowFile>, crate::ForgeError> {
        self.asked().await.workflow_files(repository, commit)
    }

    async fn head(
        &self,
        repository: &RepoName,
        git_ref: Option<&str>,
        commit: Option<&CommitSha>,
    ) -> Result<Head, crate::ForgeError> {
        self.asked().await.head(repository, git_ref, commit)
    }

    async fn default_branch_file(
        &self,
        repository: &RepoName,
        path: &str,
    ) -> Result<Option<WorkflowFile>, crate::ForgeError> {
        self.asked().await.default_branch_file(repository, path)
    }

    async fn commit_message(
        &self,
        repository: &RepoName,
        commit: &CommitSha,
    ) -> Result<String, crate::ForgeError> {
        self.asked().await.commit_message(repository, commit)
    }

    async fn changed_files(
        &self,
        repository: &RepoName,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<Changed, crate::ForgeError> {
        self.asked().await.changed_files(repository, base, head)
    }

    async fn permission(
        &self,
        repository: &RepoName,
        user: &str,
    ) -> Result<Permission, crate::ForgeError> {
        self.asked().await.permission(repository, user)
    }

    async fn standing(&self, repository: &RepoName) -> Result<Standing, crate::ForgeError> {
        self.asked().await.standing(repository)
    }

    async fn redeliver(&self, since: DateTime<Utc>) -> Result<usize, crate::ForgeError> {
        self.asked().await.redeliver(since)
    }

    fn line_url(&self, html_url: &Url, commit: &CommitSha, path: &str, line: u32) -> Option<Url> {
        line_url(html_url, &["blob", commit.as_str()], path, line)
    }

    fn pace(&self) -> Pace {
        *self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn report(&self, check: &Check<'_>) -> Result<(), crate::ForgeError> {
        self.asked().await.report(check)
    }
}

fn commit_title(commit: &CommitSha) -> String {
    format!("Commit {}", commit.short())
}

/// What the fake's header calls an event.
fn event_name(event: &Event) -> &'static str {
    match event {
        Event::Push(_) => "push",
        Event::PullRequest(_) => "pull_request",
        Event::PullRequestClosed { .. } => "pull_request_closed",
        Event::RefDeleted { .. } => "delete",
        Event::MergeGroup(_) => "merge_group",
        Event::CheckRequest(_) => "check_request",
    }
}

#[cfg(test)]
mod tests;
