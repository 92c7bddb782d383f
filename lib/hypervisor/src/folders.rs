//! Folders of machines, for backends that keep what a machine consists of below
//! a directory of the host.
//!
//! ```text
//! machines/<id>/machine.json    whose it is, and what the backend notes
//! machines/<id>~<n>/            on its way to be removed
//! ```
//!
//! All changes here are single calls of the system that return at once: none
//! goes on in another thread after its caller was dropped. The one that may take
//! long, removing, works on a folder that was renamed out of the way first.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

use camino::{Utf8Path, Utf8PathBuf};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use solstice_model::{AttemptId, HostName};

/// The length of an attempt's id.
const ID_CHARS: usize = 36;

/// What can go wrong with a machine's folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The file system refuses.
    #[error("cannot {action} {path}")]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: Utf8PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The folder is another host's.
    #[error("{path} belongs to another host")]
    Foreign {
        /// Which.
        path: Utf8PathBuf,
    },
}

impl FolderError {
    /// The error of an action on a path, once there is one.
    pub fn file(action: &'static str, path: &Utf8Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}

/// What `machine.json` holds: the owner, and whatever the backend notes.
#[derive(Serialize, Deserialize)]
struct Intent<N> {
    host: HostName,
    id: AttemptId,
    #[serde(flatten)]
    note: N,
}

/// The owner alone.
#[derive(Deserialize)]
struct Owner {
    host: HostName,
}

/// The folders of all machines of a host.
#[derive(Clone, Debug)]
pub struct Folders {
    root: Utf8PathBuf,
    host: HostName,
}

/// A folder that is ours.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The machine's id.
    pub id: AttemptId,
    /// Where it is.
    pub path: Utf8PathBuf,
    /// It is only waiting to be removed.
    pub trash: bool,
}

/// Makes a directory that only we can look into, unless it is there.
///
/// # Errors
///
/// [`FolderError::File`].
pub fn make_private_dir(path: &Utf8Path) -> Result<(), FolderError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(FolderError::file("make", path)(error))
        }
        _ => Ok(()),
    }
}

/// Writes a file that only we can read, whole or not at all.
///
/// # Errors
///
/// [`FolderError::File`].
pub fn write_private_file(path: &Utf8Path, content: &[u8]) -> Result<(), FolderError> {
    let new = path.with_extension("new");
    let write = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&new)?.write_all(content)?;
        std::fs::rename(&new, path)
    };
    write().map_err(FolderError::file("write", path))
}

impl Folders {
    /// The folders below a state directory.
    ///
    /// # Errors
    ///
    /// [`FolderError`] if the folder that holds them cannot be made.
    pub fn open(state_dir: &Utf8Path, host: HostName) -> Result<Self, FolderError> {
        let root = state_dir.join("machines");
        make_private_dir(&root)?;
        Ok(Self { root, host })
    }

    /// The directory that holds them.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// Where a machine's folder is, if it is there.
    pub fn path(&self, id: AttemptId) -> Utf8PathBuf {
        self.root.join(id.to_string())
    }

    /// Everything of ours. What has another name, is no directory, or says
    /// that it is another host's is left out.
    ///
    /// # Errors
    ///
    /// [`FolderError`] if it cannot be seen.
    pub fn list(&self) -> Result<Vec<Entry>, FolderError> {
        let failed = || FolderError::file("list", &self.root);
        let mut entries = Vec::new();
        for entry in self.root.read_dir_utf8().map_err(failed())? {
            let entry = entry.map_err(failed())?;
            if let Some((id, trash)) = parse_name(entry.file_name())
                && entry.file_type().is_ok_and(|kind| kind.is_dir())
                && self.is_ours(entry.path())
            {
                entries.push(Entry { id, path: entry.path().to_owned(), trash });
            }
        }
        Ok(entries)
    }

    /// Makes a machine's folder, unless it is there, and writes the note.
    ///
    /// # Errors
    ///
    /// [`FolderError`]; what was made so far stays.
    pub fn claim(&self, id: AttemptId, note: &impl Serialize) -> Result<Utf8PathBuf, FolderError> {
        let path = self.path(id);
        if !self.is_ours(&path) {
            return Err(FolderError::Foreign { path });
        }
        make_private_dir(&path)?;
        let intent = Intent { host: self.host.clone(), id, note };
        let text = serde_json::to_vec_pretty(&intent).expect("a note can be written as JSON");
        write_private_file(&path.join("machine.json"), &text)?;
        Ok(path)
    }

