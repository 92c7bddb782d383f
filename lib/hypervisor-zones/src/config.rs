//! What the backend is told, and what of it can be checked without a machine.

use std::net::Ipv4Addr;

use camino::{Utf8Path, Utf8PathBuf};
use solstice_hypervisor::HypervisorError;
use solstice_illumos::zfs::Dataset;
use solstice_model::HostName;

use crate::brand::Brand;
use crate::folder::longest_socket;
use crate::network::Network;

/// The most bytes of a Unix socket's path (unix(4P)), without the final zero.
const SOCKET_PATH_MAX: usize = 107;

/// What the backend is told.
#[derive(Clone, Debug)]
pub struct ZonesConfig {
    /// The dataset below which are `images`, `jobs` and `zones`, such as `rpool/solstice`.
    pub dataset: Dataset,
    /// The host's name; it marks what is ours.
    pub host: HostName,
    /// An absolute path to this host's own directory; made if it does not exist.
    /// Machines live in `machines/<id>` below it.
    pub state_dir: Utf8PathBuf,
    /// The addresses for machines, four each.
    pub network: Network,
    /// Whose bhyve brand this host has.
    pub brand: Brand,
    /// The file that says where the agent API listens; see `solstice_hypervisor::Door`.
    pub endpoint_file: Utf8PathBuf,
    /// Program (an absolute path) and leading arguments of the console's
    /// capture: `solstice-console`, see [`capture`](crate::capture).
    pub capture: Vec<String>,
    /// Whether a machine's disk is reserved in the pool as a whole, so that the
    /// pool cannot run full under it.
    pub reserve: bool,
}

impl ZonesConfig {
    /// The addresses unless the configuration says otherwise.
    pub const NETWORK: Network = Network { base: Ipv4Addr::new(10, 77, 0, 0), prefix: 16 };

    /// Checks what can be checked without the system's commands.
    pub(crate) fn check(&self) -> Result<(), HypervisorError> {
        if !self.network.is_usable() {
            return Err(unusable(
                format!("the network {} cannot be cut into networks of machines", self.network),
                "write its first address and a prefix between 8 and 30, such as 10.77.0.0/16",
            ));
        }
        let capture = self.capture.first().map_or(Utf8Path::new(""), Utf8Path::new);
        if !capture.is_absolute() || !capture.is_file() {
            return Err(unusable(
                format!("the console capture {capture:?} is not the absolute path of a program"),
                "install solstice-console, and name it by its absolute path",
            ));
        }
        check_state_dir(&self.state_dir)
    }
}

/// Checks that the state directory's path can be used.
pub(crate) fn check_state_dir(state_dir: &Utf8Path) -> Result<(), HypervisorError> {
    if !state_dir.is_absolute() {
        return Err(unusable(
            format!("the state directory {state_dir:?} is not an absolute path"),
            "write it as an absolute path",
        ));
    }
    // zonecfg(8) has no way to write these in a value.
    if state_dir.as_str().contains(['"', '\n', '\r']) {
        return Err(unusable(
            format!("the path of the state directory {state_dir:?} has a quote or a line break"),
            "choose one without",
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

pub(crate) fn unusable(what: String, remedy: &str) -> HypervisorError {
    HypervisorError::Unusable { what, remedy: remedy.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_directory_must_be_absolute_short_and_quotable() {
        check_state_dir("/var/solstice/moon".into()).unwrap();
        let long = format!("/{}", "x".repeat(60));
        for bad in ["var/solstice", "/var/\"solstice\"", long.as_str()] {
            let refused = check_state_dir(bad.into()).unwrap_err();
            assert!(matches!(refused, HypervisorError::Unusable { .. }), "{bad}");
        }
    }
}
