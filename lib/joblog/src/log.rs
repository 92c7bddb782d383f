//! One attempt's log: appending, sealing, removing, and what readers see. All of it blocks.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use solstice_model::AttemptId;
use tokio::sync::watch;

use crate::error::LogError;
use crate::files::{self, Paths};
use crate::lines::Encoded;
use crate::recover;
use crate::seal::{self, Contents};
use crate::sealed::Sealed;
use crate::source::Source;
use crate::state::State;
use crate::usage::Usage;

/// One attempt's log, whether its file exists or not.
pub(crate) struct Log {
    attempt: AttemptId,
    paths: Paths,
    /// The most bytes of lines.
    max_bytes: u64,
    usage: Arc<Usage>,
    /// Held while the file is recovered, appended to, sealed or removed.
    appending: Mutex<()>,
    /// What readers may see. Held for moments only, never during IO.
    state: Mutex<Option<State>>,
    /// Tells followers the last durable sequence number; `None` once finished.
    durable: Mutex<Option<watch::Sender<u64>>>,
    /// Whether the index has been made anew: once is enough.
    reindexed: AtomicBool,
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the mutexes guard is replaced in one piece, so a panic leaves it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    pub(crate) fn new(attempt: AttemptId, paths: Paths, max_bytes: u64, usage: Arc<Usage>) -> Self {
        Self {
            attempt,
            paths,
            max_bytes,
            usage,
            appending: Mutex::new(()),
            state: Mutex::new(None),
            durable: Mutex::new(Some(watch::Sender::new(0))),
            reindexed: AtomicBool::new(false),
        }
    }

    /// Whether nobody follows it.
    pub(crate) fn unwatched(&self) -> bool {
        hold(&self.durable).as_ref().is_none_or(|durable| durable.receiver_count() == 0)
    }

    /// Lets the followers go.
    pub(crate) fn finish(&self) {
        hold(&self.durable).take();
    }

    /// A receiver of the last durable sequence number; closed if the log is over.
    pub(crate) fn follow(&self) -> Result<watch::Receiver<u64>, LogError> {
        let state = self.state()?;
        match hold(&self.durable).as_ref() {
            Some(durable) if !matches!(state.source, Source::Sealed(_)) => Ok(durable.subscribe()),
            _ => Ok(watch::Sender::new(state.last_seq).subscribe()),
        }
    }

    /// What readers may see now.
    fn state(&self) -> Result<State, LogError> {
        let known = hold(&self.state).clone();
        let state = match known {
            Some(state) => state,
            None => {
                let appending = hold(&self.appending);
                self.state_while(&appending)?
            }
        };
        if matches!(state.source, Source::Removed) { Err(LogError::Removed) } else { Ok(state) }
    }

    /// The same; recovers the file on first use.
    fn state_while(&self, _appending: &MutexGuard<'_, ()>) -> Result<State, LogError> {
        if let Some(state) = hold(&self.state).clone() {
            return Ok(state);
        }
        let state = recover::open(&self.paths, self.attempt, &self.usage)?;
        self.tell(state.last_seq);
        *hold(&self.state) = Some(state.clone());
        Ok(state)
    }

    fn tell(&self, last_seq: u64) {
        if let Some(durable) = hold(&self.durable).as_ref() {
            durable.send_replace(last_seq);
        }
    }

    /// Does something with what readers may see. When that leads astray, the
    /// index is made anew: it may have been written by anybody.
    pub(crate) fn look<T>(
        &self,
        work: impl Fn(&State, &Paths) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let state = self.state()?;
        let error = match work(&state, &self.paths) {
            Err(error @ LogError::Damaged { .. }) => error,
            other => return other,
        };
        let plain = matches!(state.source, Source::Plain(_));
        if !plain || self.reindexed.swap(true, Ordering::Relaxed) {
            return Err(error);
        }
        let appending = hold(&self.appending);
        let durable = self.state_while(&appending)?;
        if matches!(durable.source, Source::Plain(_)) {
            let paths = &self.paths;
            let state = recover::reindex(paths, self.attempt, durable.len, &self.usage)?;
            *hold(&self.state) = Some(state);
        }
        drop(appending);
        work(&self.state()?, &self.paths)
    }

