//! A machine's clone: its disk, the mark of its owner, and its claim to one of
//! the networks.
//!
//! ```text
//! <dataset>/jobs/<id>   org.solstice:host    = the host's name
//!                       org.solstice:attempt = the id again: a mark that was inherited differs
//!                       org.solstice:slot    = the number of the machine's network
//! ```

use std::collections::BTreeSet;

use solstice_illumos::dladm;
use solstice_illumos::zfs::{self, Dataset, Kind, List, Property, Row, Setting, VolumeSize};
use solstice_illumos::{Cause, NameError, ipadm};
use solstice_model::{AttemptId, HostName};
use tokio::sync::Mutex;

use crate::error::{ZonesError, unless};
use crate::folder::parse_id;
use crate::golden::Golden;
use crate::network::{HostMark, LinkNames, Network, Slot, slot_in};

const HOST: &str = "org.solstice:host";
const ATTEMPT: &str = "org.solstice:attempt";
const SLOT: &str = "org.solstice:slot";

/// How often a network is left to others before this is given up.
const ROUNDS: u32 = 16;

/// The clones of all machines, of every host that shares the dataset.
#[derive(Debug)]
pub(crate) struct Clones {
    jobs: Dataset,
    host: HostName,
    mark: HostMark,
    network: Network,
    reserve: bool,
    /// Held while a network is chosen, so that two machines of this process
    /// never choose the same.
    choosing: Mutex<()>,
}

/// A machine's clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) id: AttemptId,
    pub(crate) host: String,
    pub(crate) slot: Slot,
}

impl Clones {
    pub(crate) fn new(jobs: Dataset, host: HostName, network: Network, reserve: bool) -> Self {
        let mark = HostMark::of(&host);
        Self { jobs, host, mark, network, reserve, choosing: Mutex::new(()) }
    }

    /// The volume of a machine.
    pub(crate) fn volume(&self, id: AttemptId) -> Result<Dataset, NameError> {
        self.jobs.child(&id.to_string())
    }

    /// Our own claims.
    pub(crate) async fn ours(&self) -> Result<Vec<Claim>, ZonesError> {
        let mut claims = self.all().await?;
        claims.retain(|claim| claim.host == self.host.as_str());
        Ok(claims)
    }

    /// Every host's claims. What has no marks of its own is nobody's machine.
    pub(crate) async fn all(&self) -> Result<Vec<Claim>, ZonesError> {
        let properties: [Property; 3] = [HOST.parse()?, ATTEMPT.parse()?, SLOT.parse()?];
        let kinds = [Kind::Volume];
        let root = self.jobs.as_str();
        let list = List { root, kinds: &kinds, depth: Some(1), properties: &properties };
        let rows = zfs::list(&list).await.map_err(ZonesError::system("list", root))?;
        Ok(rows.iter().filter_map(claim_of).collect())
    }

    /// Makes a machine's clone, or finds it, and settles which network it has.
    pub(crate) async fn claim(
        &self,
        id: AttemptId,
        golden: &Golden,
        bytes: u64,
    ) -> Result<Slot, ZonesError> {
        let size = VolumeSize::at_least(bytes)?;
        let volume = self.volume(id)?;
        let slot = {
            let _turn = self.choosing.lock().await;
            let claims = self.all().await?;
            let slot = match claims.iter().find(|claim| claim.id == id) {
                Some(found) if found.host != self.host.as_str() => {
                    return Err(ZonesError::Foreign { object: volume.to_string() });
                }
                Some(found) => found.slot,
                None => self.clone(id, golden, &volume, size, &claims).await?,
            };
            self.settle(id, &volume, slot).await?
        };
        if self.reserve {
            // Not with the clone: illumos compares it with the size of the origin.
            let reservation = Setting::new("refreservation", size.bytes().to_string())?;
            let set = zfs::set(volume.as_str(), &[reservation]).await;
            set.map_err(ZonesError::system("reserve the disk of", &volume))?;
        }
        Ok(slot)
    }

    async fn clone(
        &self,
        id: AttemptId,
        golden: &Golden,
        volume: &Dataset,
        size: VolumeSize,
        claims: &[Claim],
    ) -> Result<Slot, ZonesError> {
        let free = self.free(claims).await?;
        let slot = *free.first().ok_or_else(|| self.no_slot())?;
        let mut settings = vec![
            Setting::new(HOST, self.host.as_str())?,
            Setting::new(ATTEMPT, id.to_string())?,
            Setting::new(SLOT, slot.0.to_string())?,
        ];
        if size.bytes() > golden.bytes {
            settings.push(Setting::new("volsize", size.bytes().to_string())?);
        }
        match zfs::clone(&golden.snapshot, volume, &settings).await {
            Err(error) if error.cause() == Cause::Exists => {
                Err(ZonesError::Foreign { object: volume.to_string() })
            }
            other => other.map_err(ZonesError::system("clone the image to", volume)).map(|()| slot),
        }
    }

