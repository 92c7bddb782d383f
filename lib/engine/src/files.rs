//! Reading the workflow files of a commit.

use std::time::Duration;

use solstice_forge::{Forge, ForgeError, Push, WorkflowFile};

/// After this long a request to the forge counts as failed.
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// The workflow files of a push's commit. Cancel safe.
pub(crate) async fn workflow_files(
    forge: &dyn Forge,
    push: &Push,
) -> Result<Vec<WorkflowFile>, ForgeError> {
    let reading = forge.workflow_files(&push.repository.name, &push.commit);
    in_time("the workflow files", reading).await
}

/// What the forge answers, if it does so in time.
pub(crate) async fn in_time<T>(
    what: &str,
    asking: impl Future<Output = Result<T, ForgeError>>,
) -> Result<T, ForgeError> {
    match tokio::time::timeout(FETCH_TIMEOUT, asking).await {
        Ok(answer) => answer,
        Err(elapsed) => {
            Err(ForgeError::Unreachable { what: what.to_owned(), source: Box::new(elapsed) })
        }
    }
}
