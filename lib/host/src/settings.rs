//! All that an orchestrator is told at its start.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use solstice_api::agent::DEFAULT_LOG_LIMIT_BYTES;
use solstice_image::VerifiedImage;
use solstice_model::{HostName, Label, Sha256Digest, SizeName};

use crate::shell::Visitors;

/// What the orchestrator is to do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This host's name.
    pub host: HostName,
    /// Where guests are served.
    pub agent_listen: SocketAddr,
    /// The most machines at once.
    pub capacity: u32,
    /// The golden images, labels unique.
    pub images: Vec<ImageSettings>,
    /// The sizes of machine that a job may ask for.
    pub sizes: BTreeMap<SizeName, MachineSize>,
    /// How source is fetched.
    pub source: SourceSettings,
    /// How long a drain waits for the jobs that run.
    pub drain_timeout: Duration,
    /// Who wants a shell where a step has failed; nobody on a host of a server.
    pub visitors: Option<Visitors>,
    /// Time limits that no operator sets.
    pub limits: Limits,
}

/// A golden image and how its machines are made.
#[derive(Clone, Debug)]
pub struct ImageSettings {
    /// The image, its files verified.
    pub image: VerifiedImage,
    /// The digest of its lock.
    pub digest: Sha256Digest,
    /// What jobs ask for to get it.
    pub labels: Vec<Label>,
    /// The most machines of it at once.
    pub capacity: u32,
    /// How large its machines are for jobs that name no size.
    pub size: MachineSize,
    /// How long the agent may take to report; the hypervisor's own limit if absent.
    pub boot_timeout: Option<Duration>,
}

/// How large a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineSize {
    /// Virtual processors.
    pub cpus: u8,
    /// Memory, in MiB.
    pub memory_mib: u32,
    /// Root disk, in MiB.
    pub disk_mib: u32,
}

/// How source is fetched and how much of it is kept.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// The program, by path or looked for in `PATH`.
    pub git: PathBuf,
    /// Whether repositories may be directories of this host.
    pub allow_file: bool,
    /// How long the fetch of one repository may take.
    pub fetch_timeout: Duration,
    /// The largest source tree, and the largest fetch, in bytes.
    pub max_size: u64,
    /// How many bytes of archives are kept.
    pub cache: u64,
    /// How many bytes of mirrors are kept.
    pub mirrors: u64,
}

/// Limits that no operator sets; tests shorten them.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long the server may hold a sync without news; at most 30 s, and
    /// well under a host's lease.
    pub poll: Duration,
    /// The first pause after a failure.
    pub retry_min: Duration,
    /// The longest pause after failures.
    pub retry_max: Duration,
    /// How long a job may overstay its own limit before the host ends it: the
    /// agent gets to say so itself.
    pub job_grace: Duration,
    /// How long a guest may take to power off once its job has ended.
    pub poweroff: Duration,
    /// The slow timer of every reconciler.
    pub reconcile: Duration,
    /// How long an agent's request may wait for the server.
    pub forward: Duration,
    /// How long an agent's request may wait for the source.
    pub source_wait: Duration,
    /// How long a guest whose source is ready may take to its first step.
    pub unpack: Duration,
    /// How long a job may overstay its limit while its artifacts go out.
    pub artifacts: Duration,
    /// How long a transfer may stand still, on either side.
    pub silence: Duration,
    /// How many bytes of output are taken of an attempt.
    pub log_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(20),
            retry_min: Duration::from_millis(500),
            retry_max: Duration::from_secs(15),
            job_grace: Duration::from_secs(60),
            poweroff: Duration::from_secs(10),
            reconcile: Duration::from_secs(30),
            forward: Duration::from_secs(20),
            source_wait: Duration::from_secs(20),
            unpack: Duration::from_secs(3600),
            artifacts: Duration::from_secs(3600),
            silence: Duration::from_secs(60),
            log_bytes: DEFAULT_LOG_LIMIT_BYTES,
        }
    }
}
