//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use solstice_model::{EventKind, JobName};

/// The options of `cidev run`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The workflow file; without it, the only one of the work tree or
    /// .solstice/workflow.kdl
    pub(crate) file: Option<PathBuf>,
    /// Run this job and those that it needs; may be repeated
    #[arg(long, short, value_name = "ID")]
    pub(crate) job: Vec<JobName>,
    /// The event that the run is said to come of
    #[arg(long, value_enum, default_value_t = Event::Push)]
    pub(crate) event: Event,
    /// The base branch of the pull request, for --event pull-request
    #[arg(long, value_name = "BRANCH", default_value = "main")]
    pub(crate) base: String,
    /// A folder of golden images: one folder each, with an image.lock
    #[arg(long, value_name = "DIR", env = "SOLSTICE_IMAGES")]
    pub(crate) images: Option<PathBuf>,
    /// Use the image NAME for jobs with this label; may be repeated
    #[arg(long, value_name = "LABEL=NAME", value_parser = label)]
    pub(crate) label: Vec<(String, String)>,
    /// Machines at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) machines: u32,
    /// Virtual processors of a machine
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) cpus: u8,
    /// Memory of a machine, such as 2GiB
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = mebibytes)]
    pub(crate) memory: u32,
    /// Root disk of a machine, such as 20GiB
    #[arg(long, value_name = "SIZE", default_value = "8GiB", value_parser = mebibytes)]
    pub(crate) disk: u32,
    /// Put the jobs' artifacts into DIR/JOB
    #[arg(long, value_name = "DIR")]
    pub(crate) artifacts: Option<PathBuf>,
    /// Write how each job ended to FILE, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// When a step fails, open a shell in its machine; the job ends with it
    #[arg(long)]
    pub(crate) shell_on_failure: bool,
    /// Keep logs, consoles, artifacts and the machines' disks, and say where
    #[arg(long)]
    pub(crate) keep: bool,
    /// Show what server and orchestrator say
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// Events by which a run can be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Event {
    /// A push of the branch that is checked out
    Push,
    /// A pull request from it
    PullRequest,
    /// Somebody asked for it
    Manual,
}

impl Event {
    /// The same in the words of the model.
    pub(crate) fn kind(self) -> EventKind {
        match self {
            Event::Push => EventKind::Push,
            Event::PullRequest => EventKind::PullRequest,
            Event::Manual => EventKind::Manual,
        }
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((label, image)) if !label.is_empty() && !image.is_empty() => {
            Ok((label.to_owned(), image.to_owned()))
        }
        _ => Err("write a label and the name of an image, such as ubuntu=debian-12".to_owned()),
    }
}

/// A size in whole MiB.
fn mebibytes(text: &str) -> Result<u32, String> {
    let wrong = || format!("{text} is not a size; write for example 512MiB or 4GiB");
    let (number, factor) = match text.strip_suffix("GiB") {
        Some(number) => (number, 1024),
        None => (text.strip_suffix("MiB").ok_or_else(wrong)?, 1),
    };
    let number: u32 = number.trim().parse().map_err(|_| wrong())?;
    number
        .checked_mul(factor)
        .filter(|mebibytes| *mebibytes >= 64)
        .ok_or_else(|| format!("{text} is out of range; a machine has at least 64MiB of each"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_mebibytes() {
        assert_eq!(mebibytes("2GiB"), Ok(2048));
        assert_eq!(mebibytes("512MiB"), Ok(512));
        for wrong in ["", "2", "2GB", "1MiB", "-1GiB", "1.5GiB", "9999999GiB"] {
            assert!(mebibytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_label_names_an_image() {
        assert_eq!(label("a=b"), Ok(("a".to_owned(), "b".to_owned())));
        assert!(label("a").is_err() && label("=b").is_err() && label("a=").is_err());
    }
}
