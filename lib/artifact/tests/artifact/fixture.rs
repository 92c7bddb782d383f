//! A store in a directory of its own, and contents to put there.

use std::path::Path;

use bytes::Bytes;
use solstice_artifact::{ArtifactError, ArtifactStore, Limits, Writer};
use solstice_model::{AttemptId, Sha256Digest};
use tempfile::TempDir;

pub(crate) const SMALL: Limits =
    Limits { file_bytes: 100_000, attempt_bytes: 250_000, attempt_files: 4, total_bytes: 600_000 };

pub(crate) fn store(limits: Limits) -> (TempDir, ArtifactStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = ArtifactStore::open_dir(dir.path(), limits).unwrap();
    (dir, store)
}

/// Bytes that compress badly, different for each seed.
pub(crate) fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

/// Writes an artifact in pieces of this size.
pub(crate) async fn write(
    writer: &mut Writer,
    bytes: &[u8],
    piece: usize,
) -> Result<(), ArtifactError> {
    for piece in bytes.chunks(piece) {
        writer.write(Bytes::copy_from_slice(piece)).await?;
    }
    Ok(())
}

pub(crate) async fn put(
    store: &ArtifactStore,
    attempt: AttemptId,
    index: u32,
    bytes: &[u8],
) -> Result<(), ArtifactError> {
    let mut writer = store.begin(attempt, index).await?;
    write(&mut writer, bytes, 30_000).await?;
    let stored = writer.commit().await?;
    assert_eq!((stored.bytes, stored.sha256), (bytes.len() as u64, Sha256Digest::of(bytes)));
    Ok(())
}

pub(crate) async fn get(
    store: &ArtifactStore,
    attempt: AttemptId,
    index: u32,
) -> Result<Vec<u8>, ArtifactError> {
    let reader = store.open(attempt, index).await?;
    let (mut all, mut offset) = (Vec::new(), 0);
    loop {
        let piece = reader.read(offset, u64::MAX).await?;
        if piece.is_empty() {
            assert_eq!(offset, reader.bytes());
            return Ok(all);
        }
        offset += piece.len() as u64;
        all.extend_from_slice(&piece);
    }
}

/// The sizes of all files below, in bytes; the lock has none.
pub(crate) fn bytes_on_disk(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| match entry.file_type().unwrap().is_dir() {
            true => bytes_on_disk(&entry.path()),
            false => entry.metadata().unwrap().len(),
        })
        .sum()
}
