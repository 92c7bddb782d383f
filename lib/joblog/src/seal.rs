//! Compressing a log that is over.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use solstice_model::AttemptId;
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use crate::checkpoint::Checkpoint;
use crate::checkpoint::Edge;
use crate::files;
use crate::index::Index;
use crate::sealed::{FOOTER_BYTES, FRAME_BYTES, Footer, SKIPPED};
use crate::source::Source;

/// zstd(1)'s own default: a higher level takes several times as long for a tenth less.
const LEVEL: i32 = 3;

/// What is to be compressed.
pub(crate) struct Contents<'a> {
    pub(crate) attempt: AttemptId,
    pub(crate) source: &'a Source,
    pub(crate) index: &'a Index,
    /// The checkpoint after the last record.
    pub(crate) end: Checkpoint,
}

/// Writes a sealed log and waits until it is on disk. `stop` is looked at after
/// each frame; a write that was stopped fails with `Interrupted`.
pub(crate) fn write(contents: &Contents<'_>, path: &Path, stop: &AtomicBool) -> io::Result<()> {
    let mut out = Counted { inner: BufWriter::new(files::create_anew(path)?), bytes: 0 };
    let offsets = frames(contents, &mut out, stop)?;
    let (mut checkpoints, mut edges) = (0_u64, Vec::new());
    contents.index.each(|checkpoint| {
        checkpoints += 1;
        if checkpoint.edge != Edge::None {
            edges.push(checkpoint);
        }
        Ok(())
    })?;
    let footer = Footer {
        end: contents.end.clone(),
        table: out.bytes + 8,
        frames: offsets.len() as u64 - 1,
        checkpoints,
        edges: edges.len() as u64,
    };
    let size = offsets.len() as u64 * 8
        + (checkpoints + footer.edges) * crate::checkpoint::CHECKPOINT_BYTES as u64
        + FOOTER_BYTES as u64;
    let size = u32::try_from(size).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    out.write_all(&SKIPPED)?;
    out.write_all(&size.to_le_bytes())?;
    for offset in &offsets {
        out.write_all(&offset.to_le_bytes())?;
    }
    contents.index.each(|checkpoint| out.write_all(&checkpoint.encode(contents.attempt)))?;
    for edge in &edges {
        out.write_all(&edge.encode(contents.attempt))?;
    }
    out.write_all(&footer.encode(contents.attempt))?;
    out.inner.into_inner()?.sync_all()
}

/// Writes the frames; gives where each begins and where the last ends.
fn frames(
    contents: &Contents<'_>,
    out: &mut Counted<BufWriter<File>>,
    stop: &AtomicBool,
) -> io::Result<Vec<u64>> {
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    let mut offsets = vec![0];
    let (mut plain, mut packed) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < contents.end.offset {
        if stop.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = (contents.end.offset - at).min(FRAME_BYTES as u64);
        plain.resize(usize::try_from(length).expect("a frame is small"), 0);
        contents.source.read_exact_at(&mut plain, at)?;
        packed.clear();
        packed.reserve(zstd::zstd_safe::compress_bound(plain.len()));
        compressor.compress_to_buffer(&plain, &mut packed)?;
        out.write_all(&packed)?;
        offsets.push(out.bytes);
        at += length;
    }
    Ok(offsets)
}

/// Knows how much was written.
struct Counted<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
