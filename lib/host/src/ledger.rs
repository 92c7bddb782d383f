//! What this host has promised, on disk: one file per attempt.
//!
//! `attempts/ID.json` says what the attempt is and where it stands, so that a
//! restarted orchestrator takes its running guests up again. It holds hashes of
//! token and session, never these themselves (invariants I6, I7).
//! `attempts/ID.console` is the console of a machine that is gone, until the
//! server has it.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use solstice_model::{Assignment, AttemptId, ImageName, TokenHash};

use crate::file;
use crate::stage::Stage;

/// Where an attempt stands, together with the keys of its guest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// The hash of the single-use token, once a machine has been given one.
    pub(crate) token: Option<TokenHash>,
    /// The hash of the session key, once the token has been redeemed.
    pub(crate) session: Option<TokenHash>,
    /// Where it stands.
    #[serde(flatten)]
    pub(crate) stage: Stage,
}

/// One file of the ledger.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// What is to be done.
    pub(crate) assignment: Assignment,
    /// The image that its label stood for when it was taken.
    pub(crate) image: ImageName,
    /// Where it stands.
    pub(crate) standing: Standing,
}

/// What the ledger says.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// What can be gone on with.
    pub(crate) entries: Vec<Entry>,
    /// Files that were put aside, with the reason.
    pub(crate) unreadable: Vec<(Utf8PathBuf, io::Error)>,
}

/// The directory. Its calls block; files are small.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    directory: Utf8PathBuf,
}

impl Ledger {
    /// Opens the ledger, making its directory if need be.
    ///
    /// # Errors
    ///
    /// If the directory cannot be made.
    pub(crate) fn open(directory: Utf8PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&directory)?;
        crate::file::remove_unfinished(&directory)?;
        Ok(Self { directory })
    }

    /// Reads all entries. A file that cannot be understood is put aside as
    /// `ID.json.unreadable` and returned with the reason.
    ///
    /// # Errors
    ///
    /// If the directory cannot be listed or a file not be put aside.
    pub(crate) fn load(&self) -> io::Result<Loaded> {
        let mut loaded = Loaded::default();
        for item in self.directory.read_dir_utf8()? {
            let path = item?.into_path();
            if path.extension() != Some("json") {
                continue;
            }
            match read(&path) {
                Ok(entry) => loaded.entries.push(entry),
                Err(error) => {
                    std::fs::rename(&path, path.with_extension("json.unreadable"))?;
                    loaded.unreadable.push((path, error));
                }
            }
        }
        Ok(loaded)
    }

    /// Writes an entry, durably.
    ///
    /// # Errors
    ///
    /// If it cannot be written; the old entry is then as it was.
    pub(crate) fn write(&self, entry: &Entry) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(entry)?;
        file::write_atomic(&self.path(entry.assignment.attempt, "json"), &text)
    }

    /// Keeps the console of a machine that is about to be destroyed.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub(crate) fn keep_console(&self, id: AttemptId, bytes: &[u8]) -> io::Result<()> {
        file::write_atomic(&self.path(id, "console"), bytes)
    }

    /// The console that was kept, if one was.
    ///
    /// # Errors
    ///
    /// If it is there and cannot be read.
    pub(crate) fn console(&self, id: AttemptId) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(self.path(id, "console")) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Forgets an attempt.
    ///
    /// # Errors
    ///
    /// If a file of it cannot be removed.
    pub(crate) fn remove(&self, id: AttemptId) -> io::Result<()> {
        file::remove(&self.path(id, "console"))?;
        file::remove(&self.path(id, "json"))
    }

    fn path(&self, id: AttemptId, extension: &str) -> Utf8PathBuf {
        self.directory.join(format!("{id}.{extension}"))
    }
}

fn read(path: &Utf8Path) -> io::Result<Entry> {
    let entry: Entry = serde_json::from_slice(&std::fs::read(path)?)?;
    if path.file_stem() != Some(entry.assignment.attempt.to_string().as_str()) {
        return Err(io::Error::other("it names another attempt than its file does"));
    }
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assignment;

    fn ledger() -> (tempfile::TempDir, Ledger) {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("attempts");
        (dir, Ledger::open(path).unwrap())
    }

    #[test]
    fn an_entry_reads_back_and_holds_no_secret() {
        let (_dir, ledger) = ledger();
        let token = solstice_model::Token::generate();
        let entry = Entry {
            assignment: assignment(),
            image: "tiny".parse().unwrap(),
            standing: Standing { token: Some(token.hash()), session: None, stage: Stage::Making },
        };
        ledger.write(&entry).unwrap();
        let text = std::fs::read_to_string(ledger.path(entry.assignment.attempt, "json")).unwrap();
        assert!(!text.contains(token.secret()));
        let Loaded { entries, unreadable } = ledger.load().unwrap();
        assert!(unreadable.is_empty());
        assert_eq!(entries[0].assignment, entry.assignment);
        assert!(entries[0].standing.token.as_ref().unwrap().matches(&token));
        ledger.keep_console(entry.assignment.attempt, b"login:").unwrap();
        ledger.remove(entry.assignment.attempt).unwrap();
        assert_eq!(ledger.console(entry.assignment.attempt).unwrap(), None);
        assert!(ledger.load().unwrap().entries.is_empty());
    }

    #[test]
    fn a_torn_file_is_put_aside_and_named() {
        let (_dir, ledger) = ledger();
        std::fs::write(ledger.directory.join("x.json"), "{").unwrap();
        let Loaded { entries, unreadable } = ledger.load().unwrap();
        assert_eq!((entries.len(), unreadable.len()), (0, 1));
        assert!(ledger.load().unwrap().unreadable.is_empty(), "only once");
        assert!(ledger.directory.join("x.json.unreadable").exists());
    }
}
