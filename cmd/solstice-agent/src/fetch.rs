//! Fetches an archive of the host's and unpacks it while it arrives: the source
//! of the job, and what the jobs that it needs have left.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::channel::{Backoff, Channel, ChannelError};
use crate::console;
use crate::stream::Stream;
use crate::unpack::{Limits, UnpackError, unpack};

/// How long an archive that cannot be fetched is tried again.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// How long a host that is there and has no archive yet is waited for: it may
/// be fetching a large repository, or wait for a server that is away.
const LONG_PATIENCE: Duration = Duration::from_secs(60 * 60);

const GIB: u64 = 1024 * 1024 * 1024;

/// Which archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Archive {
    /// The tree of the job's commit.
    Source,
    /// The artifacts of the jobs that this one needs, as `JOB/PATH`.
    Inputs,
}

impl Archive {
    fn limits(self) -> Limits {
        match self {
            Archive::Source => Limits { entries: 1_000_000, bytes: 16 * GIB },
            Archive::Inputs => Limits { entries: 1_000_000, bytes: 64 * GIB },
        }
    }
}

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error(transparent)]
    Channel(#[from] ChannelError),
    #[error("the host wants the job to stop")]
    Stopped,
    #[error("cannot prepare {path}")]
    Prepare {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot unpack the {name}", name = match archive {
        Archive::Source => "source",
        Archive::Inputs => "artifacts of the jobs that this one needs",
    })]
    Unpack {
        archive: Archive,
        #[source]
        source: UnpackError,
    },
}

impl FetchError {
    /// Whether fetching it again may help.
    fn retry(&self) -> bool {
        match self {
            FetchError::Channel(error) => error.retry(),
            FetchError::Unpack { source, .. } => source.retry(),
            FetchError::Stopped | FetchError::Prepare { .. } => false,
        }
    }

    fn is_waiting(&self) -> bool {
        matches!(self, FetchError::Channel(error) if error.is_waiting())
    }
}

/// Fetches and unpacks an archive, as often as it takes; gives the number of
/// its members. What was in the folder before is removed.
///
/// # Errors
///
/// [`FetchError`] if trying again cannot help or has not helped for long.
pub(crate) fn fetch(
    archive: Archive,
    channel: &Channel,
    stream: &Stream,
    into: &Path,
) -> Result<u64, FetchError> {
    let started = Instant::now();
    // When the host last said that all is well.
    let mut alive = started;
    let mut backoff = Backoff::new();
    loop {
        let error = match fetch_once(archive, channel, into) {
            Ok(entries) => return Ok(entries),
            Err(error) => error,
        };
        if error.is_waiting() {
            alive = Instant::now();
        }
        let in_vain = alive.elapsed() > PATIENCE || started.elapsed() > LONG_PATIENCE;
        if !error.retry() || in_vain {
            return Err(error);
        }
        console::say(&format!("{}; trying again", console::with_causes(&error)));
        if stream.pause(backoff.next()) {
            return Err(FetchError::Stopped);
        }
    }
}

fn fetch_once(archive: Archive, channel: &Channel, into: &Path) -> Result<u64, FetchError> {
    let failed = |source| FetchError::Prepare { path: into.to_owned(), source };
    match std::fs::remove_dir_all(into) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    std::fs::create_dir_all(into).map_err(failed)?;
    let packed = channel.archive(archive)?;
    unpack(packed, into, archive.limits()).map_err(|source| FetchError::Unpack { archive, source })
}
