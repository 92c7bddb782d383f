//! Taps: one per guest, a port of the bridge on the host's side (invariant I4).
//!
//! A tap belongs to a slot, and the slot is noted in the machine's folder before
//! the tap is made. So a tap whose slot nobody has noted is nobody's, and goes.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use camino::Utf8Path;
use rustix::process::geteuid;
use solstice_hypervisor::Slot;

use crate::error::QemuError;
use crate::folder::Folder;
use crate::names::Names;
use crate::process::MARK;
use crate::tools::iproute2;

/// The devices of the network that this thread is in (proc_pid_net(5)).
const DEVICES: &str = "/proc/thread-self/net/dev";

/// The names of all network devices.
pub(crate) fn devices() -> Result<Vec<String>, QemuError> {
    let path = Utf8Path::new(DEVICES);
    let text = std::fs::read_to_string(path).map_err(QemuError::file("read", path))?;
    Ok(text.lines().filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned())).collect())
}

/// The slots of our taps.
pub(crate) fn slots(names: &Names) -> Result<BTreeSet<Slot>, QemuError> {
    Ok(devices()?.iter().filter_map(|device| names.slot(device)).collect())
}

/// Makes the tap of a machine, which QEMU can open without privileges because it
/// is this user's. One that a crash left is made anew.
pub(crate) async fn make(names: &Names, slot: Slot, folder: &Folder) -> Result<(), QemuError> {
    remove(names, slot).await?;
    let (tap, bridge) = (names.tap(slot), names.bridge());
    let user = geteuid().as_raw().to_string();
    // Marked, so that a command which outlives a crash is found and ended.
    let run = async |program: &str, args: &[&str]| {
        iproute2(program)
            .args(args)
            .env(MARK, folder.path())
            .run()
            .await
            .map_err(QemuError::Network)
    };
    run("ip", &["tuntap", "add", "dev", &tap, "mode", "tap", "user", &user]).await?;
    run("ip", &["link", "set", "dev", &tap, "master", &bridge]).await?;
    run("bridge", &["link", "set", "dev", &tap, "isolated", "on"]).await?;
    no_ipv6(&tap)?;
    // What a guest sends to certain addresses is the tap's own, not the bridge's.
    set(&format!("ipv4/conf/{tap}/drop_unicast_in_l2_multicast"), "1")?;
    run("ip", &["link", "set", "dev", &tap, "up"]).await?;
    Ok(())
}

/// Removes the tap of a slot, if there is one.
pub(crate) async fn remove(names: &Names, slot: Slot) -> Result<(), QemuError> {
    if !slots(names)?.contains(&slot) {
        return Ok(());
    }
    let removed = iproute2("ip").args(["link", "delete", "dev", &names.tap(slot)]).run().await;
    match removed {
        // Somebody else removed it.
        Err(_) if !slots(names)?.contains(&slot) => Ok(()),
        other => other.map(drop).map_err(QemuError::Network),
    }
}

/// Keeps a device free of IPv6; fine where the kernel has none.
pub(crate) fn no_ipv6(device: &str) -> Result<(), QemuError> {
    match set(&format!("ipv6/conf/{device}/disable_ipv6"), "1") {
        Err(QemuError::File { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Sets a parameter of the network (Linux, Documentation/networking/ip-sysctl.rst).
pub(crate) fn set(parameter: &str, value: &str) -> Result<(), QemuError> {
    let path = Utf8Path::new("/proc/sys/net").join(parameter);
    std::fs::write(&path, value).map_err(QemuError::file("set", &path))
}
