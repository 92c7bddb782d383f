//! Which thing a request is about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solstice_model::{DeliveryId, ForgeName, HostName, JobId, RunId};

/// Which run.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunPath {
    /// The run's id.
    pub run: RunId,
}

/// Which job.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct JobPath {
    /// The job's id.
    pub job: JobId,
}

/// Which button of which run's page.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunActionPath {
    /// The run's id.
    pub run: RunId,
    /// What is to be done.
    pub action: String,
}

/// Which button of which job's page.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct JobActionPath {
    /// The job's id.
    pub job: JobId,
    /// What is to be done.
    pub action: String,
}

/// Which artifact.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactPath {
    /// The job's id.
    pub job: JobId,
    /// The artifact's number, from 0.
    pub index: u32,
}

/// Which delivery.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryPath {
    /// The delivery's id.
    pub delivery: DeliveryId,
}

/// Which button of which delivery's page.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryActionPath {
    /// The delivery's id.
    pub delivery: DeliveryId,
    /// What is to be done.
    pub action: String,
}

/// Which repository.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RepositoryPath {
    /// The forge's name.
    pub forge: String,
    /// Who it belongs to.
    pub owner: String,
    /// Its name.
    pub name: String,
}

/// Which button for which host.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct HostActionPath {
    /// The host's name.
    pub host: HostName,
    /// What is to be done.
    pub action: String,
}

/// Which host.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct HostPath {
    /// The host's name.
    pub host: HostName,
}

/// Which token.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenPath {
    /// The token's name.
    pub name: String,
}

/// Which forge.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct LoginPath {
    /// The forge's name.
    pub forge: ForgeName,
}

/// Which file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct AssetPath {
    /// Its name.
    pub file: String,
}
