//! A log that is over: compressed, and still read from anywhere.
//!
//! The format is described in the documentation of the crate.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use solstice_model::AttemptId;

use crate::checkpoint::{CHECKPOINT_BYTES, Checkpoint, number, sum};
use crate::index::{Index, Table};
use crate::steps::{MAX_STEPS, Steps};

/// The plain bytes of a frame; only the last has fewer.
pub(crate) const FRAME_BYTES: usize = 256 * 1024;

const FRAME: u64 = FRAME_BYTES as u64;

/// A frame that decoders skip (RFC 8878, section 3.1.2): its magic number, which
/// is followed by the size of the rest in four bytes.
pub(crate) const SKIPPED: [u8; 4] = 0x184d_2a5a_u32.to_le_bytes();

/// The last bytes of a whole sealed log.
pub(crate) const MAGIC: &[u8; 16] = b"solstice-seal-1\n";

/// The size of what ends a sealed log: the checkpoint of the end, four numbers,
/// their sum, the magic.
pub(crate) const FOOTER_BYTES: usize = CHECKPOINT_BYTES + 4 * 8 + 8 + MAGIC.len();

/// What is known of a sealed log.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Footer {
    /// The checkpoint after the last record.
    pub(crate) end: Checkpoint,
    /// Where in the file the table begins: an offset per frame, and that of their end.
    pub(crate) table: u64,
    /// The number of frames.
    pub(crate) frames: u64,
    /// The number of checkpoints, which follow the table.
    pub(crate) checkpoints: u64,
    /// The number of those again, which tell of steps, after them.
    pub(crate) edges: u64,
}

impl Footer {
    pub(crate) fn encode(&self, attempt: AttemptId) -> [u8; FOOTER_BYTES] {
        let mut bytes = [0; FOOTER_BYTES];
        bytes[..CHECKPOINT_BYTES].copy_from_slice(&self.end.encode(attempt));
        let numbers = [self.table, self.frames, self.checkpoints, self.edges];
        for (number, into) in numbers.iter().zip(bytes[CHECKPOINT_BYTES..].chunks_exact_mut(8)) {
            into.copy_from_slice(&number.to_le_bytes());
        }
        let summed = CHECKPOINT_BYTES + 4 * 8;
        let sum = sum(attempt, &bytes[..summed]);
        bytes[summed..summed + 8].copy_from_slice(&sum.to_le_bytes());
        bytes[summed + 8..].copy_from_slice(MAGIC);
        bytes
    }

    fn decode(bytes: &[u8; FOOTER_BYTES], attempt: AttemptId) -> Option<Self> {
        let summed = CHECKPOINT_BYTES + 4 * 8;
        if bytes[summed + 8..] != MAGIC[..]
            || number(bytes, summed) != sum(attempt, &bytes[..summed])
        {
            return None;
        }
        let at = |index: usize| number(bytes, CHECKPOINT_BYTES + index * 8);
        Some(Self {
            end: Checkpoint::decode(&bytes[..CHECKPOINT_BYTES], attempt)?,
            table: at(0),
            frames: at(1),
            checkpoints: at(2),
            edges: at(3),
        })
    }

    /// Where the checkpoints begin.
    fn base(&self) -> u64 {
        self.table + (self.frames + 1) * 8
    }

    /// How large a file with this footer is, if there can be one.
    fn file_bytes(&self) -> Option<u64> {
        let checkpoints = self.checkpoints.checked_add(self.edges)?;
        let offsets = self.frames.checked_add(1)?.checked_mul(8)?;
        let tables = checkpoints.checked_mul(CHECKPOINT_BYTES as u64)?.checked_add(offsets)?;
        self.table.checked_add(tables)?.checked_add(FOOTER_BYTES as u64)
    }
}

