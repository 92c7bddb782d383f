//! The processes of a machine: found by a mark, held by a pidfd.
//!
//! Whatever is started for a machine has the path of its folder in one variable
//! of its environment, and so has whatever that starts in turn: QEMU, its guest
//! relays, `qemu-img`. They are found by looking at every process of ours, never
//! by a number that was written down, so a crash leaves nothing that cannot be
//! found. A process is looked at again once its pidfd is open: it is then the
//! one that is killed, even if its number is given to somebody else.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use camino::Utf8Path;
use rustix::process::{Pid, PidfdFlags, Signal, getuid, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::error::QemuError;

/// The environment variable that marks a machine's processes.
pub(crate) const MARK: &str = "SOLSTICE_MACHINE";
/// How long a killed process may take to end.
const KILL_LIMIT: Duration = Duration::from_secs(10);
/// How long a process that was just started may be without its environment:
/// the kernel lets the parent go on a moment before it is in place.
const EXEC_LIMIT: Duration = Duration::from_secs(2);

/// A process with a mark below some directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) pid: Pid,
    /// The last component of the mark: a machine's id.
    pub(crate) machine: String,
    /// QEMU itself, not something that it or we started beside it.
    pub(crate) is_guest: bool,
}

/// A process that cannot be mistaken for another.
#[derive(Debug)]
pub(crate) struct Process {
    pid: Pid,
    fd: AsyncFd<OwnedFd>,
}

/// Finds every process of ours whose mark is a direct child of `parent`.
/// Takes some microseconds per process on the host.
pub(crate) async fn find(parent: &Utf8Path) -> Result<Vec<Found>, QemuError> {
    let parent = parent.to_owned();
    let found = tokio::task::spawn_blocking(move || find_now(&parent)).await;
    found.expect("looking does not panic").map_err(QemuError::file("list", Utf8Path::new("/proc")))
}

fn find_now(parent: &Utf8Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        found.extend(pid.and_then(|pid| look(pid, parent)));
    }
    Ok(found)
}

/// What a process is to us, if it is anything.
fn look(pid: Pid, parent: &Utf8Path) -> Option<Found> {
    let of = |name: &str| format!("/proc/{}/{name}", pid.as_raw_nonzero());
    // Anything can fail here because the process may end at any time; a process
    // whose environment we may not read was not started by us.
    if fs::metadata(of("")).ok()?.uid() != getuid().as_raw() {
        return None;
    }
    let machine = mark(&fs::read(of("environ")).ok()?, parent)?;
    let argv = fs::read(of("cmdline")).unwrap_or_default();
    Some(Found { pid, machine, is_guest: is_qemu(&argv) })
}

fn mark(environ: &[u8], parent: &Utf8Path) -> Option<String> {
    let values = environ.split(|byte| *byte == 0).filter_map(|variable| {
        std::str::from_utf8(variable).ok()?.strip_prefix(MARK)?.strip_prefix('=')
    });
    let mut ours = values.filter(|value| Utf8Path::new(value).parent() == Some(parent));
    Some(Utf8Path::new(ours.next()?).file_name()?.to_owned())
}

/// Whether a command line is QEMU's as we write it; a relay inherits the mark
/// and nothing else.
fn is_qemu(argv: &[u8]) -> bool {
    let mut words = argv.split(|byte| *byte == 0).skip(1);
    words.next() == Some(b"-name") && words.next().is_some_and(|word| word.starts_with(b"guest="))
}

/// Waits until a process that was just started can be found by its mark. Blocks,
/// for microseconds: an await here would be a place for a crash to hide it.
pub(crate) fn confirm(pid: u32, folder: &Utf8Path) -> Result<(), QemuError> {
    let unmarked = || QemuError::Unmarked { pid };
    let parent = folder.parent().ok_or_else(unmarked)?;
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(unmarked)?;
    let begun = std::time::Instant::now();
    while begun.elapsed() < EXEC_LIMIT {
        if look(raw, parent).is_some() || has_ended(pid) {
            return Ok(());
        }
        std::thread::yield_now();
    }
    Err(unmarked())
}

