//! One attempt's log: recovery, appending, reading. All of it blocks.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use solstice_model::Record;
use tokio::sync::watch;

use crate::error::LogError;
use crate::index::Index;
use crate::lines::{Encoded, Lines, MAX_APPEND_BYTES, seq_of};

/// Some of a log's records, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// Where the next page begins.
    pub next_seq: u64,
    /// The last record that was durable when this page was read. The reader has
    /// caught up when `next_seq` is greater.
    pub last_seq: u64,
}

/// One attempt's log, whether its file exists or not.
pub(crate) struct Log {
    path: PathBuf,
    /// Held while the file is recovered or appended to.
    appending: Mutex<()>,
    /// What readers may see. Held for moments only, never during IO.
    state: Mutex<Option<State>>,
    /// Tells followers the last durable sequence number; `None` once finished.
    durable: Mutex<Option<watch::Sender<u64>>>,
}

/// What is known to be good.
#[derive(Clone)]
struct State {
    /// `None` while there is no file.
    file: Option<Arc<File>>,
    /// Everything before this offset is whole lines, on disk.
    len: u64,
    last_seq: u64,
    index: Index,
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the mutexes guard is replaced in one piece, so a panic leaves it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            appending: Mutex::new(()),
            state: Mutex::new(None),
            durable: Mutex::new(Some(watch::Sender::new(0))),
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

    /// A receiver of the last durable sequence number; closed if the log is finished.
    pub(crate) fn follow(&self) -> Result<watch::Receiver<u64>, LogError> {
        let last_seq = self.last_seq()?;
        match hold(&self.durable).as_ref() {
            Some(durable) => Ok(durable.subscribe()),
            None => Ok(watch::Sender::new(last_seq).subscribe()),
        }
    }

    pub(crate) fn last_seq(&self) -> Result<u64, LogError> {
        self.opened()?;
        Ok(hold(&self.state).as_ref().map_or(0, |state| state.last_seq))
    }

    /// Recovers the file on first use.
    fn opened(&self) -> Result<(), LogError> {
        if hold(&self.state).is_some() {
            return Ok(());
        }
        let appending = hold(&self.appending);
        self.opened_while(&appending)
    }

    fn opened_while(&self, _appending: &MutexGuard<'_, ()>) -> Result<(), LogError> {
        if hold(&self.state).is_some() {
            return Ok(());
        }
        let state = recover(&self.path)?;
        self.tell(state.last_seq);
        *hold(&self.state) = Some(state);
        Ok(())
    }

    fn tell(&self, last_seq: u64) {
        if let Some(durable) = hold(&self.durable).as_ref() {
            durable.send_replace(last_seq);
        }
    }

    /// Appends what is new of these records; gives the last durable sequence number.
    pub(crate) fn append(&self, records: &Encoded) -> Result<u64, LogError> {
        let appending = hold(&self.appending);
        self.opened_while(&appending)?;
        let (file, len, last_seq) = match hold(&self.state).as_ref() {
            Some(state) => (state.file.clone(), state.len, state.last_seq),
            None => return Err(LogError::Closed),
        };
        let expected = last_seq + 1;
        if records.first > expected {
            return Err(LogError::Gap { expected, found: records.first });
        }
        let known = usize::try_from(expected - records.first).unwrap_or(usize::MAX);
        if known >= records.ends.len() {
            return Ok(last_seq);
        }
        let start = known.checked_sub(1).map_or(0, |last| records.ends[last]);
        let file = match file {
            Some(file) => file,
            None => Arc::new(create(&self.path)?),
        };
        if let Err(error) = write(&file, &records.bytes[start..], len) {
            self.undo(&file, len);
            return Err(LogError::io("append to", &self.path)(error));
        }
        let last_seq = self.kept(file, records, known, start);
        self.tell(last_seq);
        Ok(last_seq)
    }

    /// Moves what readers may see past the new lines.
    fn kept(&self, file: Arc<File>, records: &Encoded, known: usize, start: usize) -> u64 {
        let mut state = hold(&self.state);
        let state = state.as_mut().expect("the log is open and only `undo` closes it");
        let base = state.len;
        let mut begin = start;
        for (seq, end) in (state.last_seq + 1..).zip(&records.ends[known..]) {
            state.index.note(seq, base + (begin - start) as u64);
            state.last_seq = seq;
            begin = *end;
        }
        state.len = base + (records.bytes.len() - start) as u64;
        state.file = Some(file);
        state.last_seq
    }

