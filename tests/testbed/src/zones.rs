//! What an operator does once on an illumos host, done on the simulated one.

use tokio::process::Command;

use crate::error::TestbedError;
use crate::installation::Built;

/// The host's dataset.
const DATASET: &str = "rpool/solstice";

/// What the orchestrator is told about its hypervisor.
pub(crate) fn hypervisor() -> String {
    format!(r#""zones" {{ dataset "{DATASET}"; brand "omnios"; }}"#)
}

/// Imports the golden image, as root. The datasets and their delegation are
/// what the simulated host begins with.
pub(crate) async fn prepare(built: &Built) -> Result<(), TestbedError> {
    let (ciadm, lock) = (built.programs.join("ciadm"), built.image.join("image.lock"));
    let import = ["image", "import", "--dataset", DATASET, "--lock", lock.as_str()];
    as_root(built, &[&[ciadm.as_str()], &import[..]].concat()).await
}

async fn as_root(built: &Built, command: &[&str]) -> Result<(), TestbedError> {
    let output = Command::new(built.programs.join("illumos-host"))
        .arg("as-root")
        .args(command)
        .output()
        .await
        .map_err(|source| TestbedError::Io { what: "illumos-host".to_owned(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(TestbedError::Command { command: command.join(" "), status: output.status, said })
}
