//! The logs of a directory: which are open, what is there on disk.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, DirEntry};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use solstice_model::AttemptId;

use crate::error::LogError;
use crate::files::{self, CONSOLE, CONSOLE_NEW, INDEX, PLAIN, Paths, SEALED, SEALING, TRASH};
use crate::log::Log;
use crate::usage::Usage;

/// How many logs stay open that nobody uses at the moment.
const MAX_IDLE: usize = 64;

/// What is kept of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The attempt.
    pub attempt: AttemptId,
    /// The size of all its files, in bytes.
    pub bytes: u64,
    /// When one of them was last written.
    pub modified: SystemTime,
    /// Whether its log is sealed.
    pub sealed: bool,
}

/// All logs of one directory.
pub(crate) struct Shelf {
    dir: PathBuf,
    max_bytes: u64,
    usage: Arc<Usage>,
    /// Guards which logs are open; held for a look or an insertion only.
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// Each with the time, in uses, when it was last used. A log that is in use
    /// is never taken out, so one file is never open twice.
    logs: HashMap<AttemptId, (Arc<Log>, u64)>,
    uses: u64,
}

impl Shelf {
    /// Counts what is there, and clears away what a crash has left. Gives the
    /// attempts of which sealing the log was begun and not ended.
    pub(crate) fn open(dir: PathBuf, max_bytes: u64) -> Result<(Self, Vec<AttemptId>), LogError> {
        let shelf = Self { dir, max_bytes, usage: Arc::default(), open: Mutex::default() };
        let (mut begun, mut doomed) = (Vec::new(), Vec::new());
        shelf.walk(|attempt, kind, entry| {
            match kind {
                SEALING => begun.push(attempt),
                TRASH => doomed.push(attempt),
                CONSOLE_NEW => fs::remove_file(entry.path())?,
                _ => shelf.usage.add(entry.metadata()?.len()),
            }
            if kind == PLAIN && fs::exists(shelf.paths(attempt).sealed)? {
                begun.push(attempt);
            }
            Ok(())
        })?;
        for attempt in doomed {
            let paths = shelf.paths(attempt);
            let freed = files::remove_all(&paths)?;
            files::remove(&paths.trash)?;
            shelf.usage.sub(freed);
        }
        Ok((shelf, begun))
    }

    pub(crate) fn paths(&self, attempt: AttemptId) -> Paths {
        Paths::new(&self.dir, attempt)
    }

    pub(crate) fn usage(&self) -> &Arc<Usage> {
        &self.usage
    }

    pub(crate) fn dir(&self) -> &PathBuf {
        &self.dir
    }

    /// The attempt's log, the same one for all who use it at the same time.
    pub(crate) fn log(&self, attempt: AttemptId) -> Arc<Log> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.uses += 1;
        let now = open.uses;
        if let Some((log, used)) = open.logs.get_mut(&attempt) {
            *used = now;
            return Arc::clone(log);
        }
        open.make_room();
        let usage = Arc::clone(&self.usage);
        let log = Arc::new(Log::new(attempt, self.paths(attempt), self.max_bytes, usage));
        open.logs.insert(attempt, (Arc::clone(&log), now));
        log
    }

    /// The oldest attempts, by their ids: those begin with the time.
    pub(crate) fn oldest(
        &self,
        limit: usize,
        wanted: impl Fn(&Kept) -> bool,
    ) -> Result<Vec<Kept>, LogError> {
        let mut oldest = BTreeMap::new();
        for shard in self.shards()? {
            let mut here = BTreeMap::new();
            self.walk_shard(&shard, &mut |attempt, kind, entry| {
                let about = entry.metadata()?;
                let kept = here.entry(attempt).or_insert(Kept {
                    attempt,
                    bytes: 0,
                    modified: SystemTime::UNIX_EPOCH,
                    sealed: false,
                });
                kept.bytes += about.len();
                kept.modified = kept.modified.max(about.modified()?);
                kept.sealed |= kind == SEALED;
                Ok(())
            })?;
            oldest.extend(here.into_iter().filter(|(_, kept)| wanted(kept)));
            while oldest.len() > limit {
                oldest.pop_last();
            }
        }
        Ok(oldest.into_values().collect())
    }

    /// Gives each file that is ours, with its attempt and its kind.
    fn walk(
        &self,
        mut each: impl FnMut(AttemptId, &str, &DirEntry) -> io::Result<()>,
    ) -> Result<(), LogError> {
        self.shards()?.iter().try_for_each(|shard| self.walk_shard(shard, &mut each))
    }

    fn shards(&self) -> Result<Vec<PathBuf>, LogError> {
        let read = || -> io::Result<Vec<PathBuf>> {
            let mut shards = Vec::new();
            for entry in fs::read_dir(&self.dir)? {
                let entry = entry?;
                if entry.file_name().len() == 2 && entry.file_type()?.is_dir() {
                    shards.push(entry.path());
                }
            }
            Ok(shards)
        };
        read().map_err(LogError::io("read", &self.dir))
    }

    fn walk_shard(
        &self,
        shard: &PathBuf,
        each: &mut impl FnMut(AttemptId, &str, &DirEntry) -> io::Result<()>,
    ) -> Result<(), LogError> {
        let mut read = || -> io::Result<()> {
            for entry in fs::read_dir(shard)? {
                let entry = entry?;
                let name = entry.file_name();
                let parts = name.to_str().and_then(|name| name.split_once('.'));
                let Some((id, kind)) = parts else { continue };
                let Ok(attempt) = id.parse() else { continue };
                let kinds = [PLAIN, INDEX, SEALED, SEALING, CONSOLE, CONSOLE_NEW, TRASH];
                if !kinds.contains(&kind) {
                    continue;
                }
                match each(attempt, kind, &entry) {
                    // It was sealed or removed while we looked.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    other => other?,
                }
            }
            Ok(())
        };
        read().map_err(LogError::io("read", shard))
    }
}

impl Open {
    /// Closes those logs that were not used for longest, while there are too many.
    fn make_room(&mut self) {
        while self.logs.len() >= MAX_IDLE {
            let idle = self.logs.iter().filter(|(_, (log, _))| {
                // Others get at a log through this map alone, which we hold.
                Arc::strong_count(log) == 1 && log.unwatched()
            });
            let oldest = idle.min_by_key(|(_, (_, used))| *used).map(|(attempt, _)| *attempt);
            let Some(oldest) = oldest else { return };
            self.logs.remove(&oldest);
        }
    }
}
