//! Lines of a log: how a record is one, and reading them block by block.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use solstice_model::Record;

use crate::error::LogError;

/// The longest line. A full chunk of output takes 192 KiB if each of its bytes
/// has to be escaped.
pub(crate) const MAX_LINE_BYTES: usize = 1024 * 1024;

/// The most bytes of lines in one append, and so the longest tail that a crash can tear.
pub(crate) const MAX_APPEND_BYTES: usize = 8 * 1024 * 1024;

const BLOCK_BYTES: usize = 64 * 1024;

/// Records as they are in the file.
pub(crate) struct Encoded {
    /// The sequence number of the first.
    pub(crate) first: u64,
    /// Where each line ends.
    pub(crate) ends: Vec<usize>,
    /// The lines.
    pub(crate) bytes: Vec<u8>,
}

impl Encoded {
    /// Encodes records that must follow each other without holes; `None` for no records.
    pub(crate) fn of(records: &[Record]) -> Result<Option<Self>, LogError> {
        let Some(first) = records.first().map(|record| record.seq) else { return Ok(None) };
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(records.len()));
        for (expected, record) in (first..).zip(records) {
            if record.seq != expected {
                return Err(LogError::Gap { expected, found: record.seq });
            }
            let before = bytes.len();
            serde_json::to_writer(&mut bytes, record).expect("a record is always JSON");
            bytes.push(b'\n');
            bounded(bytes.len() - before, MAX_LINE_BYTES)?;
            bounded(bytes.len(), MAX_APPEND_BYTES)?;
            ends.push(bytes.len());
        }
        Ok(Some(Self { first, ends, bytes }))
    }
}

fn bounded(bytes: usize, limit: usize) -> Result<(), LogError> {
    if bytes > limit { Err(LogError::TooLarge { bytes, limit }) } else { Ok(()) }
}

/// The sequence number of a line, which is its first field; `None` if the line
/// is not one of ours. A hole that a power cut left in a file reads as zero bytes.
pub(crate) fn seq_of(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(b"{\"seq\":")?;
    let digits = rest.iter().position(|byte| *byte == b',')?;
    if line.last() != Some(&b'}') || line.iter().any(|byte| *byte < 0x20) {
        return None;
    }
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

/// Reads whole lines of a part of a file.
pub(crate) struct Lines<'a> {
    file: &'a File,
    /// Where in the file the next block is.
    at: u64,
    end: u64,
    block: Vec<u8>,
    /// Where in the block the next line is.
    next: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(file: &'a File, start: u64, end: u64) -> Self {
        Self { file, at: start, end, block: Vec::new(), next: 0 }
    }

    /// The next line without its newline; `None` at the end, before a tail
    /// without a newline, and before a line that is longer than any of ours.
    pub(crate) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let mut searched = self.next;
        loop {
            let found = self.block[searched..].iter().position(|byte| *byte == b'\n');
            if let Some(length) = found {
                let line = self.next..searched + length;
                self.next = line.end + 1;
                return Ok(Some(&self.block[line]));
            }
            searched = self.block.len() - self.next;
            if searched > MAX_LINE_BYTES || !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Drops what was read and adds a block; `false` if there is none.
    fn fill(&mut self) -> io::Result<bool> {
        self.block.drain(..self.next);
        self.next = 0;
        let wanted = (self.end - self.at).min(BLOCK_BYTES as u64);
        let wanted = usize::try_from(wanted).expect("a block is small");
        if wanted == 0 {
            return Ok(false);
        }
        let before = self.block.len();
        self.block.resize(before + wanted, 0);
        self.file.read_exact_at(&mut self.block[before..], self.at)?;
        self.at += wanted as u64;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use solstice_model::RecordBody;

    use super::*;

    #[test]
    fn a_line_begins_with_its_number() {
        let body = RecordBody::Note { text: "a,\"b\n".to_owned() };
        let record = Record { seq: 1204, at: DateTime::from_timestamp_millis(0).unwrap(), body };
        let line = serde_json::to_vec(&record).unwrap();
        assert_eq!(seq_of(&line), Some(1204));
        assert_eq!(seq_of(&line[..line.len() - 1]), None);
        assert_eq!(seq_of(b"{\"seq\":1,\0\0\0}"), None);
    }

    #[test]
    fn only_whole_lines_are_read() {
        let file = tempfile::tempfile().unwrap();
        let long = "x".repeat(BLOCK_BYTES * 2);
        file.write_all_at(format!("a\n\n{long}\nb\ntail").as_bytes(), 0).unwrap();
        let mut lines = Lines::new(&file, 0, file.metadata().unwrap().len());
        let mut read = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            read.push(String::from_utf8(line.to_vec()).unwrap());
        }
        assert_eq!(read, ["a", "", &long, "b"]);
    }
}
