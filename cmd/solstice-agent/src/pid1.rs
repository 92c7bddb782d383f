//! What falls to process 1 of a machine: the file systems that programs
//! expect, the loopback interface, orphans, and the end.
//!
//! Children are waited for in one place only, [`wait_for`]: in a machine it
//! waits for *any* child, so that orphans are reaped and the status of the one
//! that counts is never stolen from it.

use std::convert::Infallible;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::mount::{MsFlags, mount};
use nix::sys::reboot::{RebootMode, reboot};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, sendto, socket,
};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, wait, waitpid};
use solstice_model::Exit;

use crate::console;

/// How long killed processes may take to disappear.
const REAP_LIMIT: Duration = Duration::from_secs(2);

/// Source, place, type, flags and options of what is mounted, in this order.
/// `/tmp` stays on the disk: a job that fills it should not eat memory.
const MOUNTS: [(&str, &str, &str, MsFlags, &str); 6] = [
    ("proc", "/proc", "proc", QUIET, ""),
    ("sys", "/sys", "sysfs", QUIET, ""),
    ("dev", "/dev", "devtmpfs", MsFlags::MS_NOSUID, "mode=755"),
    ("devpts", "/dev/pts", "devpts", MsFlags::MS_NOSUID, "mode=620,gid=5"),
    ("shm", "/dev/shm", "tmpfs", MsFlags::MS_NOSUID, "mode=1777"),
    ("run", "/run", "tmpfs", MsFlags::MS_NOSUID, "mode=755"),
];

const QUIET: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV).union(MsFlags::MS_NOEXEC);

/// Whether this process is a machine's init.
pub(crate) fn is_init() -> bool {
    std::process::id() == 1
}

/// Makes the machine one in which programs find what they expect. What fails
/// is told and left: the job may not need it.
pub(crate) fn prepare() {
    for (source, place, kind, flags, options) in MOUNTS {
        if std::fs::create_dir_all(place).is_err() || !is_mount_point(Path::new(place)) {
            let mounted = mount(Some(source), place, Some(kind), flags, Some(options));
            tell(&format!("mount {place}"), mounted);
        }
    }
    // bash's process substitution and many scripts want these.
    for (name, target) in [("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")] {
        let link = format!("/dev/{name}");
        if !Path::new(&link).is_symlink() {
            tell(&format!("make {link}"), symlink(format!("/proc/self/fd{target}"), &link));
        }
    }
    let sticky = std::fs::Permissions::from_mode(0o1777);
    let made = std::fs::create_dir_all("/tmp");
    tell("make /tmp", made.and_then(|()| std::fs::set_permissions("/tmp", sticky)));
    tell("set the host name", nix::unistd::sethostname("solstice"));
    tell("bring the loopback interface up", loopback_up());
}

/// Says on the console what did not work.
fn tell<E: std::fmt::Display>(what: &str, result: Result<(), E>) {
    if let Err(error) = result {
        console::say(&format!("cannot {what}: {error}"));
    }
}

fn is_mount_point(path: &Path) -> bool {
    let device = |path: &Path| path.metadata().map(|found| found.dev()).ok();
    let parent = path.parent().unwrap_or(Path::new("/"));
    device(path) != device(parent)
}

/// Sets IFF_UP on interface 1, which is always the loopback (rtnetlink(7)).
fn loopback_up() -> nix::Result<()> {
    const RTM_NEWLINK: u16 = 16;
    const NLM_F_REQUEST: u16 = 1;
    const IFF_UP: u32 = 1;
    const LOOPBACK: u32 = 1;
    // struct nlmsghdr: length, type, flags, sequence, port; then
    // struct ifinfomsg: family, padding, type, index, flags, change mask.
    let mut message = Vec::with_capacity(32);
    message.extend(32u32.to_ne_bytes());
    message.extend(RTM_NEWLINK.to_ne_bytes());
    message.extend(NLM_F_REQUEST.to_ne_bytes());
    message.extend([0; 12]);
    message.extend(LOOPBACK.to_ne_bytes());
    message.extend(IFF_UP.to_ne_bytes());
    message.extend(IFF_UP.to_ne_bytes());

    let netlink = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkRoute,
    )?;
    let kernel = NetlinkAddr::new(0, 0);
    sendto(std::os::fd::AsRawFd::as_raw_fd(&netlink), &message, &kernel, MsgFlags::empty())?;
    Ok(())
}

