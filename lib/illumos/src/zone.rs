//! Zones: their configuration, life and console.
//!
//! Source: zonecfg(8), zoneadm(8), zlogin(1), bhyve(7) of OmniOS;
//! illumos-gate usr/src/cmd/{zonecfg,zoneadm,zoneadmd,zlogin}.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use camino::Utf8PathBuf;
use solstice_exec::CommandLine;

pub use ::zone::State;

use crate::dladm::LinkName;
use crate::error::IllumosError;
use crate::name::NameError;

/// A zone's name: 1 to 63 bytes of letters, digits, `_`, `.` and `-`, the first
/// a letter or digit; neither `global` nor beginning with `SUNW`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneName(String);

/// The configuration of a zone with an IP stack of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneConfig {
    /// Its name.
    pub name: ZoneName,
    /// Its path; the parent is a mounted ZFS file system.
    pub path: Utf8PathBuf,
    /// Its brand, such as `bhyve`.
    pub brand: String,
    /// Its network links.
    pub nets: Vec<LinkName>,
    /// Devices that appear in it, such as `/dev/zvol/rdsk/rpool/x`.
    pub devices: Vec<String>,
    /// Files and directories of the global zone that appear in it, read-only, by lofs.
    pub mounts: Vec<Mount>,
    /// Attributes, in this order; names without `_`, values of at most 255 bytes.
    pub attributes: Vec<(String, String)>,
}

/// A file or directory of the global zone that appears in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where it is in the global zone.
    pub special: Utf8PathBuf,
    /// Where it appears in the zone.
    pub directory: Utf8PathBuf,
}

/// A zone as zoneadm lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    /// Its id while it is ready or running.
    pub id: Option<u32>,
    /// Its name.
    pub name: String,
    /// Its state; `None` for one that is not known here.
    pub state: Option<State>,
    /// Its path.
    pub path: Utf8PathBuf,
    /// Its brand.
    pub brand: String,
}

/// Configures a zone that does not exist. What a failure half made is removed again.
///
/// # Errors
///
/// [`IllumosError`]: `Exists`, `BadName`, `NotPermitted`.
pub async fn configure(config: &ZoneConfig) -> Result<(), IllumosError> {
    let _ = config;
    todo!()
}

/// Removes a zone's configuration; the zone must be configured only.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `WrongState` (installed or more), `NotPermitted`.
pub async fn delete(name: &ZoneName) -> Result<(), IllumosError> {
    let _ = name;
    todo!()
}

/// The attributes of a zone's configuration.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`.
pub async fn attributes(name: &ZoneName) -> Result<Vec<(String, String)>, IllumosError> {
    let _ = name;
    todo!()
}

/// Every zone but the global one. A line that is not understood spoils nothing
/// but itself; it is in `odd`.
///
/// # Errors
///
/// [`IllumosError`].
pub async fn list() -> Result<Zones, IllumosError> {
    todo!()
}

/// What zoneadm lists.
#[derive(Clone, Debug, PartialEq)]
pub struct Zones {
    /// The zones.
    pub zones: Vec<Zone>,
    /// Lines that were not understood.
    pub odd: Vec<String>,
}

/// One zone, `None` if it does not exist.
///
/// # Errors
///
/// [`IllumosError`].
pub async fn find(name: &ZoneName) -> Result<Option<Zone>, IllumosError> {
    let _ = name;
    todo!()
}

/// Installs a configured zone.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `WrongState`, `NotPermitted`, `NoRoom`.
pub async fn install(name: &ZoneName) -> Result<(), IllumosError> {
    let _ = name;
    todo!()
}

/// Boots an installed zone; one that runs already is fine.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `WrongState`, `NotPermitted`.
pub async fn boot(name: &ZoneName) -> Result<(), IllumosError> {
    let _ = name;
    todo!()
}

/// Ends a bhyve zone without asking its guest: kills bhyve, again and again
/// while `zoneadm halt` waits for it (up to 1,800 s otherwise), until the zone
/// is down. One that is down already is fine.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `NotPermitted`, `TimedOut` after `limit`.
pub async fn halt_by_force(name: &ZoneName, limit: Duration) -> Result<(), IllumosError> {
    let _ = (name, limit);
    todo!()
}

/// Removes an installed or half-installed zone with everything below its path;
/// its configuration stays.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `WrongState` (running, or only configured), `Busy`.
pub async fn uninstall(name: &ZoneName) -> Result<(), IllumosError> {
    let _ = name;
    todo!()
}

/// The command that attaches to a zone's console and ends when the zone halts;
/// its standard streams must be a terminal. It starts zoneadmd, so that it can
/// be attached before the zone boots and nothing is lost.
pub fn console_command(name: &ZoneName) -> CommandLine {
    let _ = name;
    todo!()
}

impl ZoneName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ZoneName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let _ = text;
        todo!()
    }
}