/// One open sealed log.
pub(crate) struct Sealed {
    file: Arc<File>,
    footer: Footer,
    /// The frame that was read last, with its number: readers that follow each
    /// other through it decompress it once. Held for a copy of the pointer only.
    last: Mutex<Option<(u64, Arc<Vec<u8>>)>>,
}

impl Sealed {
    /// Opens a file; `None` if it is not a whole sealed log of this attempt.
    pub(crate) fn open(file: File, attempt: AttemptId) -> io::Result<Option<Self>> {
        let size = file.metadata()?.len();
        let Some(at) = size.checked_sub(FOOTER_BYTES as u64) else { return Ok(None) };
        let mut bytes = [0; FOOTER_BYTES];
        file.read_exact_at(&mut bytes, at)?;
        let footer = Footer::decode(&bytes, attempt);
        let footer = footer.filter(|footer| {
            footer.file_bytes() == Some(size)
                && footer.frames == footer.end.offset.div_ceil(FRAME)
                && footer.edges <= 2 * MAX_STEPS as u64
        });
        let last = Mutex::new(None);
        Ok(footer.map(|footer| Self { file: Arc::new(file), footer, last }))
    }

    /// The checkpoint after the last record.
    pub(crate) fn end(&self) -> &Checkpoint {
        &self.footer.end
    }

    pub(crate) fn index(&self, attempt: AttemptId) -> Index {
        let (base, count) = (self.footer.base(), self.footer.checkpoints);
        Index::sealed(attempt, Table { file: Arc::clone(&self.file), base, count })
    }

    pub(crate) fn steps(&self, attempt: AttemptId) -> io::Result<Steps> {
        let base = self.footer.base() + self.footer.checkpoints * CHECKPOINT_BYTES as u64;
        let table = Table { file: Arc::clone(&self.file), base, count: self.footer.edges };
        let mut steps = Steps::default();
        for at in 0..table.count {
            steps.note(&table.get(at, attempt)?);
        }
        Ok(steps)
    }

    /// Reads plain bytes; touches only the frames in which they are.
    pub(crate) fn read_exact_at(&self, mut into: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !into.is_empty() {
            let frame = self.frame(offset / FRAME)?;
            let within = usize::try_from(offset % FRAME).expect("a frame is small");
            let found = frame.get(within..).unwrap_or_default();
            let length = found.len().min(into.len());
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let (now, later) = into.split_at_mut(length);
            now.copy_from_slice(&found[..length]);
            into = later;
            offset += length as u64;
        }
        Ok(())
    }

    fn frame(&self, frame: u64) -> io::Result<Arc<Vec<u8>>> {
        if let Some((last, bytes)) = &*self.last.lock().unwrap_or_else(PoisonError::into_inner)
            && *last == frame
        {
            return Ok(Arc::clone(bytes));
        }
        let bytes = Arc::new(self.decode(frame)?);
        let last = Some((frame, Arc::clone(&bytes)));
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = last;
        Ok(bytes)
    }

    fn decode(&self, frame: u64) -> io::Result<Vec<u8>> {
        let damaged = || io::Error::from(io::ErrorKind::InvalidData);
        if frame >= self.footer.frames {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut offsets = [0; 16];
        self.file.read_exact_at(&mut offsets, self.footer.table + frame * 8)?;
        let (begin, end) = (number(&offsets, 0), number(&offsets, 8));
        let length = end.checked_sub(begin).and_then(|length| usize::try_from(length).ok());
        let length =
            length.filter(|length| *length <= zstd::zstd_safe::compress_bound(FRAME_BYTES));
        let mut packed = vec![0; length.ok_or_else(damaged)?];
        self.file.read_exact_at(&mut packed, begin)?;
        let plain = zstd::bulk::decompress(&packed, FRAME_BYTES).map_err(|_| damaged())?;
        let expected = (self.footer.end.offset - frame * FRAME).min(FRAME);
        if plain.len() as u64 == expected { Ok(plain) } else { Err(damaged()) }
    }
}
