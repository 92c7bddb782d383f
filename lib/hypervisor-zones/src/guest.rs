//! A machine's zone: its configuration, and the ways up and down.
//!
//! ```text
//! (none) ── configure ──▶ configured ── install ──▶ installed ── boot ──▶ running
//!   ▲                         │  ▲                      │  ▲                  │
//!   └──────── delete ─────────┘  └───── uninstall ──────┘  └── kill bhyve ────┘
//! ```
//!
//! Both ways look at the zone's state, take one step, and look again: a boot
//! that we crashed in goes on without us (zoneadmd does the work, and nothing
//! cancels it), so a step may find the zone elsewhere than where it was seen.

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use solstice_illumos::zone::{self, Mount, State, Zone, ZoneConfig, ZoneName};
use solstice_illumos::{Cause, IllumosError};
use solstice_model::{AttemptId, HostName};

use crate::brand::{Brand, Hardware};
use crate::error::{ZonesError, unless};
use crate::folder::parse_id;
use crate::network::{HostMark, LinkNames};

/// How long a zone may take to go down, most of it the return of the guest's
/// memory. Beyond that it is stuck in the kernel.
const HALT_LIMIT: Duration = Duration::from_secs(20);
/// How many steps a way has at most: the longest has four, and one may be lost
/// to a boot that is still going on.
const STEPS: u32 = 8;
/// The brand's name, on every distribution that has one.
const BRAND: &str = "bhyve";

/// The name of a machine's zone.
pub(crate) fn name(mark: &HostMark, id: AttemptId) -> ZoneName {
    let name = format!("solstice-{}-{id}", mark.as_str());
    name.parse().expect("these are letters, digits and -, 54 of them")
}

/// The machine whose zone this is, if it is one of this host's.
pub(crate) fn id_of(mark: &HostMark, zone: &str) -> Option<AttemptId> {
    let rest = zone.strip_prefix("solstice-")?.strip_prefix(mark.as_str())?;
    parse_id(rest.strip_prefix('-')?)
}

/// Everything that a machine's zone is configured with.
#[derive(Clone, Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) name: ZoneName,
    pub(crate) path: Utf8PathBuf,
    pub(crate) brand: Brand,
    pub(crate) host: &'a HostName,
    pub(crate) hardware: Hardware,
    pub(crate) links: &'a LinkNames,
    pub(crate) seed: &'a Utf8Path,
}

impl Plan<'_> {
    /// The zone's configuration.
    pub(crate) fn config(&self) -> ZoneConfig {
        let mut attributes = self.brand.attributes(&self.hardware);
        // For people who look at the zone; we go by its name.
        attributes.push(("solstice-host".to_owned(), self.host.to_string()));
        attributes.push(("solstice-attempt".to_owned(), self.hardware.id.to_string()));
        ZoneConfig {
            name: self.name.clone(),
            path: self.path.clone(),
            brand: BRAND.to_owned(),
            nets: vec![self.links.guest.clone()],
            devices: vec![self.hardware.disk.raw_device().into_string()],
            // A file over a file: raw volumes can be written by root alone.
            mounts: vec![Mount { special: self.seed.to_owned(), directory: "/seed.img".into() }],
            attributes,
        }
    }

    /// Makes the zone and installs it. It may be found running: then a boot
    /// was under way.
    pub(crate) async fn install(&self) -> Result<(), ZonesError> {
        let name = &self.name;
        let mut seen = state(name).await?;
        // What is found configured may be the half of it, and is quickly made anew.
        if seen == Seen::State(State::Configured) {
            let deleted = zone::delete(name).await;
            tolerate(deleted).map_err(ZonesError::system("make anew the zone", name))?;
            seen = state(name).await?;
        }
        for _ in 0..STEPS {
            let (done, next) = match seen {
                Seen::Absent => (zone::configure(&self.config()).await, State::Configured),
                Seen::State(State::Configured) => (zone::install(name).await, State::Installed),
                Seen::State(State::Incomplete) => (zone::uninstall(name).await, State::Configured),
                Seen::State(State::Installed | State::Ready | State::Running) => return Ok(()),
                _ => break,
            };
            seen = if done.is_ok() { Seen::State(next) } else { state(name).await? };
            tolerate(done).map_err(ZonesError::system("make the zone", name))?;
        }
        Err(stuck(name, &seen))
    }
}

/// Boots an installed zone.
pub(crate) async fn boot(name: &ZoneName) -> Result<(), ZonesError> {
    zone::boot(name).await.map_err(ZonesError::system("boot the zone", name))
}

/// Brings a zone down, from whatever state it is in; after that nothing of it
/// holds a link, a disk or a file.
pub(crate) async fn halt(name: &ZoneName) -> Result<(), ZonesError> {
    match state(name).await? {
        Seen::Absent | Seen::State(State::Configured | State::Incomplete) => Ok(()),
        // An installed one too: a boot may be under way, and the halt waits for it.
        _ => unless(Cause::Absent, zone::halt_by_force(name, HALT_LIMIT).await)
            .map_err(ZonesError::system("halt the zone", name)),
    }
}

