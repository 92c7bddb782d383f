//! What libvirt does not do for us: bounding what QEMU writes, and ending it at once.

use std::io;

use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, pidfd_open, pidfd_send_signal, prlimit,
};
use solstice_model::AttemptId;

use crate::error::LibvirtError;

/// Lets no file of a machine's QEMU grow beyond the disk and what qcow2 needs to
/// describe it, so that a guest that floods its console does not fill the host.
/// What the guest prints then is lost; it goes on.
pub(crate) fn bound_files(id: AttemptId, disk_bytes: u64) -> Result<(), LibvirtError> {
    let pid = find(id).map_err(LibvirtError::file("list", "/proc".into()))?;
    let pid = pid.ok_or(LibvirtError::Unseen { id })?;
    let most = disk_bytes + disk_bytes / 64 + (1 << 20);
    let limit = Rlimit { current: Some(most), maximum: Some(most) };
    let bounded = prlimit(Some(pid), Resource::Fsize, limit);
    bounded.map(drop).map_err(|error| {
        LibvirtError::file("bound the files of QEMU at", "/proc".into())(error.into())
    })
}

/// Kills a machine's QEMU, if it runs. libvirt alone would ask it to end, look
/// again after 200 ms, and kill it after ten seconds; it sees to the rest, and
/// to all of it if this is not done.
pub(crate) fn kill(id: AttemptId) {
    if let Ok(Some(pid)) = find(id)
        && let Ok(process) = pidfd_open(pid, PidfdFlags::empty())
        // Looked at again, it cannot be another one that got its number.
        && runs(pid, &id.to_string())
    {
        let _ended = pidfd_send_signal(&process, Signal::KILL);
    }
}

/// The process that libvirt started for a machine: it has the id among its arguments.
fn find(id: AttemptId) -> io::Result<Option<Pid>> {
    let id = id.to_string();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        let Some(pid) = pid else { continue };
        if runs(pid, &id) {
            return Ok(Some(pid));
        }
    }
    Ok(None)
}

fn runs(pid: Pid, id: &str) -> bool {
    // It may end at any time.
    let line = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero()));
    is_of(&line.unwrap_or_default(), id)
}

fn is_of(command_line: &[u8], id: &str) -> bool {
    let words: Vec<_> = command_line.split(|byte| *byte == 0).collect();
    let pairs = || words.windows(2);
    pairs().any(|pair| pair[0] == b"-name" && pair[1].starts_with(b"guest="))
        && pairs().any(|pair| pair == [b"-uuid", id.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qemu_is_known_by_its_arguments() {
        let of = |line: &str| is_of(line.replace(' ', "\0").as_bytes(), "7");
        assert!(of("qemu -name guest=solstice-moon-2,debug-threads=on -S -uuid 7 -no-user-config"));
        assert!(!of("qemu -name guest=solstice-moon-2 -uuid 8 -x 7"));
        assert!(!of("grep -uuid 7"));
        assert!(!of(""));
    }
}
