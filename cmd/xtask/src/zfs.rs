//! `cargo xtask zfs-check`: what the product expects of ZFS, against a real one.

use std::process::{Command, Stdio};

use camino::Utf8PathBuf;

use crate::run::{Failure, Step, root, target};
use crate::{build, setup};

/// Makes the guest (once, some minutes) and runs the contract in it.
pub(crate) fn check() -> Result<(), Failure> {
    setup::for_zfs()?;
    let programs = ["illumos-host", "zfs-contract"].iter().flat_map(|name| ["--package", name]);
    Step::cargo(["build"].into_iter().chain(programs)).run()?;
    let guest = guest(&build::guest_program("zfs-guest")?)?;
    let contract = target().join("debug/zfs-contract");
    Step::new(contract.as_str(), ["run", "--guest", guest.as_str()]).run()
}

/// Makes the guest if it is not in the cache. Returns its folder.
fn guest(agent: &Utf8PathBuf) -> Result<Utf8PathBuf, Failure> {
    let recipe = root().join("tests/zfs-guest/recipe/build");
    eprintln!("\x1b[2m$ {recipe} --agent {agent}\x1b[0m");
    let failed = |error: std::io::Error| Failure::Needs(format!("cannot run {recipe}: {error}"));
    let output = Command::new(&recipe)
        .args(["--agent", agent.as_str()])
        .stderr(Stdio::inherit())
        .output()
        .map_err(failed)?;
    if !output.status.success() {
        return Err(Failure::Needs(format!(
            "{recipe} ended with {}; it needs the packages of Debian's component contrib",
            output.status
        )));
    }
    Ok(Utf8PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}