    /// Two orchestrators with one dataset may have chosen the same network at
    /// the same time. Whoever sees that moves, and looks again; at least one of
    /// them sees it, because each looks after it has written. Nobody moves
    /// whose links are made: that was settled before.
    async fn settle(
        &self,
        id: AttemptId,
        volume: &Dataset,
        mut slot: Slot,
    ) -> Result<Slot, ZonesError> {
        for round in 0..ROUNDS {
            let claims = self.all().await?;
            let contested = claims.iter().any(|claim| claim.slot == slot && claim.id != id);
            if !contested || self.has_links(slot).await? {
                return Ok(slot);
            }
            let free = self.free(&claims).await?;
            // Not the first one, which the other chooses as well.
            slot = *free.get(lot(id, round, free.len())).ok_or_else(|| self.no_slot())?;
            let moved = zfs::set(volume.as_str(), &[Setting::new(SLOT, slot.0.to_string())?]).await;
            moved.map_err(ZonesError::system("move to another network", volume))?;
        }
        Err(ZonesError::Contended { network: self.network.to_string() })
    }

    async fn has_links(&self, slot: Slot) -> Result<bool, ZonesError> {
        let stub = LinkNames::of(&self.mark, slot).stub;
        let stubs = dladm::etherstubs().await.map_err(ZonesError::system("list", "etherstubs"))?;
        Ok(stubs.iter().any(|name| name == stub.as_str()))
    }

    /// The networks that nobody has: no clone, no link of any host's machine,
    /// no address of this computer.
    async fn free(&self, claims: &[Claim]) -> Result<Vec<Slot>, ZonesError> {
        let (stubs, vnics, addresses) =
            tokio::try_join!(dladm::etherstubs(), dladm::vnics(), ipadm::addresses())
                .map_err(ZonesError::system("list", "links and addresses"))?;
        let links = stubs.iter().chain(vnics.iter().map(|vnic| &vnic.name));
        let addresses = addresses.iter().filter_map(|address| {
            let address = address.address.split('/').next()?.parse().ok()?;
            self.network.slot_of(address)
        });
        let mut taken: BTreeSet<Slot> = claims.iter().map(|claim| claim.slot).collect();
        taken.extend(links.filter_map(|link| slot_in(link)));
        taken.extend(addresses);
        let all = (0..self.network.slots()).map(Slot);
        Ok(all.filter(|slot| !taken.contains(slot)).collect())
    }

    fn no_slot(&self) -> ZonesError {
        ZonesError::NoSlot { slots: self.network.slots(), network: self.network.to_string() }
    }

    /// Destroys a machine's clone, which was seen to be ours. The last step of all.
    pub(crate) async fn release(&self, id: AttemptId) -> Result<(), ZonesError> {
        let volume = self.volume(id)?;
        let destroyed = unless(Cause::Absent, zfs::destroy(&volume).await);
        destroyed.map_err(ZonesError::system("destroy", &volume))
    }
}

fn claim_of(row: &Row) -> Option<Claim> {
    let [Some(host), Some(attempt), Some(slot)] = row.values.as_slice() else { return None };
    let (_jobs, name) = row.name.rsplit_once('/')?;
    let id = parse_id(name).filter(|_| name == attempt)?;
    Some(Claim { id, host: host.clone(), slot: Slot(slot.parse().ok()?) })
}

/// A number below `count` that depends on the machine and the round.
fn lot(id: AttemptId, round: u32, count: usize) -> usize {
    let text = format!("{id} {round}");
    let hash = solstice_model::Sha256Digest::of(text.as_bytes()).hex();
    let number = usize::from_str_radix(&hash[..8], 16).expect("these are hex digits");
    number.checked_rem(count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, values: [Option<&str>; 3]) -> Row {
        Row { name: name.to_owned(), values: values.map(|it| it.map(str::to_owned)).to_vec() }
    }

    #[test]
    fn only_a_volume_with_marks_of_its_own_is_a_machine() {
        let id = "018f0000-0000-7000-8000-000000000001";
        let name = format!("rpool/solstice/jobs/{id}");
        let claim = claim_of(&row(&name, [Some("moon"), Some(id), Some("7")])).unwrap();
        assert_eq!((claim.id.to_string().as_str(), claim.slot), (id, Slot(7)));
        let other = "018f0000-0000-7000-8000-000000000002";
        for values in [
            [None, None, None],
            [Some("moon"), None, Some("7")],
            [Some("moon"), Some(other), Some("7")],
            [Some("moon"), Some(id), Some("x")],
        ] {
            assert_eq!(claim_of(&row(&name, values)), None, "{values:?}");
        }
        assert_eq!(claim_of(&row("rpool/jobs/x", [Some("moon"), Some("x"), Some("7")])), None);
    }

    #[test]
    fn a_lot_lies_in_its_bounds() {
        let id = solstice_model::id::new_id();
        assert!((0..100).all(|round| lot(id, round, 3) < 3));
        assert_eq!(lot(id, 0, 0), 0);
    }
}
