//! The handle by which a test runs a recording forge and asks it questions.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use solstice_model::{CommitSha, GitRef, RepoName};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;
use uuid::Uuid;

use super::community::Community;
use super::delivery::{self, Answer};
use super::description::{Description, Flavour};
use super::fault::{Fault, Faults};
use super::payload::{PullRequestAction, Pushed};
use super::repositories::Repositories;
use super::server::{self, RecordedRequest, Shared};
use super::status::{RecordedStatus, Statuses};
use super::submodules::Imported;
use crate::error::TestbedError;

/// How a recording forge is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The token that clients have to present.
    pub token: String,
    /// Whose description of the API requests are judged by.
    pub flavour: Flavour,
    /// Whether reading, clones included, needs the token too.
    pub guarded: bool,
    /// A file of JSON lines that statuses are appended to and, at the start, read from.
    pub status_file: Option<Utf8PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        let digits = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            token: digits[..40].to_owned(),
            flavour: Flavour::Forgejo,
            guarded: false,
            status_file: None,
        }
    }
}

/// A running recording forge; dropping it stops it, and leaves its directory.
pub struct RecordingForge {
    shared: Arc<Shared>,
    address: SocketAddr,
    wanted: watch::Sender<bool>,
    is: watch::Receiver<bool>,
    server: JoinHandle<()>,
}

impl Drop for RecordingForge {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl RecordingForge {
    /// Starts a forge over the repositories in this directory, on a free port
    /// of the loopback, with a new token, open for reading.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Io`] if the directory or the port cannot be had.
    pub async fn start(directory: &Utf8Path) -> Result<Self, TestbedError> {
        Self::start_with(directory, Options::default()).await
    }

