//! What the host remembers of pools, datasets, snapshots and holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::delegation::Grant;

/// Bytes of the pool of a new host.
const POOL_BYTES: u64 = 20 << 30;

/// Pools and what is in them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// By name.
    pub pools: BTreeMap<String, Pool>,
    /// File systems and volumes by full name; a pool's own file system too.
    pub datasets: BTreeMap<String, Dataset>,
    /// The last transaction group: what is newer has a higher one.
    pub transaction: u64,
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Bytes that it can hold.
    pub size: u64,
}

/// What a dataset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A file system.
    Filesystem,
    /// A volume.
    Volume,
}

/// A file system or a volume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Which of them.
    pub kind: Kind,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// The transaction group in which it was made; with the pool it is unique
    /// for ever, so that it names the dataset's data among our files too.
    pub transaction: u64,
    /// The snapshot that it is a clone of.
    pub origin: Option<String>,
    /// Bytes of a volume.
    pub volsize: u64,
    /// Bytes of a volume's block; those of a file system do not matter here.
    pub volblocksize: u64,
    /// Bytes that it shares with its origin, as far as is known: those of the
    /// origin when it was cloned.
    pub shared: u64,
    /// Properties that were set here, native ones in their parsable form.
    pub properties: BTreeMap<String, String>,
    /// Its snapshots, oldest first.
    pub snapshots: Vec<Snapshot>,
    /// What was delegated here.
    pub grants: Vec<Grant>,
}

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// What is behind the `@`.
    pub name: String,
    /// When it was taken, in seconds since 1970.
    pub created: i64,
    /// The transaction group in which it was taken.
    pub transaction: u64,
    /// Bytes of the volume at that time.
    pub volsize: u64,
    /// Bytes of data that it refers to.
    pub referenced: u64,
    /// Properties that were set on it.
    pub properties: BTreeMap<String, String>,
    /// Tags under which it is held, and since when.
    pub holds: BTreeMap<String, i64>,
    /// Whether it is to go with its last clone and hold.
    pub deferred: bool,
}

impl Default for State {
    /// The host that docs/illumos.md installs: the service's datasets, and what
    /// is delegated to its user.
    fn default() -> Self {
        let mut state = Self {
            pools: BTreeMap::from([("rpool".to_owned(), Pool { size: POOL_BYTES })]),
            datasets: BTreeMap::new(),
            transaction: 3,
        };
        for name in ["rpool", "rpool/solstice", "images", "jobs", "zones"] {
            let name = match name.starts_with("rpool") {
                true => name.to_owned(),
                false => format!("rpool/solstice/{name}"),
            };
            let dataset = Dataset::filesystem(0, state.next_transaction());
            state.datasets.insert(name, dataset);
        }
        let set = |state: &mut Self, name: &str, property: &str, value: &str| {
            let dataset = state.datasets.get_mut(name).expect("it was just made");
            dataset.properties.insert(property.to_owned(), value.to_owned());
        };
        set(&mut state, "rpool/solstice", "mountpoint", "/solstice");
        set(&mut state, "rpool/solstice", "compression", "lz4");
        for (name, permissions) in [("images", IMAGES), ("jobs", JOBS)] {
            let dataset = state.datasets.get_mut(&format!("rpool/solstice/{name}"));
            let dataset = dataset.expect("it was just made");
            dataset.grants.push(Grant::everywhere("solstice", permissions));
        }
        state
    }
}

/// What docs/illumos.md delegates at the golden images.
const IMAGES: &str = "clone,hold,release";
/// What docs/illumos.md delegates at the machines' disks.
const JOBS: &str = "create,clone,mount,destroy,userprop,volsize,refreservation,reservation";

impl Dataset {
    /// An empty file system.
    pub(super) fn filesystem(created: i64, transaction: u64) -> Self {
        Self {
            kind: Kind::Filesystem,
            created,
            transaction,
            origin: None,
            volsize: 0,
            volblocksize: 0,
            shared: 0,
            properties: BTreeMap::new(),
            snapshots: Vec::new(),
            grants: Vec::new(),
        }
    }

