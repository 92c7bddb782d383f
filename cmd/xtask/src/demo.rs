//! `cargo xtask demo`: everything on this computer, from a push to a check.

use std::process::ExitCode;

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};

use crate::image::Image;
use crate::run::{Failure, Step, target};
use crate::{build, setup};

/// Run one push through a whole installation on this computer.
#[derive(Args)]
pub(crate) struct Demo {
    /// A repository with a workflow, by URL or path; a small C project if absent
    #[arg(long, value_name = "URL|PATH")]
    repo: Option<String>,
    /// The commit to build; the tip of the default branch if absent
    #[arg(long, value_name = "ID", requires = "repo")]
    commit: Option<String>,
    /// What makes the machines: QEMU itself, or zones on a simulated illumos host
    #[arg(long, default_value = "qemu")]
    backend: Backend,
    /// Leave everything up afterwards, to be looked at, until Ctrl-C
    #[arg(long)]
    keep: bool,
}

/// The hypervisors that can be shown.
#[derive(Clone, Copy, ValueEnum)]
enum Backend {
    Qemu,
    Zones,
}

impl Demo {
    /// Sets up, builds, and hands over to `solstice-demo`, whose exit code
    /// becomes ours: 1 if the job failed.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        setup::for_machines()?;
        build::programs()?;
        let demo = target().join("debug/solstice-demo").into_string();
        let (mut command, image) = match self.backend {
            Backend::Qemu => (vec![demo], Image::LinuxMini.build()?),
            Backend::Zones => {
                let mut command = simulated_host()?;
                command.extend([demo, "--zones".to_owned()]);
                (command, Image::LinuxMiniDisk.build()?)
            }
        };
        command.extend(["--image".to_owned(), image.into_string()]);
        command.extend(self.repo.into_iter().flat_map(|repo| ["--repo".to_owned(), repo]));
        command.extend(self.commit.into_iter().flat_map(|id| ["--commit".to_owned(), id]));
        command.extend(self.keep.then(|| "--keep".to_owned()));
        Step::new(&command[0], command[1..].to_vec()).exit_code()
    }
}

/// The command that runs another on a fresh simulated illumos host.
fn simulated_host() -> Result<Vec<String>, Failure> {
    let host = target().join("simulated-host");
    clear(&host)
        .map_err(|error| Failure::Needs(format!("cannot remove the old {host}: {error}")))?;
    let program = target().join("debug/illumos-host").into_string();
    Ok(vec![program, "enter".to_owned(), host.into_string(), "--".to_owned()])
}

fn clear(folder: &Utf8PathBuf) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