/// Waits until this child has ended. As init it also reaps whatever else ends
/// meanwhile; otherwise it leaves other children alone.
pub(crate) fn wait_for(child: Pid) -> Exit {
    loop {
        let ended = if is_init() {
            wait(WaitOptions::empty())
        } else {
            waitpid(Some(child), WaitOptions::empty())
        };
        match ended {
            Ok(Some((pid, status))) if pid == child => return exit_of(status),
            Ok(_) | Err(Errno::INTR) => {}
            // Only `kill_everything` can have been faster, and it had killed it.
            Err(_) => return Exit::Signal { signal: 9 },
        }
    }
}

/// What wait(2) said, in the model's words.
fn exit_of(status: WaitStatus) -> Exit {
    let byte = |value: i32| u8::try_from(value).expect("wait(2) has seven or eight bits for it");
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Exit::Code { code: byte(code) },
        (None, Some(signal)) => Exit::Signal { signal: byte(signal) },
        (None, None) => unreachable!("without WUNTRACED and WCONTINUED wait(2) tells of ends only"),
    }
}

/// Kills every process of the machine but this one and reaps what it can.
/// Only for init.
pub(crate) fn kill_everything() {
    // No process at all is as good as all of them killed.
    let _ = kill(nix::unistd::Pid::from_raw(-1), Signal::SIGKILL);
    let started = Instant::now();
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) if started.elapsed() < REAP_LIMIT => {
                std::thread::sleep(Duration::from_millis(5));
            }
            // None left, or one that not even SIGKILL moves.
            Ok(None) | Err(_) => return,
        }
    }
}

/// Writes everything to the disk and switches the machine off.
pub(crate) fn power_off() -> ! {
    console::say("powering off");
    // Whatever fails, the power goes.
    let _ = kill(nix::unistd::Pid::from_raw(-1), Signal::SIGKILL);
    nix::unistd::sync();
    let read_only = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    let _ = mount(None::<&str>, "/", None::<&str>, read_only, None::<&str>);
    let Err(error): nix::Result<Infallible> = reboot(RebootMode::RB_POWER_OFF);
    console::say(&format!("cannot power off: {error}"));
    loop {
        std::thread::park();
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    fn spawn(script: &str) -> (Child, Pid) {
        let child = Command::new("/bin/sh").args(["-c", script]).spawn().unwrap();
        let pid = Pid::from_child(&child);
        (child, pid)
    }

    #[test]
    fn codes_and_signals_are_told_truly() {
        for (script, exit) in [
            ("exit 0", Exit::Code { code: 0 }),
            ("exit 255", Exit::Code { code: 255 }),
            ("exit 143", Exit::Code { code: 143 }),
            ("kill -TERM $$", Exit::Signal { signal: 15 }),
            ("kill -9 $$", Exit::Signal { signal: 9 }),
            ("kill -40 $$", Exit::Signal { signal: 40 }),
        ] {
            let (_child, pid) = spawn(script);
            assert_eq!(wait_for(pid), exit, "{script}");
        }
    }

    #[test]
    fn other_children_of_an_ordinary_process_are_left_alone() {
        let (mut other, _) = spawn("exit 3");
        let (_child, pid) = spawn("sleep 0.1");
        assert!(wait_for(pid).success());
        assert_eq!(other.wait().unwrap().code(), Some(3));
    }

    #[test]
    fn mount_points_are_told_from_directories() {
        assert!(is_mount_point(Path::new("/proc")));
        assert!(!is_mount_point(Path::new("/proc/self")));
    }
}
