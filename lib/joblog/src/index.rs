//! Where in a log some of its records are: checkpoints, on disk.
//!
//! One for every so many bytes, and one where a step begins or ends. They are
//! kept in a file beside the log, and in the log itself once it is sealed, so
//! that neither opening a log nor finding a place in it takes longer or needs
//! more memory the longer it is. They tell only of what is durable already; the
//! file is written seldom, never waited for, and checked against the log when it is used.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use newtype_uuid::GenericUuid as _;
use solstice_model::AttemptId;

use crate::checkpoint::{CHECKPOINT_BYTES, Checkpoint, Edge};
use crate::files;

/// The distance between checkpoints, in bytes of the log.
const STRIDE: u64 = 64 * 1024;

/// How many new checkpoints make it worth a write.
const WORTH_A_WRITE: usize = 16;

/// The most that wait while the file cannot be written; then every second one
/// of those that no step needs goes.
const MAX_WAITING: usize = 2048;

/// Tells an index from other files; followed by the attempt's id.
const MAGIC: &[u8; 16] = b"solstice-index-1";

const HEADER_BYTES: usize = 32;

/// Where the first checkpoint is.
const BASE: u64 = HEADER_BYTES as u64;

const ENTRY: u64 = CHECKPOINT_BYTES as u64;

/// The index of one log.
#[derive(Clone)]
pub(crate) struct Index {
    attempt: AttemptId,
    table: Option<Table>,
    /// What is not on disk yet, ascending.
    waiting: Vec<Checkpoint>,
    /// Where the next checkpoint is due.
    due: u64,
    stride: u64,
}

/// Checkpoints in a file, ascending.
#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) file: Arc<File>,
    /// Where in the file the first is.
    pub(crate) base: u64,
    pub(crate) count: u64,
}

