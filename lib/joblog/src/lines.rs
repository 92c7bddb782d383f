//! Records as the lines that are appended.

use solstice_model::Record;

use crate::error::LogError;
use crate::numbers::Mark;

/// The longest line. A full chunk of output takes 192 KiB if each of its bytes
/// has to be escaped.
pub(crate) const MAX_LINE_BYTES: usize = 1024 * 1024;

/// The most bytes of lines in one append, and so the longest tail that a crash can tear.
pub(crate) const MAX_APPEND_BYTES: usize = 8 * 1024 * 1024;

/// Records as they are in the file.
pub(crate) struct Encoded {
    /// The sequence number of the first.
    pub(crate) first: u64,
    /// What each is, and where its line ends.
    pub(crate) lines: Vec<(Mark, usize)>,
    /// The lines.
    pub(crate) bytes: Vec<u8>,
}

impl Encoded {
    /// Encodes records that must follow each other without holes; `None` for no records.
    pub(crate) fn of(records: &[Record]) -> Result<Option<Self>, LogError> {
        let Some(first) = records.first().map(|record| record.seq) else { return Ok(None) };
        let (mut bytes, mut lines) = (Vec::new(), Vec::with_capacity(records.len()));
        for (expected, record) in (first..).zip(records) {
            if record.seq != expected {
                return Err(LogError::Gap { expected, found: record.seq });
            }
            let before = bytes.len();
            serde_json::to_writer(&mut bytes, record).expect("a record is always JSON");
            bytes.push(b'\n');
            bounded(bytes.len() - before, MAX_LINE_BYTES)?;
            bounded(bytes.len(), MAX_APPEND_BYTES)?;
            lines.push((Mark::of(&record.body), bytes.len()));
        }
        Ok(Some(Self { first, lines, bytes }))
    }
}

fn bounded(bytes: usize, limit: usize) -> Result<(), LogError> {
    if bytes > limit { Err(LogError::TooLarge { bytes, limit }) } else { Ok(()) }
}
