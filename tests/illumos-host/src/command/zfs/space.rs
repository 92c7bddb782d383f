//! How much is used, how much is left.
//!
//! What data takes is what its files take on the machine's disk. A clone's file
//! is a copy, so what it shares with its origin is taken off: what is written
//! anew into shared blocks is not seen. File systems count nothing.
//!
//! illumos-gate usr/src/uts/common/fs/zfs/dsl_dir.c (`dsl_dir_space_available`),
//! dsl_dataset.c (`dsl_dataset_space`), spa_misc.c (`spa_get_slop_space`),
//! usr/src/lib/libzfs/common/libzfs_dataset.c (`zvol_volsize_to_reservation`).

use super::data;
use super::state::{Dataset, Kind, State};

/// What a dataset uses, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// Data that it refers to.
    pub(super) referenced: u64,
    /// Of that, what it does not share with its origin.
    pub(super) by_dataset: u64,
    /// Reserved for it beyond that.
    pub(super) by_refreservation: u64,
    /// Its children.
    pub(super) by_children: u64,
}

impl Used {
    /// All of it.
    pub(super) fn total(self) -> u64 {
        self.by_dataset + self.by_refreservation + self.by_children
    }
}

impl State {
    /// Bytes of data that a dataset refers to.
    pub(super) fn referenced(&self, name: &str, dataset: &Dataset) -> u64 {
        match dataset.kind {
            Kind::Volume => data::allocated(&data::volume(name)),
            Kind::Filesystem => 0,
        }
    }

    /// What a dataset uses.
    pub(super) fn used(&self, name: &str) -> Used {
        let Some(dataset) = self.datasets.get(name) else { return Used::default() };
        let referenced = self.referenced(name, dataset);
        let unique = self.unique(name, dataset);
        Used {
            referenced,
            by_dataset: referenced.saturating_sub(dataset.shared),
            by_refreservation: dataset.number("refreservation").saturating_sub(unique),
            by_children: self.children(name).iter().map(|child| self.charged(child)).sum(),
        }
    }

    /// Bytes that nothing else refers to.
    pub(super) fn unique(&self, name: &str, dataset: &Dataset) -> u64 {
        let snapshot = dataset.snapshots.last().map_or(0, |snapshot| snapshot.referenced);
        self.referenced(name, dataset).saturating_sub(snapshot.max(dataset.shared))
    }

    /// What a dataset costs its parent.
    fn charged(&self, name: &str) -> u64 {
        let reserved = self.datasets.get(name).map_or(0, |found| found.number("reservation"));
        self.used(name).total().max(reserved)
    }

    /// Bytes that are left below a dataset: `dsl_dir_space_available`.
    pub(super) fn left(&self, name: &str) -> u64 {
        let Some(dataset) = self.datasets.get(name) else { return 0 };
        let used = self.used(name).total();
        let mut limit = match dataset.number("quota") {
            0 => u64::MAX,
            quota => quota,
        };
        let above = match name.rsplit_once('/') {
            Some((parent, _)) => {
                let credit = dataset.number("reservation").saturating_sub(used);
                self.left(parent).saturating_add(credit)
            }
            None => {
                let size = self.pools.get(name).map_or(0, |pool| pool.size);
                limit = limit.min(size - slop(size));
                u64::MAX
            }
        };
        above.min(limit.saturating_sub(used))
    }

    /// What `available` says of a dataset.
    pub(super) fn available(&self, name: &str) -> u64 {
        let Some(dataset) = self.datasets.get(name) else { return 0 };
        let own = dataset.number("refreservation").saturating_sub(self.unique(name, dataset));
        let available = self.left(name).saturating_add(own);
        match dataset.number("refquota") {
            0 => available,
            quota => available.min(quota.saturating_sub(self.used(name).referenced)),
        }
    }

    /// Bytes of a pool that hold data, whatever is reserved.
    pub(super) fn held(&self, pool: &str) -> u64 {
        let within = |name: &str| name == pool || super::state::is_below(name, pool);
        let mut held = 0;
        for (name, dataset) in self.datasets.iter().filter(|(name, _)| within(name)) {
            held += self.referenced(name, dataset).saturating_sub(dataset.shared);
        }
        held
    }
}

/// What ZFS keeps for itself: a 32nd, at least 128 MiB, at most half.
fn slop(size: u64) -> u64 {
    (size >> 5).max((size >> 1).min(128 << 20))
}

/// What a volume of this size is to have reserved.
pub(super) fn reservation(volsize: u64, volblocksize: u64) -> u64 {
    const LEVEL: u64 = 1 << (17 - 7);
    let mut indirect = 7;
    let mut blocks = volsize / volblocksize;
    while blocks > 1 {
        blocks = blocks.div_ceil(LEVEL);
        indirect += blocks;
    }
    // Two copies of each block of metadata, of 128 KiB.
    volsize + indirect * 2 * (128 << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thick_volume_reserves_what_openzfs_was_seen_to_reserve() {
        assert_eq!(reservation(100 << 20, 8192), 110_362_624);
    }

    #[test]
    fn what_is_left_is_the_least_of_quotas_and_the_pool() {
        let mut state = State::default();
        let free = state.left("rpool");
        assert_eq!(free, (20 << 30) - (20 << 25));
        assert_eq!(state.left("rpool/solstice/jobs"), free);
        let jobs = state.datasets.get_mut("rpool/solstice/jobs").unwrap();
        jobs.properties.insert("quota".to_owned(), "1000".to_owned());
        assert_eq!(state.left("rpool/solstice/jobs"), 1000);
        jobs_reserve(&mut state);
        assert_eq!(state.left("rpool/solstice/jobs"), 1000);
        assert_eq!(state.left("rpool"), free - 600);
    }

    fn jobs_reserve(state: &mut State) {
        let jobs = state.datasets.get_mut("rpool/solstice/jobs").unwrap();
        jobs.properties.insert("reservation".to_owned(), "600".to_owned());
    }
}