/// Removes a zone, from whatever state it is in.
pub(crate) async fn remove(name: &ZoneName) -> Result<(), ZonesError> {
    let mut seen = state(name).await?;
    for _ in 0..STEPS {
        let (done, next) = match seen {
            Seen::Absent => return Ok(()),
            Seen::State(State::Configured) => (zone::delete(name).await, Seen::Absent),
            Seen::State(State::Incomplete | State::Installed) => {
                (zone::uninstall(name).await, Seen::State(State::Configured))
            }
            _ => {
                let halted = zone::halt_by_force(name, HALT_LIMIT).await;
                (halted, Seen::State(State::Installed))
            }
        };
        seen = if done.is_ok() { next } else { state(name).await? };
        tolerate(done).map_err(ZonesError::system("remove the zone", name))?;
    }
    Err(stuck(name, &seen))
}

/// What is seen of a zone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Absent,
    State(State),
    /// It is in a state that is not known here.
    Unknown,
}

impl Seen {
    /// Whether its guest runs, or is about to.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self, Seen::State(State::Running | State::Ready))
    }
}

/// What is seen of the zone of this name.
pub(crate) async fn state(name: &ZoneName) -> Result<Seen, ZonesError> {
    let found = zone::find(name).await.map_err(ZonesError::system("look at the zone", name))?;
    Ok(match found {
        None => Seen::Absent,
        Some(Zone { state: Some(state), .. }) => Seen::State(state),
        Some(Zone { state: None, .. }) => Seen::Unknown,
    })
}

/// A step that found the zone elsewhere is no failure: the next look tells.
fn tolerate(done: Result<(), IllumosError>) -> Result<(), IllumosError> {
    match done {
        Err(error)
            if matches!(error.cause(), Cause::WrongState | Cause::Absent | Cause::Exists) =>
        {
            Ok(())
        }
        other => other,
    }
}

fn stuck(name: &ZoneName, seen: &Seen) -> ZonesError {
    ZonesError::Stuck { zone: name.to_string(), state: format!("{seen:?}") }
}

#[cfg(test)]
mod tests {
    use solstice_image::Firmware;

    use super::*;
    use crate::network::Slot;

    const ID: &str = "018f0000-0000-7000-8000-000000000001";

    #[test]
    fn only_a_zone_of_this_host_has_one_of_its_machines() {
        let mark = HostMark::of(&"moon".parse().unwrap());
        let id = ID.parse().unwrap();
        let name = name(&mark, id);
        assert_eq!(id_of(&mark, name.as_str()), Some(id));
        let mars = HostMark::of(&"mars".parse().unwrap());
        assert_eq!(id_of(&mars, name.as_str()), None);
        for other in ["global", "solstice-", &format!("{name}x"), &name.as_str().to_uppercase()] {
            assert_eq!(id_of(&mark, other), None, "{other}");
        }
    }

    #[test]
    fn the_configurations_are_the_golden_ones() {
        let host = "moon".parse().unwrap();
        let mark = HostMark::of(&host);
        let id = ID.parse().unwrap();
        let mut text = String::new();
        for (brand, firmware) in [
            (Brand::OmniOs, Firmware::Bios),
            (Brand::OmniOs, Firmware::Uefi),
            (Brand::OpenIndiana, Firmware::Bios),
            (Brand::OpenIndiana, Firmware::Uefi),
        ] {
            let disk = format!("rpool/solstice/jobs/{ID}").parse().unwrap();
            let plan = Plan {
                name: name(&mark, id),
                path: format!("/solstice/zones/{ID}").into(),
                brand,
                host: &host,
                hardware: Hardware { id, cpus: 4, memory_mib: 8192, firmware, disk },
                links: &LinkNames::of(&mark, Slot(12)),
                seed: Utf8Path::new("/var/solstice/moon/machines/ID/seed.img"),
            };
            text += &format!("# {brand:?}, {firmware:?}\n{}\n", lines(&plan.config()));
        }
        expectorate::assert_contents("tests/golden/zones.txt", &text);
    }

    /// A configuration as people read it; the script for zonecfg is that of `solstice-illumos`.
    fn lines(config: &ZoneConfig) -> String {
        let ZoneConfig { name, path, brand, nets, devices, mounts, attributes } = config;
        let mut lines = vec![format!("zone {name}\nzonepath {path}\nbrand {brand}")];
        lines.extend(nets.iter().map(|link| format!("net {link}")));
        lines.extend(devices.iter().map(|device| format!("device {device}")));
        lines.extend(mounts.iter().map(|it| format!("lofs {} {}", it.special, it.directory)));
        lines.extend(attributes.iter().map(|(name, value)| format!("attr {name} {value}")));
        lines.join("\n") + "\n"
    }
}