    /// A volume.
    pub(super) fn volume(created: i64, transaction: u64, volsize: u64, volblocksize: u64) -> Self {
        let kind = Kind::Volume;
        Self { kind, volsize, volblocksize, ..Self::filesystem(created, transaction) }
    }

    /// A native property that is a number; 0 where none was set.
    pub(super) fn number(&self, property: &str) -> u64 {
        self.properties.get(property).and_then(|value| value.parse().ok()).unwrap_or(0)
    }
}

/// What a snapshot's name has before the `@`; a dataset's name as it is.
pub(super) fn dataset_of(name: &str) -> &str {
    name.split_once('@').map_or(name, |(dataset, _)| dataset)
}

/// Whether `name` lies below `above`, or is a snapshot of it.
pub(super) fn is_below(name: &str, above: &str) -> bool {
    name.strip_prefix(above).is_some_and(|rest| rest.starts_with(['/', '@']))
}

impl State {
    /// Changes the size of a pool.
    ///
    /// # Errors
    ///
    /// If there is no such pool.
    pub fn set_pool_size(&mut self, pool: &str, bytes: u64) -> Result<(), NoSuchPool> {
        let found = self.pools.get_mut(pool).ok_or_else(|| NoSuchPool(pool.to_owned()))?;
        found.size = bytes;
        Ok(())
    }

    pub(super) fn next_transaction(&mut self) -> u64 {
        self.transaction += 1;
        self.transaction
    }

    pub(super) fn snapshot(&self, dataset: &str, name: &str) -> Option<&Snapshot> {
        self.datasets.get(dataset)?.snapshots.iter().find(|snapshot| snapshot.name == name)
    }

    pub(super) fn snapshot_mut(&mut self, dataset: &str, name: &str) -> Option<&mut Snapshot> {
        let all = &mut self.datasets.get_mut(dataset)?.snapshots;
        all.iter_mut().find(|snapshot| snapshot.name == name)
    }

    /// The file systems and volumes directly below one, by name.
    pub(super) fn children(&self, of: &str) -> Vec<String> {
        let below = |name: &&String| name.rsplit_once('/').is_some_and(|(parent, _)| parent == of);
        self.datasets.keys().filter(below).cloned().collect()
    }

    /// The clones of a snapshot, by name.
    pub(super) fn clones(&self, snapshot: &str) -> Vec<String> {
        let cloned = |dataset: &Dataset| dataset.origin.as_deref() == Some(snapshot);
        let all = self.datasets.iter().filter(|(_, dataset)| cloned(dataset));
        all.map(|(name, _)| name.clone()).collect()
    }

    /// Everything that goes with a dataset or a snapshot, in the order in which
    /// `zfs_iter_dependents` comes by (what depends on something before it):
    /// file systems and volumes below it, its snapshots, their clones.
    pub(super) fn dependents(&self, of: &str) -> Vec<String> {
        let mut found = Vec::new();
        self.collect_dependents(of, &mut found);
        found
    }

    fn collect_dependents(&self, of: &str, found: &mut Vec<String>) {
        let next = match of.contains('@') {
            true => self.clones(of),
            false => {
                let snapshots = self.datasets.get(of).map(|found| found.snapshots.as_slice());
                let newest_first = snapshots.unwrap_or_default().iter().rev();
                let snapshots = newest_first.map(|snapshot| format!("{of}@{}", snapshot.name));
                self.children(of).into_iter().chain(snapshots).collect()
            }
        };
        for name in next {
            if !found.contains(&name) {
                self.collect_dependents(&name, found);
                found.push(name);
            }
        }
    }
}

/// There is no such pool.
#[derive(Debug, thiserror::Error)]
#[error("there is no pool {0}")]
pub struct NoSuchPool(String);
