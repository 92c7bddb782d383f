//! What a machine's folder holds besides its note.
//!
//! ```text
//! overlay.qcow2   the root disk, over the image's
//! seed.img        the disk that tells the guest its endpoint, token and address
//! console.out     the guest's serial console, from its first byte on
//! console.in      a FIFO that nobody writes: the console's other half
//! started         the guest was told to run
//! ```
//!
//! The console is QEMU's pipe device, which opens `console.in` and `console.out`
//! and does not mind that the latter is an ordinary file. libvirt's file device
//! would go through virtlogd, which cuts the file and renames it every 2 MiB.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;

use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::io::Errno;

use crate::error::LibvirtError;

/// The files of one machine, which may not exist.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    folder: Utf8PathBuf,
}

impl Files {
    pub(crate) fn of(folder: Utf8PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    pub(crate) fn overlay(&self) -> Utf8PathBuf {
        self.folder.join("overlay.qcow2")
    }

    pub(crate) fn seed(&self) -> Utf8PathBuf {
        self.folder.join("seed.img")
    }

    /// The console as QEMU is told of it, which adds `.in` and `.out`.
    pub(crate) fn console(&self) -> Utf8PathBuf {
        self.folder.join("console")
    }

    fn console_out(&self) -> Utf8PathBuf {
        self.folder.join("console.out")
    }

    fn started(&self) -> Utf8PathBuf {
        self.folder.join("started")
    }

    /// Makes the two halves of the console, unless they are there.
    pub(crate) fn make_console(&self) -> Result<(), LibvirtError> {
        let fifo = self.folder.join("console.in");
        match mknodat(CWD, fifo.as_std_path(), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(LibvirtError::file("make", &fifo)(error.into())),
        }
        self.touch(&self.console_out())
    }

    /// How much the guest has printed, in bytes.
    pub(crate) fn console_bytes(&self) -> u64 {
        std::fs::metadata(self.console_out()).map_or(0, |meta| meta.len())
    }

    /// A part of the console; empty if there is none yet.
    pub(crate) fn read_console(&self, from: u64, limit: u64) -> Result<Bytes, LibvirtError> {
        let path = self.console_out();
        let read = || {
            let mut file = match std::fs::File::open(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Bytes::new()),
                other => other?,
            };
            file.seek(SeekFrom::Start(from))?;
            let mut bytes = Vec::new();
            file.take(limit).read_to_end(&mut bytes)?;
            Ok(bytes.into())
        };
        read().map_err(LibvirtError::file("read", &path))
    }

    /// Whether the guest has ever run. A guest that printed something did, even
    /// if we crashed before we could write that down.
    pub(crate) fn has_run(&self) -> bool {
        self.started().exists() || self.console_bytes() > 0
    }

    /// Writes down that the guest runs.
    pub(crate) fn mark_started(&self) -> Result<(), LibvirtError> {
        self.touch(&self.started())
    }

    fn touch(&self, path: &Utf8Path) -> Result<(), LibvirtError> {
        let mut options = OpenOptions::new();
        let open = options.append(true).create(true).mode(0o600).open(path);
        open.map(drop).map_err(LibvirtError::file("make", path))
    }
}
