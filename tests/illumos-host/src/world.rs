//! The state of the simulated host.

use std::fs::{File, OpenOptions};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::command::{links, rbac, smf, zfs, zone};

/// Where the state of the host is, as seen inside its namespaces.
pub fn state_dir() -> &'static Utf8Path {
    Utf8Path::new("/run/illumos-host")
}

/// Everything that the host remembers. Each part belongs to the commands of
/// the module that defines it; others may read it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Pools, datasets, snapshots, holds.
    pub zfs: zfs::State,
    /// Zones and their configurations.
    pub zones: zone::State,
    /// Links, interfaces, addresses.
    pub links: links::State,
    /// Services and their properties.
    pub smf: smf::State,
    /// Users, profiles, authorizations; who calls.
    pub rbac: rbac::State,
}

/// Why the state cannot be used. The simulator itself is broken then.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// A file of the state cannot be used.
    #[error("illumos-host: cannot use {path}")]
    File {
        /// Which.
        path: Utf8PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The state is not what this program writes.
    #[error("illumos-host: {path} is damaged")]
    Damaged {
        /// Which.
        path: Utf8PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
}

impl World {
    /// Reads the state below `dir` under the lock, lets `change` work on it and
    /// writes it back, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`WorldError`].
    pub fn with<T>(dir: &Utf8Path, change: impl FnOnce(&mut World) -> T) -> Result<T, WorldError> {
        let _lock = lock(&dir.join("lock"))?;
        let mut world = read(dir)?;
        let before = world.clone();
        let done = change(&mut world);
        if world != before {
            write(dir, &world)?;
        }
        Ok(done)
    }
}

fn failed(path: &Utf8Path) -> impl FnOnce(io::Error) -> WorldError {
    let path = path.to_owned();
    move |source| WorldError::File { path, source }
}

/// Takes a lock, for as long as the file lives.
pub(crate) fn lock(path: &Utf8Path) -> Result<File, WorldError> {
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(failed(path))?;
    flock(&file, FlockOperation::LockExclusive).map_err(|e| failed(path)(e.into()))?;
    Ok(file)
}

fn read(dir: &Utf8Path) -> Result<World, WorldError> {
    let path = dir.join("world.json");
    match std::fs::read(&path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map_err(|source| WorldError::Damaged { path, source })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(World::default()),
        Err(error) => Err(failed(&path)(error)),
    }
}

fn write(dir: &Utf8Path, world: &World) -> Result<(), WorldError> {
    // Not for people: every call reads it. `illumos-host world` shows it.
    let text = serde_json::to_vec(world).expect("the state can be written as JSON");
    replace(&dir.join("world.json"), &text)
}

/// Writes a file, whole or not at all.
pub(crate) fn replace(path: &Utf8Path, text: &[u8]) -> Result<(), WorldError> {
    let new = Utf8PathBuf::from(format!("{path}.new"));
    std::fs::write(&new, text).map_err(failed(&new))?;
    std::fs::rename(&new, path).map_err(failed(path))
}
