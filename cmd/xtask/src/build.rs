//! What is built before anything runs: the programs, the agent, the image.

use camino::Utf8PathBuf;

use crate::run::{Failure, Step, root, target};

/// The target of the agent: named even on the same kind of computer, so that
/// its static linking does not reach build scripts.
const AGENT_TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds the agent for guests. Returns where it is.
pub(crate) fn agent() -> Result<Utf8PathBuf, Failure> {
    guest_program("solstice-agent")
}

/// Builds the program of a package for guests: static, small. Returns where it is.
pub(crate) fn guest_program(package: &str) -> Result<Utf8PathBuf, Failure> {
    let arguments = ["build", "--package", package, "--profile", "agent", "--target", AGENT_TARGET];
    Step::cargo(arguments).env("RUSTFLAGS", "-C target-feature=+crt-static").run()?;
    Ok(target().join(AGENT_TARGET).join("agent").join(package))
}

/// A golden image that the recipe `linux-mini` makes.
#[derive(Clone, Copy)]
pub(crate) enum Image {
    /// A kernel and a disk, for a hypervisor that loads kernels.
    LinuxMini,
    /// The same as a disk that boots by itself.
    LinuxMiniDisk,
}

/// Makes a golden image if it is not up to date. Returns its folder.
pub(crate) fn image(image: Image) -> Result<Utf8PathBuf, Failure> {
    let agent = agent()?;
    let (name, option) = match image {
        Image::LinuxMini => ("linux-mini", None),
        Image::LinuxMiniDisk => ("linux-mini-disk", Some("--disk")),
    };
    let folder = target().join("images").join(name);
    let recipe = root().join("images/linux-mini/build");
    let arguments = ["--agent", agent.as_str(), "--out", folder.as_str()];
    Step::new(recipe.as_str(), arguments.into_iter().chain(option)).run()?;
    Ok(folder)
}

/// Builds the programs that run on the host.
pub(crate) fn programs() -> Result<(), Failure> {
    let packages = [
        "ciadm",
        "illumos-host",
        "solstice-hypervisor-zones",
        "solstice-orchestrator",
        "solstice-server",
        "solstice-testbed",
    ];
    let chosen = packages.iter().flat_map(|package| ["--package", package]);
    Step::cargo(["build"].into_iter().chain(chosen)).run()
}

/// Builds programs and tests together, so that both are compiled against the
/// same features of their dependencies, and so only once.
pub(crate) fn everything() -> Result<(), Failure> {
    Step::cargo(["build", "--workspace", "--all-targets"]).run()
}