impl Table {
    pub(crate) fn get(&self, at: u64, attempt: AttemptId) -> io::Result<Checkpoint> {
        let mut bytes = [0; CHECKPOINT_BYTES];
        self.file.read_exact_at(&mut bytes, self.base + at * ENTRY)?;
        Checkpoint::decode(&bytes, attempt).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// The last one for which `before` holds; it holds for all up to some.
    fn last(
        &self,
        attempt: AttemptId,
        before: impl Fn(&Checkpoint) -> bool,
    ) -> io::Result<Option<Checkpoint>> {
        let (mut low, mut high, mut found) = (0, self.count, None);
        while low < high {
            let middle = low + (high - low) / 2;
            let checkpoint = self.get(middle, attempt)?;
            if before(&checkpoint) {
                found = Some(checkpoint);
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(found)
    }
}

impl Index {
    pub(crate) fn new(attempt: AttemptId) -> Self {
        Self { attempt, table: None, waiting: Vec::new(), due: STRIDE, stride: STRIDE }
    }

    /// The index of a log that does not grow.
    pub(crate) fn sealed(attempt: AttemptId, table: Table) -> Self {
        Self { table: Some(table), ..Self::new(attempt) }
    }

    /// Reads the file through; gives what is good of it and each of its
    /// checkpoints to `each`, which says whether to go on.
    pub(crate) fn load(
        path: &Path,
        attempt: AttemptId,
        mut each: impl FnMut(&Checkpoint) -> bool,
    ) -> Self {
        let mut index = Self::new(attempt);
        // A file that is not there, cannot be read or is another's is no index.
        let Ok(Some(file)) = files::open(path) else { return index };
        let mut header = [0; HEADER_BYTES];
        if file.read_exact_at(&mut header, 0).is_err() || header != self::header(attempt) {
            return index;
        }
        let mut table = Table { file: Arc::new(file), base: BASE, count: 0 };
        let (mut seq, mut offset) = (1, 0);
        let mut block = Vec::new();
        while let Ok(()) = fill(&table, &mut block)
            && !block.is_empty()
        {
            for bytes in block.chunks_exact(CHECKPOINT_BYTES) {
                let good = Checkpoint::decode(bytes, attempt)
                    .filter(|next| next.seq >= seq && next.offset >= offset);
                let Some(checkpoint) = good.filter(|next| each(next)) else {
                    index.table = Some(table);
                    return index;
                };
                (seq, offset) = (checkpoint.seq, checkpoint.offset);
                index.due = offset + STRIDE;
                table.count += 1;
            }
        }
        index.table = Some(table);
        index
    }

    /// Goes back to the last checkpoint for which `good` holds, and gives it.
    pub(crate) fn confirm(&mut self, good: impl Fn(&Checkpoint) -> bool) -> Checkpoint {
        if let Some(table) = &mut self.table {
            while let Some(last) = table.count.checked_sub(1) {
                if let Ok(checkpoint) = table.get(last, self.attempt)
                    && good(&checkpoint)
                {
                    self.due = checkpoint.offset + self.stride;
                    return checkpoint;
                }
                table.count = last;
            }
        }
        self.due = STRIDE;
        Checkpoint::start()
    }

    /// Whether a record that begins there should be noted.
    pub(crate) fn wants(&self, offset: u64) -> bool {
        offset >= self.due
    }

    /// Notes a place. Calls come in order.
    pub(crate) fn note(&mut self, checkpoint: Checkpoint) {
        if self.waiting.len() >= MAX_WAITING {
            let mut keep = false;
            self.waiting.retain(|waiting| {
                keep = !keep;
                keep || waiting.edge != Edge::None
            });
            self.stride *= 2;
        }
        self.due = checkpoint.offset + self.stride;
        self.waiting.push(checkpoint);
    }

    /// The last place at or before the record.
    pub(crate) fn before_seq(&self, seq: u64) -> io::Result<Checkpoint> {
        self.last(|checkpoint| checkpoint.seq <= seq)
    }

    /// The last place before which no line with that number or a higher one began.
    pub(crate) fn before_line(&self, line: u64) -> io::Result<Checkpoint> {
        self.last(|checkpoint| checkpoint.numbers.lines() < line)
    }

    /// The last place at or before the offset.
    pub(crate) fn before_offset(&self, offset: u64) -> io::Result<Checkpoint> {
        self.last(|checkpoint| checkpoint.offset <= offset)
    }

    fn last(&self, before: impl Fn(&Checkpoint) -> bool) -> io::Result<Checkpoint> {
        let waiting = self.waiting.partition_point(&before);
        if let Some(last) = waiting.checked_sub(1) {
            return Ok(self.waiting[last].clone());
        }
        let found = match &self.table {
            Some(table) => table.last(self.attempt, before)?,
            None => None,
        };
        Ok(found.unwrap_or_else(Checkpoint::start))
    }

    /// Whether there is enough to be written.
    pub(crate) fn wants_writing(&self) -> bool {
        self.waiting.len() >= WORTH_A_WRITE
    }

    /// Writes what waits; gives how much the file grew, in bytes. A failure
    /// costs time at the next start and nothing else.
    pub(crate) fn write(&mut self, path: &Path) -> io::Result<u64> {
        let mut grown = 0;
        let mut table = match self.table.take() {
            Some(table) => table,
            None => {
                let file = files::create_anew(path)?;
                file.write_all_at(&header(self.attempt), 0)?;
                grown += BASE;
                Table { file: Arc::new(file), base: BASE, count: 0 }
            }
        };
        let encode = |checkpoint: &Checkpoint| checkpoint.encode(self.attempt);
        let bytes: Vec<u8> = self.waiting.iter().flat_map(encode).collect();
        let written = table.file.write_all_at(&bytes, table.base + table.count * ENTRY);
        if written.is_ok() {
            table.count += self.waiting.len() as u64;
            grown += bytes.len() as u64;
            self.waiting.clear();
        }
        self.table = Some(table);
        written.map(|()| grown)
    }

    /// Gives every checkpoint, in order.
    pub(crate) fn each(
        &self,
        mut each: impl FnMut(Checkpoint) -> io::Result<()>,
    ) -> io::Result<()> {
        if let Some(table) = &self.table {
            for at in 0..table.count {
                each(table.get(at, self.attempt)?)?;
            }
        }
        self.waiting.iter().cloned().try_for_each(each)
    }
}

fn header(attempt: AttemptId) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..16].copy_from_slice(MAGIC);
    header[16..].copy_from_slice(attempt.into_untyped_uuid().as_bytes());
    header
}

/// Reads the next checkpoints, as far as they are whole.
fn fill(table: &Table, block: &mut Vec<u8>) -> io::Result<()> {
    let at = table.base + table.count * ENTRY;
    let left = table.file.metadata()?.len().saturating_sub(at) / ENTRY;
    let wanted = usize::try_from(left.min(1024)).expect("a block is small");
    block.resize(wanted * CHECKPOINT_BYTES, 0);
    table.file.read_exact_at(block, at)
}