    /// Cuts off what a failed append left. If even that fails, the next use
    /// recovers the file anew.
    fn undo(&self, file: &File, len: u64) {
        if file.set_len(len).and_then(|()| file.sync_data()).is_err() {
            hold(&self.state).take();
        }
    }

    /// Reads records from `from_seq` on: at most `max_bytes` of lines, but at
    /// least one record if there is one.
    pub(crate) fn read(&self, from_seq: u64, max_bytes: usize) -> Result<Page, LogError> {
        self.opened()?;
        let (file, start, end, last_seq) = match hold(&self.state).as_ref() {
            Some(state) => {
                (state.file.clone(), state.index.before(from_seq), state.len, state.last_seq)
            }
            None => return Err(LogError::Closed),
        };
        let from_seq = from_seq.max(1);
        let mut page = Page { records: Vec::new(), next_seq: from_seq, last_seq };
        let Some(file) = file.filter(|_| from_seq <= last_seq) else { return Ok(page) };
        let mut lines = Lines::new(&file, start, end);
        let mut room = max_bytes;
        while let Some(line) = lines.next().map_err(LogError::io("read", &self.path))? {
            let damaged = || LogError::Damaged { path: self.path.clone(), offset: start };
            if seq_of(line).ok_or_else(damaged)? < from_seq {
                continue;
            }
            if line.len() > room && !page.records.is_empty() {
                break;
            }
            room = room.saturating_sub(line.len());
            let record: Record = serde_json::from_slice(line).map_err(|_| damaged())?;
            page.next_seq = record.seq + 1;
            page.records.push(record);
        }
        Ok(page)
    }
}

/// Writes in one go and waits until it is on disk.
fn write(file: &File, bytes: &[u8], offset: u64) -> std::io::Result<()> {
    file.write_all_at(bytes, offset)?;
    file.sync_data()
}

/// Makes the file so that it is still there after a power cut.
fn create(path: &Path) -> Result<File, LogError> {
    private_directory(path.parent().expect("a log is in a shard's directory"))?;
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(path).map_err(LogError::io("create", path))?;
    sync_parents(path)?;
    Ok(file)
}

/// Makes a directory that only its owner can read, if it is not there.
pub(crate) fn private_directory(path: &Path) -> Result<(), LogError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(LogError::io("create", path))
}

/// Puts the entry of a file in its shard, and the shard's own, on disk (fsync(2)).
pub(crate) fn sync_parents(path: &Path) -> Result<(), LogError> {
    for directory in path.ancestors().skip(1).take(2) {
        let synced = File::open(directory).and_then(|open| open.sync_all());
        synced.map_err(LogError::io("sync", directory))?;
    }
    Ok(())
}

/// Finds what is good of a file and cuts off what a crash left after it. That
/// is never more than one append; anything else is damage, and not ours to cut.
fn recover(path: &Path) -> Result<State, LogError> {
    let mut state = State { file: None, len: 0, last_seq: 0, index: Index::new() };
    let file = match File::options().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(state),
        Err(error) => return Err(LogError::io("open", path)(error)),
    };
    let size = file.metadata().map_err(LogError::io("open", path))?.len();
    let mut lines = Lines::new(&file, 0, size);
    while let Some(line) = lines.next().map_err(LogError::io("read", path))? {
        if seq_of(line) != Some(state.last_seq + 1) {
            break;
        }
        state.last_seq += 1;
        state.index.note(state.last_seq, state.len);
        state.len += line.len() as u64 + 1;
    }
    let torn = size - state.len;
    if torn > MAX_APPEND_BYTES as u64 {
        return Err(LogError::Damaged { path: path.to_owned(), offset: state.len });
    }
    if torn > 0 {
        file.set_len(state.len).map_err(LogError::io("cut", path))?;
    }
    // What is told to be durable from here on may not have been waited for before.
    file.sync_data().map_err(LogError::io("sync", path))?;
    sync_parents(path)?;
    state.file = Some(Arc::new(file));
    Ok(state)
}