    /// Renames a machine's folder out of the way, in one instant. Fine if there is none.
    ///
    /// # Errors
    ///
    /// [`FolderError`] if it is still there.
    pub fn discard(&self, id: AttemptId) -> Result<(), FolderError> {
        let path = self.path(id);
        if !self.is_ours(&path) {
            return Ok(());
        }
        for number in 0u32.. {
            let trash = self.root.join(format!("{id}~{number}"));
            match std::fs::rename(&path, &trash).map_err(|error| (error.kind(), error)) {
                Ok(()) | Err((ErrorKind::NotFound, _)) => return Ok(()),
                Err((ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists, _)) => {}
                Err((_, error)) => return Err(FolderError::file("discard", &path)(error)),
            }
        }
        Ok(())
    }

    /// Removes what was discarded of a machine. May take long.
    ///
    /// # Errors
    ///
    /// [`FolderError`] if something is left.
    pub fn remove_trash(&self, id: AttemptId) -> Result<(), FolderError> {
        for Entry { path, .. } in self.list()?.iter().filter(|it| it.id == id && it.trash) {
            match std::fs::remove_dir_all(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(FolderError::file("remove", path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A folder without a readable note is ours too: we crashed before it was written.
    fn is_ours(&self, path: &Utf8Path) -> bool {
        let text = std::fs::read(path.join("machine.json")).unwrap_or_default();
        serde_json::from_slice::<Owner>(&text).map_or(true, |owner| owner.host == self.host)
    }
}

impl Entry {
    /// What the backend noted, unless it crashed before.
    pub fn note<N: DeserializeOwned>(&self) -> Option<N> {
        let text = std::fs::read(self.path.join("machine.json")).ok()?;
        Some(serde_json::from_slice::<Intent<N>>(&text).ok()?.note)
    }
}

/// The id in a folder's name, and whether it is one to be removed.
fn parse_name(name: &str) -> Option<(AttemptId, bool)> {
    let (id, rest) = name.split_at_checked(ID_CHARS)?;
    let trash = match rest.strip_prefix('~') {
        Some(number) if number.bytes().all(|b| b.is_ascii_digit()) => true,
        None if rest.is_empty() => false,
        _ => return None,
    };
    // Only the one spelling that we write ourselves.
    let parsed = id.parse().ok().filter(|parsed: &AttemptId| parsed.to_string() == id)?;
    Some((parsed, trash))
}

#[cfg(test)]
mod tests {
    use solstice_model::id::new_id;

    use super::*;

    #[test]
    fn only_names_that_we_write_are_ours() {
        let id: AttemptId = new_id();
        assert_eq!(parse_name(&id.to_string()), Some((id, false)));
        assert_eq!(parse_name(&format!("{id}~12")), Some((id, true)));
        let upper = id.to_string().to_uppercase();
        for other in ["", "lost+found", &format!("{id}.bak"), &format!("{id}~x"), &upper] {
            assert_eq!(parse_name(other), None, "{other}");
        }
    }

    #[test]
    fn a_folder_is_claimed_noted_discarded_and_removed_by_its_host_alone() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let moon = Folders::open(dir, "moon".parse().unwrap()).unwrap();
        let mars = Folders::open(dir, "mars".parse().unwrap()).unwrap();
        let id = new_id();
        let note = serde_json::json!({"slot": 7});
        moon.claim(id, &note).unwrap();
        assert_eq!(moon.list().unwrap()[0].note::<serde_json::Value>(), Some(note.clone()));
        assert!(matches!(mars.claim(id, &note), Err(FolderError::Foreign { .. })));
        mars.discard(id).unwrap();
        assert_eq!(mars.list().unwrap().len(), 0);
        moon.discard(id).unwrap();
        moon.claim(id, &note).unwrap();
        moon.discard(id).unwrap();
        assert!(moon.list().unwrap().iter().all(|entry| entry.trash));
        moon.remove_trash(id).unwrap();
        assert_eq!(moon.list().unwrap().len(), 0);
    }
}
