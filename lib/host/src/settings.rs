//! All that an orchestrator is told at its start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use solstice_image::VerifiedImage;
use solstice_model::{HostName, Label};

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
    /// What jobs ask for to get it.
    pub labels: Vec<Label>,
    /// The most machines of it at once.
    pub capacity: u32,
    /// Virtual processors of a machine.
    pub cpus: u8,
    /// Memory of a machine, in MiB.
    pub memory_mib: u32,
    /// Root disk of a machine, in MiB.
    pub disk_mib: u32,
    /// How long the agent may take to report; the hypervisor's own limit if absent.
    pub boot_timeout: Option<Duration>,
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

/// Time limits that no operator sets; tests shorten them.
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
        }
    }
}
