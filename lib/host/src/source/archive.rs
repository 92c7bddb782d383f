//! Packs trees into one compressed file: `git archive` for each, one after the
//! other through one zstd stream. Whoever unpacks it ignores the zero blocks
//! between them.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::OwnedFd;
use std::time::Duration;

use camino::Utf8Path;
use tempfile::NamedTempFile;

use super::git::Git;
use super::submodule::Part;
use super::{SourceError, io_error, shown};

/// How long the packing of one tree may take.
const PACK_LIMIT: Duration = Duration::from_secs(600);

/// Speed matters more than size: the way into the guest is short.
const LEVEL: i32 = 1;

/// Packs the parts into a temporary file of this folder.
pub(crate) async fn pack(
    git: &Git,
    parts: &[Part],
    folder: &Utf8Path,
    max_size: u64,
) -> Result<NamedTempFile, SourceError> {
    let (reader, writer) = io::pipe().map_err(io_error(folder))?;
    let writer = File::from(OwnedFd::from(writer));
    let target = NamedTempFile::new_in(folder).map_err(io_error(folder))?;
    let compressing = tokio::task::spawn_blocking(move || compress(reader, target, max_size));
    let archived = archive_all(git, parts, &writer).await;
    // The compressor ends when the last writer is gone.
    drop(writer);
    let compressed = compressing.await.map_err(io::Error::other);
    match compressed {
        // Git's error would only be that its output was not taken any more.
        Ok(Ok(None)) => Err(SourceError::TooLarge {
            what: "the tree",
            url: parts.first().map(|part| shown(&part.mirror.url)).unwrap_or_default(),
            limit: max_size,
        }),
        Ok(Ok(Some(target))) => archived.map(|()| target),
        Ok(Err(error)) | Err(error) => Err(io_error(folder)(error)),
    }
}

async fn archive_all(git: &Git, parts: &[Part], writer: &File) -> Result<(), SourceError> {
    for part in parts {
        let url = || shown(&part.mirror.url);
        let output = writer.try_clone().map_err(io_error(&part.mirror.path))?;
        let mut command = git.on(&part.mirror.path).args(["archive", "--format=tar"]);
        if !part.prefix.is_empty() {
            command = command.arg(format!("--prefix={}", part.prefix));
        }
        let command = command.arg(part.commit.as_str()).stdout_to(output).timeout(PACK_LIMIT);
        command.run().await.map_err(|source| SourceError::Git {
            what: "archive a tree",
            url: url(),
            source,
        })?;
    }
    Ok(())
}

/// Compresses all that comes; nothing if that is too much. A file that nobody
/// takes is removed.
fn compress(
    mut from: impl Read,
    target: NamedTempFile,
    max_size: u64,
) -> io::Result<Option<NamedTempFile>> {
    let mut encoder = zstd::Encoder::new(io::BufWriter::new(target), LEVEL)?;
    let copied = io::copy(&mut from.by_ref().take(max_size.saturating_add(1)), &mut encoder)?;
    if copied > max_size {
        return Ok(None);
    }
    let mut buffered = encoder.finish()?;
    buffered.flush()?;
    Ok(Some(buffered.into_inner().map_err(io::IntoInnerError::into_error)?))
}
