//! What every handler shares.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use slog::Logger;
use solstice_artifact::ArtifactStore;
use solstice_engine::{Applier, Clock, Forges, Signal};
use solstice_joblog::JobLogs;
use solstice_model::Role;
use solstice_store::Store;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::first_error::FirstErrors;
use crate::host::HostPolls;
use crate::live::LiveLogs;
use crate::once::Once;
use crate::pages::AssetUrls;
use crate::permissions::Permissions;
use crate::ready::Readiness;
use crate::sign_in::SignIn;

/// Responses that stay open (live logs, downloads) at the same time.
pub(crate) const MAX_STREAMS: usize = 512;

/// The most large webhook bodies in memory at once: 200 MiB together.
pub(crate) const MAX_LARGE_BODIES: usize = 8;

/// Room for all other webhook bodies whose signature is not known yet, in KiB.
pub(crate) const BODY_ROOM_KIB: usize = 32 * 1024;

/// The state behind all three APIs.
pub(crate) struct Context {
    /// Deliveries, runs, jobs, tokens.
    pub(crate) store: Store,
    /// The attempts' records.
    pub(crate) logs: JobLogs,
    /// What jobs left.
    pub(crate) artifacts: ArtifactStore,
    /// Brings the records to the store.
    pub(crate) applier: Applier,
    /// The configured forges.
    pub(crate) forges: Forges,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where people reach the pages.
    pub(crate) base_url: Url,
    /// What somebody without a token may do.
    pub(crate) anonymous: Option<Role>,
    /// How people sign in.
    pub(crate) sign_in: SignIn,
    /// What users of forges may see and do.
    pub(crate) permissions: Permissions,
    /// Proxies whose word on where a request came from is taken.
    pub(crate) trusted_proxies: Vec<IpAddr>,
    /// Requests that bear a key.
    pub(crate) once: Once,
    /// How often a job is tried.
    pub(crate) max_attempts: u32,
    /// How long a host may be silent.
    pub(crate) lease: Duration,
    /// Wakes the task that looks for leases that have run out.
    pub(crate) leases: Signal,
    /// Which poll of each host is the newest.
    pub(crate) polls: HostPolls,
    /// Where the assets are.
    pub(crate) assets: AssetUrls,
    /// What followers of the same log read together, as records.
    pub(crate) live: LiveLogs,
    /// The same, as lines.
    pub(crate) live_lines: LiveLogs,
    /// The line of each log that is to be looked at first.
    pub(crate) first_errors: Arc<FirstErrors>,
    /// Admits webhook bodies of more than a MiB.
    pub(crate) large_bodies: Semaphore,
    /// Admits each webhook body, up to its first MiB: a permit for each KiB.
    pub(crate) body_room: Semaphore,
    /// Admits responses that stay open.
    pub(crate) streams: Arc<Semaphore>,
    /// Whether what it keeps can be written.
    pub(crate) readiness: Readiness,
    /// Cancelled when the server stops: whoever waits answers now.
    pub(crate) stop: CancellationToken,
    /// The server's logger.
    pub(crate) log: Logger,
}
