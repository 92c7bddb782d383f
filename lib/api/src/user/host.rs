//! Hosts and golden images.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solstice_model::{HostName, JobId, Label, SizeName};

use crate::host::HostImage;

/// Where a page of hosts ends.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct HostPage {
    /// The last host seen.
    pub host: HostName,
}

/// A computer that runs an orchestrator.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// Its name.
    pub name: HostName,
    /// The labels that it offers.
    pub labels: Vec<Label>,
    /// Further machines that it could take when it last reported.
    pub room: u32,
    /// When it last reported.
    pub seen_at: DateTime<Utc>,
    /// The jobs that it works on.
    pub jobs: Vec<JobId>,
    /// Whether an operator lets it drain.
    pub draining: bool,
    /// Whether it has reported within the time of a lease.
    pub online: bool,
    /// The sizes of machine that it can make.
    pub sizes: Vec<SizeName>,
    /// The golden images that it has.
    pub images: Vec<HostImage>,
}

/// A change of a host.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostUpdate {
    /// Whether it is to get no further job.
    pub draining: bool,
}

/// A golden image and the hosts that have it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Image {
    /// The image.
    pub image: HostImage,
    /// Which hosts.
    pub hosts: Vec<HostName>,
}
