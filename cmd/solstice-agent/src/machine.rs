//! The machine around process 1: the file systems that programs expect, the
//! loopback interface, the power switch. Linux only; elsewhere the agent is a
//! service of the machine's own init.

use std::convert::Infallible;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::sys::reboot::{RebootMode, reboot};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, sendto, socket,
};

use crate::{console, job};

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

/// Lives the machine's life: prepares it, runs the job, switches it off.
pub(crate) fn run() -> ! {
    std::panic::set_hook(Box::new(|panic| {
        console::say(&format!("bug: {panic}"));
        power_off();
    }));
    prepare();
    if let Err(error) = job::run_from_start() {
        console::say_error(error.as_ref());
    }
    power_off()
}

/// Makes the machine one in which programs find what they expect. What fails
/// is told and left: the job may not need it.
fn prepare() {
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

/// Writes everything to the disk and switches the machine off.
fn power_off() -> ! {
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
    use super::*;

    #[test]
    fn mount_points_are_told_from_directories() {
        assert!(is_mount_point(Path::new("/proc")));
        assert!(!is_mount_point(Path::new("/proc/self")));
    }
}