fn has_ended(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // proc_pid_stat(5): the state follows the name, which is in parentheses.
    stat.rsplit(") ").next().is_none_or(|rest| rest.is_empty() || rest.starts_with(['Z', 'X']))
}

impl Process {
    /// Takes hold of a process, if it still is what was found. Needs a tokio runtime.
    pub(crate) fn hold(found: &Found, parent: &Utf8Path) -> io::Result<Option<Self>> {
        let fd = match pidfd_open(found.pid, PidfdFlags::NONBLOCK) {
            Ok(fd) => fd,
            Err(error) if error == rustix::io::Errno::SRCH => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if look(found.pid, parent).as_ref() != Some(found) {
            return Ok(None);
        }
        #[expect(deprecated, reason = "its heir is unsafe; an OwnedFd keeps what that demands")]
        let fd = AsyncFd::with_interest(fd, Interest::READABLE)?;
        Ok(Some(Self { pid: found.pid, fd }))
    }

    /// Kills it; fine if it has ended.
    pub(crate) fn kill(&self) {
        // Not permitted is impossible for a process of our own user.
        let _ended = pidfd_send_signal(self.fd.get_ref(), Signal::KILL);
    }

    /// Resolves when it has ended. Cancel safe.
    pub(crate) async fn ended(&self) -> io::Result<()> {
        self.fd.readable().await.map(|_guard| ())
    }

    /// Kills it and waits for its end.
    pub(crate) async fn end(&self) -> Result<(), QemuError> {
        self.kill();
        let proc = Utf8Path::new("/proc");
        match tokio::time::timeout(KILL_LIMIT, self.ended()).await {
            Ok(ended) => ended.map_err(QemuError::file("watch a process of", proc)),
            Err(_) => Err(QemuError::Immortal { pid: self.pid.as_raw_nonzero().get() }),
        }
    }
}

/// Ends every process with this mark, and those that they start meanwhile.
pub(crate) async fn end_all(folder: &Utf8Path, guests_too: bool) -> Result<(), QemuError> {
    let Some((parent, name)) = folder.parent().zip(folder.file_name()) else { return Ok(()) };
    loop {
        let mut found = find(parent).await?;
        found.retain(|found| found.machine == name && (guests_too || !found.is_guest));
        if found.is_empty() {
            return Ok(());
        }
        // QEMU first: it is what starts others.
        found.sort_by_key(|found| !found.is_guest);
        for found in found {
            match Process::hold(&found, parent) {
                Ok(Some(process)) => process.end().await?,
                Ok(None) => {}
                Err(error) => return Err(QemuError::file("hold a process of", folder)(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_mark_directly_below_the_directory_is_ours() {
        let parent = Utf8Path::new("/state/machines");
        let environ = |value: &str| format!("PATH=/bin\0{MARK}={value}\0LC_ALL=C\0").into_bytes();
        assert_eq!(mark(&environ("/state/machines/7"), parent), Some("7".to_owned()));
        for other in ["/other/machines/7", "/state/machines/7/8", "/state/machines", ""] {
            assert_eq!(mark(&environ(other), parent), None, "{other}");
        }
        assert_eq!(mark(b"XSOLSTICE_MACHINE=/state/machines/7\0", parent), None);
    }

    #[test]
    fn a_relay_that_inherits_the_mark_is_not_a_guest() {
        assert!(is_qemu(b"/usr/bin/qemu\0-name\0guest=solstice-moon-7\0-m\0"));
        assert!(!is_qemu(b"/usr/bin/relay\0/run/agent.sock\0"));
        assert!(!is_qemu(b"grep\0x\0-name\0guest=solstice-moon-7\0"));
        assert!(!is_qemu(b""));
    }
}
