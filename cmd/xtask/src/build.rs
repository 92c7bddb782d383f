//! What is built before anything runs: the programs, the agent, the image.

use camino::Utf8PathBuf;

use crate::run::{Failure, Step, root, target};

/// The target of the agent: named even on the same kind of computer, so that
/// its static linking does not reach build scripts.
const AGENT_TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds the agent for guests: static, small. Returns where it is.
pub(crate) fn agent() -> Result<Utf8PathBuf, Failure> {
    let arguments =
        ["build", "--package", "solstice-agent", "--profile", "agent", "--target", AGENT_TARGET];
    Step::cargo(arguments).env("RUSTFLAGS", "-C target-feature=+crt-static").run()?;
    Ok(target().join(AGENT_TARGET).join("agent/solstice-agent"))
}

/// Makes the golden image if it is not up to date. Returns its folder.
pub(crate) fn image() -> Result<Utf8PathBuf, Failure> {
    let agent = agent()?;
    let folder = target().join("images/linux-mini");
    let recipe = root().join("images/linux-mini/build");
    Step::new(recipe.as_str(), ["--agent", agent.as_str(), "--out", folder.as_str()]).run()?;
    Ok(folder)
}

/// Builds the programs that run on the host.
pub(crate) fn programs() -> Result<(), Failure> {
    let packages = ["solstice-server", "solstice-orchestrator", "solstice-testbed"];
    let chosen = packages.iter().flat_map(|package| ["--package", package]);
    Step::cargo(["build"].into_iter().chain(chosen)).run()
}

/// Builds programs and tests together, so that both are compiled against the
/// same features of their dependencies, and so only once.
pub(crate) fn everything() -> Result<(), Failure> {
    Step::cargo(["build", "--workspace", "--all-targets"]).run()
}
