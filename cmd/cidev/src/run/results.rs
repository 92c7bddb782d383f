//! What is left of a run once its machines are gone: artifacts and a report.

use std::path::{Path, PathBuf};

use serde::Serialize;
use solstice_api::user::{Artifact, JobDetail, Step};
use solstice_model::{JobName, JobState};
use solstice_server::Server;
use tokio::io::AsyncWriteExt as _;

use super::{Options, RunError};
use crate::output;

/// How much of an artifact is read at once.
const PIECE_BYTES: u64 = 1 << 20;

/// How one job ended.
#[derive(Serialize)]
struct JobReport<'a> {
    name: &'a JobName,
    state: &'a JobState,
    steps: &'a [Step],
    artifacts: Vec<Artifact>,
}

/// Brings to disk what the options ask for.
pub(crate) async fn keep(
    options: &Options,
    server: &Server,
    jobs: &[JobDetail],
) -> Result<(), RunError> {
    let mut reports = Vec::new();
    for detail in jobs {
        let artifacts = server.store().artifacts(detail.job.id).await;
        let artifacts = artifacts.map_err(RunError::part("list the artifacts"))?;
        if let Some(folder) = &options.artifacts {
            for artifact in &artifacts {
                fetch(server, detail, artifact, &folder.join(detail.job.name.as_str())).await?;
            }
        }
        let (name, state, steps) = (&detail.job.name, &detail.job.state, &detail.steps[..]);
        reports.push(JobReport { name, state, steps, artifacts });
    }
    if let Some(path) = &options.report {
        std::fs::write(path, output::json(&reports)).map_err(RunError::io("write", path))?;
    }
    Ok(())
}

/// Copies one artifact below the folder. Its path was checked when it came: it
/// has no part that leads upwards.
async fn fetch(
    server: &Server,
    detail: &JobDetail,
    artifact: &Artifact,
    folder: &Path,
) -> Result<(), RunError> {
    let path: PathBuf = folder.join(&artifact.path);
    let failed = RunError::part("read an artifact");
    let attempt = detail.attempts.last().expect("a job without an attempt left nothing").id;
    let from = server.artifacts().open(attempt, artifact.index).await.map_err(failed)?;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(RunError::io("make", parent))?;
    }
    let to = tokio::fs::File::create(&path).await;
    let mut to = to.map_err(RunError::io("write", &path))?;
    let mut at = 0;
    while at < artifact.bytes {
        let piece = from.read(at, PIECE_BYTES).await;
        let piece = piece.map_err(RunError::part("read an artifact"))?;
        to.write_all(&piece).await.map_err(RunError::io("write", &path))?;
        at += piece.len() as u64;
    }
    to.flush().await.map_err(RunError::io("write", &path))
}
