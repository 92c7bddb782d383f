//! Opening the files of an image: plain ones, and nothing that would make us
//! wait or lead us elsewhere.

use std::fs::{File, FileType};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};

use camino::Utf8Path;
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::lock::ImageError;

/// What becomes of a symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// It is followed: an operator named it.
    Followed,
    /// It is refused: it could be pointed elsewhere after the check.
    Refused,
}

/// Opens a plain file for reading.
///
/// # Errors
///
/// [`ImageError`] if it is none, at once even for a FIFO that nobody writes to.
pub(crate) fn open(path: &Utf8Path, links: Links) -> Result<File, ImageError> {
    let not_a_file = |what| ImageError::NotAFile { path: path.to_owned(), what };
    let failed = |source| ImageError::Read { path: path.to_owned(), source };
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if links == Links::Refused {
        flags |= OFlags::NOFOLLOW;
    }
    let flags = i32::try_from(flags.bits()).expect("these flags are small");
    let opened = File::options().read(true).custom_flags(flags).open(path);
    let file = match opened {
        Err(error) if is_link(&error) && links == Links::Refused => {
            return Err(not_a_file("a symbolic link"));
        }
        // open(2): a socket.
        Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {
            return Err(not_a_file("a socket"));
        }
        opened => opened.map_err(failed)?,
    };
    let kind = file.metadata().map_err(failed)?.file_type();
    if kind.is_file() { Ok(file) } else { Err(not_a_file(name(kind))) }
}

/// open(2) with `O_NOFOLLOW`.
fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
}

fn name(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a FIFO"
    } else {
        "a device"
    }
}
