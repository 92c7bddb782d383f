//! Where the bytes of a log come from, and its lines block by block.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use crate::lines::MAX_LINE_BYTES;
use crate::sealed::Sealed;

const BLOCK_BYTES: usize = 64 * 1024;

/// What holds a log's lines. Offsets are those of the plain text in either.
#[derive(Clone)]
pub(crate) enum Source {
    /// Nothing was written yet.
    Absent,
    /// A file that grows.
    Plain(Arc<File>),
    /// A compressed one that does not.
    Sealed(Arc<Sealed>),
    /// The log was deleted.
    Removed,
}

impl Source {
    /// Reads that much from there on, or fails.
    pub(crate) fn read_exact_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Source::Plain(file) => file.read_exact_at(into, offset),
            Source::Sealed(sealed) => sealed.read_exact_at(into, offset),
            Source::Absent | Source::Removed => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Reads whole lines of a part of a log.
pub(crate) struct Lines<'a> {
    source: &'a Source,
    /// Where in the log the next block is.
    at: u64,
    end: u64,
    block: Vec<u8>,
    /// Where in the block the next line is.
    next: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(source: &'a Source, start: u64, end: u64) -> Self {
        Self { source, at: start, end, block: Vec::new(), next: 0 }
    }

    /// Where in the log the next line begins.
    pub(crate) fn offset(&self) -> u64 {
        self.at - (self.block.len() - self.next) as u64
    }

    /// The next line without its newline; `None` at the end, before a tail
    /// without a newline, and before a line that is longer than any of ours.
    pub(crate) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let mut searched = self.next;
        loop {
            if let Some(length) = memchr::memchr(b'\n', &self.block[searched..]) {
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
        self.source.read_exact_at(&mut self.block[before..], self.at)?;
        self.at += wanted as u64;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_are_read() {
        let file = tempfile::tempfile().unwrap();
        let long = "x".repeat(BLOCK_BYTES * 2);
        file.write_all_at(format!("a\n\n{long}\nb\ntail").as_bytes(), 0).unwrap();
        let end = file.metadata().unwrap().len();
        let source = Source::Plain(Arc::new(file));
        let mut lines = Lines::new(&source, 0, end);
        let mut read = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            read.push(String::from_utf8(line.to_vec()).unwrap());
        }
        assert_eq!(read, ["a", "", &long, "b"]);
        assert_eq!(lines.offset(), end - 4);
    }
}
