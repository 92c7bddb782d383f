//! The capture of a zone's console into a file, by a process of its own.
//!
//! zlogin(1) needs a terminal, zoneadmd serves one client per zone, and what a
//! guest prints while there is none is lost (illumos-gate
//! usr/src/cmd/zoneadmd/zcons.c). So the program `solstice-console` is started
//! before the zone boots, in a session and a process contract of its own, and
//! stays until the zone halts, whatever becomes of the orchestrator:
//!
//! ```text
//! solstice-console ZONE FOLDER BYTES
//! ```
//!
//! It runs `zlogin -C` on a pseudo-terminal and appends what the guest prints to
//! `FOLDER/console.log`, up to BYTES in all; a guest that floods its console
//! loses the rest and goes on. What zlogin and zoneadmd say themselves is left
//! out. It locks `FOLDER/capture.lock`: a second capture of a machine ends at
//! once, with the word `held` on standard output. When it is attached it says
//! `attached` there.
//!
//! Whoever connects to `FOLDER/capture.sock` is told `attached` as well, as soon
//! as that is so, and the connection ends when the capture does, with everything
//! written. A client that sends `q` ends it.

mod filter;
mod run;
mod terminal;

pub(crate) mod client;

use camino::{Utf8Path, Utf8PathBuf};
use solstice_illumos::zone::{self, ZoneName};

/// Said when zlogin is attached to the console.
pub(crate) const ATTACHED: &str = "attached\n";
/// Said when another capture of the machine works.
pub(crate) const HELD: &str = "held\n";
/// Sent by whoever wants the capture to end.
pub(crate) const QUIT: u8 = b'q';

/// Why a console cannot be captured.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// It was called with other arguments.
    #[error("usage: solstice-console ZONE FOLDER BYTES")]
    Usage,
    /// The machine's folder cannot be used.
    #[error("cannot use the machine's folder {folder}: {what}")]
    Folder {
        /// Which.
        folder: Utf8PathBuf,
        /// What failed, and why.
        what: String,
    },
    /// The system refuses a terminal, a process or a socket.
    #[error("cannot {what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl CaptureError {
    fn system<E: Into<std::io::Error>>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |source| CaptureError::System { what, source: source.into() }
    }

    fn folder(folder: &Utf8Path) -> impl FnOnce(crate::error::ZonesError) -> Self {
        let folder = folder.to_owned();
        move |error| CaptureError::Folder { folder, what: describe(&error) }
    }
}

/// What a capture is told.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) zone: ZoneName,
    pub(crate) folder: Utf8PathBuf,
    /// The most bytes of the console's file.
    pub(crate) most: u64,
}

/// The program: captures until the zone halts.
///
/// # Errors
///
/// [`CaptureError`] if it cannot begin, or cannot go on.
pub fn main(arguments: &[String]) -> Result<(), CaptureError> {
    let [zone, folder, most] = arguments else { return Err(CaptureError::Usage) };
    let task = Task {
        zone: zone.parse().map_err(|_| CaptureError::Usage)?,
        folder: folder.into(),
        most: most.parse().map_err(|_| CaptureError::Usage)?,
    };
    // A signal to the orchestrator's session is not for us. Whoever leads a
    // process group cannot leave it, and has no need to.
    let _leads = rustix::process::setsid();
    run::capture(&task, &zone::console_command(&task.zone))
}

/// An error with its causes, on one line.
pub fn describe(error: &dyn std::error::Error) -> String {
    crate::error::describe(error)
}
