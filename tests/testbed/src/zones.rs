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

/// Makes the datasets, delegates them and imports the golden image, as root
/// and by the commands of docs/illumos.md.
pub(crate) async fn prepare(built: &Built) -> Result<(), TestbedError> {
    as_root(built, &["/sbin/zfs", "create", "-o", "mountpoint=/solstice", DATASET]).await?;
    for child in ["images", "jobs", "zones"] {
        as_root(built, &["/sbin/zfs", "create", &format!("{DATASET}/{child}")]).await?;
    }
    let allow = |rights: &'static str, child: &str| {
        let dataset = format!("{DATASET}/{child}");
        async move { as_root(built, &["/sbin/zfs", "allow", "-u", "solstice", rights, &dataset]).await }
    };
    allow("clone,hold,release", "images").await?;
    allow("create,clone,mount,destroy,userprop,volsize,refreservation,reservation", "jobs").await?;
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
