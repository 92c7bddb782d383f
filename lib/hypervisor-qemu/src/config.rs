//! What the backend is told, and the check that it can work at all.

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::process::{PidfdFlags, getpid, pidfd_open};
use solstice_exec::{Command, ExecError};
use solstice_hypervisor::{HypervisorError, Subnet};
use solstice_model::HostName;

use crate::firmware::UefiFirmware;
use crate::folder::longest_socket;

/// What to do about a missing or broken QEMU.
const INSTALL: &str = "apt-get install qemu-system-x86 qemu-utils";
/// The oldest QEMU whose options are known to mean what is written here.
const OLDEST: (u32, u32) = (7, 2);
/// The most bytes of a Unix socket's path (unix(7)), without the final zero.
const SOCKET_PATH_MAX: usize = 107;

/// Which engine the machines are to run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// KVM if a probe guest makes progress with it, TCG otherwise.
    Auto,
    /// KVM, unprobed.
    Kvm,
    /// TCG.
    Tcg,
}

/// What the machines are to be connected to.
#[derive(Clone, Debug)]
pub enum Network {
    /// QEMU's user network, which needs no privilege.
    User,
    /// A bridge.
    Bridge(BridgeConfig),
    /// A bridge if it can be made, else QEMU's user network.
    Auto(BridgeConfig),
}

/// What there is to say about a bridge.
#[derive(Clone, Debug)]
pub struct BridgeConfig {
    /// The network that guests and host share, a /20 at most; nobody else on this
    /// computer may use it.
    pub subnet: Subnet,
    /// The file in which the agent API says where it listens.
    pub endpoint_file: Utf8PathBuf,
    /// Whether the guests are to reach it: not, if another process sees to that
    /// and this one only looks.
    pub serve: bool,
}

/// What the backend is told.
#[derive(Clone, Debug)]
pub struct QemuConfig {
    /// An absolute path to this host's own directory; made if it does not exist.
    /// Machines live in `machines/<id>` below it.
    pub state_dir: Utf8PathBuf,
    /// The host's name; it marks what is ours.
    pub host: HostName,
    /// QEMU itself.
    pub qemu: Utf8PathBuf,
    /// Its disk tool.
    pub qemu_img: Utf8PathBuf,
    /// Which engine to use.
    pub accelerator: Accelerator,
    /// The firmware for images that boot by UEFI; looked for where
    /// distributions put it if absent.
    pub uefi: Option<UefiFirmware>,
    /// What the machines are connected to.
    pub network: Network,
    /// Program (an absolute path) and arguments that QEMU starts for every
    /// connection of a guest on the user network to its agent endpoint, with the connection as
    /// standard input and output. Its environment is only `PATH`, `LC_ALL` and
    /// the mark of the machine.
    pub relay: Vec<String>,
}

impl QemuConfig {
    /// A configuration with Debian's paths, [`Accelerator::Auto`] and the user network.
    pub fn new(
        state_dir: impl Into<Utf8PathBuf>,
        host: HostName,
        relay: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            state_dir: state_dir.into(),
            host,
            qemu: "/usr/bin/qemu-system-x86_64".into(),
            qemu_img: "/usr/bin/qemu-img".into(),
            accelerator: Accelerator::Auto,
            uefi: None,
            network: Network::User,
            relay: relay.into_iter().map(Into::into).collect(),
        }
    }

    /// Checks all that can be checked without a machine; QEMU's version is the result.
    pub(crate) async fn check(&self) -> Result<String, HypervisorError> {
        self.check_state_dir()?;
        let relay = self.relay.first().map_or(Utf8Path::new(""), Utf8Path::new);
        if !relay.is_absolute() || !relay.is_file() {
            return Err(unusable(
                format!("the guest relay {relay:?} is not the absolute path of a program"),
                "correct the relay in the configuration",
            ));
        }
        pidfd_open(getpid(), PidfdFlags::empty()).map_err(|error| {
            unusable(format!("the kernel has no pidfds ({error})"), "run Linux 5.3 or newer")
        })?;
        version(&self.qemu_img).await?;
        let version = version(&self.qemu).await?;
        match parse_version(&version) {
            Some(found) if found >= OLDEST => Ok(version),
            Some((major, minor)) => Err(unusable(
                format!("{} is QEMU {major}.{minor}, too old", self.qemu),
                &format!("install QEMU {}.{} or newer", OLDEST.0, OLDEST.1),
            )),
            None => Err(unusable(format!("{} is not QEMU: {version:?}", self.qemu), INSTALL)),
        }
    }

    /// Checks that the state directory's path can be used.
    pub(crate) fn check_state_dir(&self) -> Result<(), HypervisorError> {
        check_state_dir(&self.state_dir)
    }
}

fn check_state_dir(state_dir: &Utf8Path) -> Result<(), HypervisorError> {
    if !state_dir.is_absolute() {
        return Err(unusable(
            format!("the state directory {state_dir:?} is not an absolute path"),
            "write it as an absolute path",
        ));
    }
    let needed = longest_socket(state_dir).as_str().len();
    if needed > SOCKET_PATH_MAX {
        let most = SOCKET_PATH_MAX - (needed - state_dir.as_str().len());
        return Err(unusable(
            format!(
                "the path of the state directory {state_dir} is too long for the sockets below \
                 it: it has {} bytes",
                state_dir.as_str().len()
            ),
            &format!("choose one of at most {most} bytes"),
        ));
    }
    Ok(())
}

/// The first line of what a program says about its version.
async fn version(program: &Utf8Path) -> Result<String, HypervisorError> {
    let ended = Command::new(program).arg("--version").timeout(Duration::from_secs(20)).run().await;
    match ended {
        Ok(output) => Ok(output.stdout_text().lines().next().unwrap_or_default().to_owned()),
        Err(ExecError::NotFound { .. }) => {
            Err(unusable(format!("cannot find the program {program}"), INSTALL))
        }
        Err(error) => Err(unusable(format!("{program} does not work: {error}"), INSTALL)),
    }
}

/// Major and minor from `QEMU emulator version 10.0.2 (Debian …)`.
fn parse_version(line: &str) -> Option<(u32, u32)> {
    let number = line.strip_prefix("QEMU emulator version ")?.split([' ', '(']).next()?;
    let mut parts = number.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

pub(crate) fn unusable(what: String, remedy: &str) -> HypervisorError {
    HypervisorError::Unusable { what, remedy: remedy.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_qemu_prints() {
        for (line, version) in [
            ("QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)", Some((10, 0))),
            ("QEMU emulator version 7.2.15", Some((7, 2))),
            ("QEMU emulator version 9.1.50(dev)", Some((9, 1))),
            ("qemu-img version 10.0.2", None),
            ("", None),
        ] {
            assert_eq!(parse_version(line), version, "{line}");
        }
    }

    #[test]
    fn a_state_directory_too_long_for_sockets_is_refused_with_the_bound() {
        check_state_dir(Utf8Path::new("/var/lib/solstice/host")).unwrap();
        let long = format!("/{}", "x".repeat(60));
        let refused = check_state_dir(Utf8Path::new(&long)).unwrap_err().to_string();
        assert!(refused.contains("at most 52 bytes"), "{refused}");
        assert!(check_state_dir(Utf8Path::new("state")).is_err());
    }
}