    /// Appends what is new of these records; gives the last durable sequence number.
    pub(crate) fn append(&self, records: &Encoded) -> Result<u64, LogError> {
        let appending = hold(&self.appending);
        let state = self.state_while(&appending)?;
        if matches!(state.source, Source::Removed) {
            return Err(LogError::Removed);
        }
        let (len, last_seq) = (state.len, state.last_seq);
        let expected = last_seq + 1;
        if records.first > expected {
            return Err(LogError::Gap { expected, found: records.first });
        }
        let known = usize::try_from(expected - records.first).unwrap_or(usize::MAX);
        if known >= records.lines.len() {
            return Ok(last_seq);
        }
        let start = known.checked_sub(1).map_or(0, |last| records.lines[last].1);
        let bytes = &records.bytes[start..];
        if len + bytes.len() as u64 > self.max_bytes {
            return Err(LogError::TooLong { limit: self.max_bytes });
        }
        let file = match state.source {
            Source::Plain(file) => file,
            Source::Absent => Arc::new(files::create(&self.paths.plain)?),
            Source::Sealed(_) => return Err(LogError::Sealed { last_seq }),
            Source::Removed => return Err(LogError::Removed),
        };
        if let Err(error) = write(&file, bytes, len) {
            self.undo(&file, len);
            return Err(LogError::io("append to", &self.paths.plain)(error));
        }
        self.usage.add(bytes.len() as u64);
        let last_seq = self.kept(file, records, known, start);
        self.tell(last_seq);
        self.write_index();
        Ok(last_seq)
    }

    /// Moves what readers may see past the new lines.
    fn kept(&self, file: Arc<File>, records: &Encoded, known: usize, start: usize) -> u64 {
        let mut state = hold(&self.state);
        let state = state.as_mut().expect("the log is open and only `undo` closes it");
        state.source = Source::Plain(file);
        let mut begin = start;
        for (mark, end) in &records.lines[known..] {
            state.push(*mark, (end - begin) as u64);
            begin = *end;
        }
        state.last_seq
    }

    /// Writes the index when that is due. Nobody else changes it meanwhile.
    fn write_index(&self) {
        let index = hold(&self.state).as_ref().map(|state| state.index.clone());
        let Some(mut index) = index.filter(crate::index::Index::wants_writing) else { return };
        if let Ok(grown) = index.write(&self.paths.index) {
            self.usage.add(grown);
            if let Some(state) = hold(&self.state).as_mut() {
                state.index = index;
            }
        }
    }

    /// Cuts off what a failed append left. If even that fails, the next use
    /// recovers the file anew.
    fn undo(&self, file: &File, len: u64) {
        if file.set_len(len).and_then(|()| file.sync_data()).is_err() {
            hold(&self.state).take();
        }
    }

    /// Compresses the log, which is over; harmless if it is compressed already.
    /// Readers go on meanwhile and after.
    pub(crate) fn seal(&self, stop: &AtomicBool) -> Result<(), LogError> {
        self.finish();
        let appending = hold(&self.appending);
        let state = self.state_while(&appending)?;
        let paths = &self.paths;
        if !matches!(state.source, Source::Plain(_)) {
            // A crash may have come after another one.
            return files::remove(&paths.sealing).map(|_| ());
        }
        let contents = Contents {
            attempt: self.attempt,
            source: &state.source,
            index: &state.index,
            end: state.end(),
        };
        if let Err(error) = seal::write(&contents, &paths.sealing, stop) {
            // What was stopped is left: it tells the next start what to go on with.
            if error.kind() != std::io::ErrorKind::Interrupted {
                let _ = fs::remove_file(&paths.sealing);
            }
            return Err(LogError::io("seal", &paths.plain)(error));
        }
        self.put_sealed()?;
        *hold(&self.state) = Some(self.open_sealed()?);
        recover::remove_plain(paths, &self.usage);
        Ok(())
    }

    /// Gives the sealed log its name; it may have been there, damaged.
    fn put_sealed(&self) -> Result<(), LogError> {
        let Paths { sealing, sealed, .. } = &self.paths;
        let size = |path| fs::symlink_metadata(path).map_or(0, |about| about.len());
        let (old, new) = (size(sealed), size(sealing));
        fs::rename(sealing, sealed).map_err(LogError::io("write", sealed))?;
        self.usage.sub(old);
        self.usage.add(new);
        files::sync_parents(sealed)
    }

    fn open_sealed(&self) -> Result<State, LogError> {
        let path = &self.paths.sealed;
        let file = File::open(path).map_err(LogError::io("open", path))?;
        let sealed = Sealed::open(file, self.attempt).map_err(LogError::io("read", path))?;
        let damaged = || LogError::Damaged { path: path.clone(), offset: 0 };
        recover::from_sealed(sealed.ok_or_else(damaged)?, self.attempt)
            .map_err(LogError::read(path, 0))
    }

    /// Deletes the log and the console; gives how many bytes that frees. Who
    /// reads or appends after that is told.
    pub(crate) fn remove(&self) -> Result<u64, LogError> {
        self.finish();
        let _appending = hold(&self.appending);
        let freed = files::remove_all(&self.paths)?;
        *hold(&self.state) = Some(recover::empty(self.attempt, Source::Removed));
        self.usage.sub(freed);
        Ok(freed)
    }
}

/// Writes in one go and waits until it is on disk.
fn write(file: &File, bytes: &[u8], offset: u64) -> std::io::Result<()> {
    file.write_all_at(bytes, offset)?;
    file.sync_data()
}