    /// Starts a forge as the options say.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Io`] if the directory, the port or the status file cannot be had.
    pub async fn start_with(directory: &Utf8Path, options: Options) -> Result<Self, TestbedError> {
        let io = |what: String| move |source| TestbedError::Io { what, source };
        std::fs::create_dir_all(directory).map_err(io(directory.to_string()))?;
        let directory = directory.canonicalize_utf8().map_err(io(directory.to_string()))?;
        let listener = TcpListener::bind(options.listen).await;
        let listener = listener.map_err(io(format!("listen on {}", options.listen)))?;
        let address = listener.local_addr().map_err(io("socket".to_owned()))?;
        let base_url: Url =
            format!("http://{address}/").parse().expect("a socket address makes a web address");
        let repositories = Repositories::new(directory, base_url);
        repositories.set_private(options.guarded);
        let shared = Arc::new(Shared {
            repositories,
            statuses: Statuses::open(options.status_file.as_deref())?,
            community: Community::default(),
            faults: Faults::default(),
            description: Description::of(options.flavour),
            token: options.token,
            requests: Mutex::default(),
        });
        let wanted = watch::Sender::new(true);
        let (sender, is) = watch::channel(true);
        let run = server::run(listener, address, shared.clone(), wanted.subscribe(), sender);
        Ok(Self { shared, address, wanted, is, server: tokio::spawn(run) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address for people and clients, with a slash at the end.
    pub fn base_url(&self) -> &Url {
        self.shared.repositories.base_url()
    }

    /// The token that clients have to present.
    pub fn token(&self) -> &str {
        &self.shared.token
    }

    /// Its repositories.
    pub fn repositories(&self) -> &Repositories {
        &self.shared.repositories
    }

    /// As [`Repositories::create`].
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if it exists or Git fails.
    pub async fn create_repository(&self, name: &RepoName) -> Result<Utf8PathBuf, TestbedError> {
        self.shared.repositories.create(name).await
    }

    /// As [`Repositories::import`].
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if it cannot be cloned or the place is taken.
    pub async fn import(&self, source: &str) -> Result<Imported, TestbedError> {
        self.shared.repositories.import(source).await
    }

    /// As [`Repositories::push_payload`].
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if Git knows no such repository or commit.
    pub async fn push_payload(
        &self,
        repository: &RepoName,
        git_ref: &GitRef,
        before: Option<&CommitSha>,
        after: Option<&CommitSha>,
        pusher: &str,
    ) -> Result<Vec<u8>, TestbedError> {
        self.shared.repositories.push_payload(repository, git_ref, before, after, pusher).await
    }

    /// As [`Repositories::push_payload_of_default_branch`].
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if the repository is absent or empty.
    pub async fn push_payload_of_default_branch(
        &self,
        repository: &RepoName,
    ) -> Result<Pushed, TestbedError> {
        self.shared.repositories.push_payload_of_default_branch(repository).await
    }

    /// As [`Repositories::push_payload_of_commit`].
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if the repository or the commit is absent.
    pub async fn push_payload_of_commit(
        &self,
        repository: &RepoName,
        commit: &str,
    ) -> Result<Pushed, TestbedError> {
        self.shared.repositories.push_payload_of_commit(repository, commit).await
    }

    /// Says what a user may do in a repository from now on: `none`, `read`,
    /// `write`, `admin` or `owner`. Users of whom nothing is said are not known.
    pub fn permit(&self, repository: &RepoName, user: &str, level: &str) {
        self.shared.community.permit(repository, user, level);
    }

    /// Lists a pull request as open from now on, or not any more if it is told
    /// as `closed`. No webhook is sent of it.
    pub fn list_pull_request(&self, repository: &RepoName, told: PullRequestAction) {
        self.shared.community.tell(repository, told);
    }

    /// Delivers a webhook with a new delivery id, once, as Forgejo does;
    /// returns the HTTP status of the answer.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Api`] if nobody answers within five seconds.
    pub async fn deliver(
        &self,
        url: &str,
        secret: &str,
        event: &str,
        body: &[u8],
    ) -> Result<u16, TestbedError> {
        Ok(self.deliver_as(url, secret, event, Uuid::new_v4(), body).await?.status)
    }

    /// Delivers a webhook under this delivery id, so that a test can repeat one.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Api`] if nobody answers within five seconds.
    pub async fn deliver_as(
        &self,
        url: &str,
        secret: &str,
        event: &str,
        id: Uuid,
        body: &[u8],
    ) -> Result<Answer, TestbedError> {
        delivery::deliver(url, secret, event, id, body).await
    }

    /// Every status, in the order in which they came.
    pub fn statuses(&self) -> Vec<RecordedStatus> {
        self.shared.statuses.all()
    }

    /// What the commit shows: the newest status of each context, ordered by context.
    pub fn newest_statuses(&self, commit: &str) -> Vec<RecordedStatus> {
        let of_commit = self.statuses().into_iter().filter(|status| status.commit == commit);
        let newest: std::collections::BTreeMap<_, _> =
            of_commit.map(|status| (status.context.clone(), status)).collect();
        newest.into_values().collect()
    }

    /// Waits until there is a status of this context that is as wanted,
    /// recorded before or after the call. Cancel safe.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Late`] with everything that was recorded.
    pub async fn wait_for_status(
        &self,
        context: &str,
        wanted: impl Fn(&RecordedStatus) -> bool,
        limit: Duration,
    ) -> Result<RecordedStatus, TestbedError> {
        self.shared.statuses.wait(context, wanted, limit).await
    }

    /// Every request to the API, in order, clones not included.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Requests that the forge's description of its API does not allow.
    pub fn violations(&self) -> Vec<RecordedRequest> {
        self.requests().into_iter().filter(|request| request.violation.is_some()).collect()
    }

    /// Orders a fault for the next so many calls of the API, after those
    /// already ordered.
    pub fn fail_next(&self, times: usize, fault: &Fault) {
        self.shared.faults.order(times, fault);
    }

    /// Takes back every fault that has not come yet.
    pub fn heal(&self) {
        self.shared.faults.clear();
    }

    /// Goes off the network: connections are cut, new ones refused.
    pub async fn go_down(&self) {
        self.turn(false).await;
    }

    /// Comes back, under the same address.
    pub async fn come_up(&self) {
        self.turn(true).await;
    }

    async fn turn(&self, up: bool) {
        self.wanted.send_replace(up);
        // An error means that the server's task is gone, which is down for good.
        let _ = self.is.clone().wait_for(|is| *is == up).await;
    }
}
