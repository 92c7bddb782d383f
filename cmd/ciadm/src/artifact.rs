//! `ciadm artifacts`: what a job left, listed or downloaded.
//!
//! Paths come from a guest. What is written stays below the named folder: a
//! path with an odd part is refused, no symbolic link is followed on the way
//! (openat(2) with `O_NOFOLLOW`), and a file gets its name only when its size
//! and digest are those that the server told.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use clap::Args;
use futures::StreamExt as _;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, renameat, unlinkat};
use sha2::{Digest as _, Sha256};
use solstice_api::user::Artifact;
use solstice_model::JobId;

use crate::failure::Failure;
use crate::output::{self, Table};
use crate::session::{Access, Session};
use crate::which;

/// Why an artifact was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DownloadError {
    /// It could be written elsewhere.
    #[error(
        "the artifact's path {0:?} is not one that is written: a part of it is empty, `.` or `..`"
    )]
    Path(String),
    /// A file or folder cannot be made.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why not; a symbolic link on the way is among the reasons.
        #[source]
        source: std::io::Error,
    },
    /// What came is not what was announced.
    #[error("the artifact {path} did not arrive whole: {why}")]
    Damaged {
        /// Its path.
        path: String,
        /// What differs.
        why: String,
    },
}

/// `ciadm artifacts`.
#[derive(Debug, Args)]
pub(crate) struct Artifacts {
    /// The job: its id, the last eight digits of it, or RUN/NAME
    job: String,
    /// Write them below this folder, which is made if need be
    #[arg(long, value_name = "DIR")]
    download: Option<PathBuf>,
    #[command(flatten)]
    access: Access,
}

impl Artifacts {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let session = self.access.open()?;
        let job = which::job(&session, &self.job).await?;
        let artifacts = session.all(session.client.job_artifacts_stream(&job, None)).await?;
        if let Some(folder) = &self.download {
            std::fs::create_dir_all(folder).map_err(Failure::file("make", folder))?;
            for artifact in artifacts.iter().filter(|one| one.removed_at.is_none()) {
                download(&session, job, artifact, folder).await?;
                if !session.json {
                    output::line(&output::harmless(&artifact.path));
                }
            }
        }
        if session.json {
            output::json(&artifacts);
        } else if self.download.is_none() {
            table(&artifacts);
        }
        Ok(())
    }
}

fn table(artifacts: &[Artifact]) {
    let mut table = Table::new(&["NUMBER", "SIZE", "SHA-256", "PATH"]);
    for one in artifacts {
        let removed = one.removed_at.map_or("", |_| " (removed)");
        table.row(vec![
            one.index.to_string(),
            solstice_display::size(one.bytes),
            one.sha256.hex()[..12].to_owned(),
            format!("{}{removed}", one.path),
        ]);
    }
    output::table(&table, "The job left no artifacts.");
}

/// The parts of an artifact's path, if it stays where it is put.
fn parts(path: &str) -> Result<Vec<&str>, DownloadError> {
    let odd = |part: &&str| matches!(*part, "" | "." | "..") || part.contains('\0');
    let parts: Vec<&str> = path.split('/').collect();
    if parts.iter().any(odd) { Err(DownloadError::Path(path.to_owned())) } else { Ok(parts) }
}

async fn download(
    session: &Session,
    job: JobId,
    artifact: &Artifact,
    folder: &std::path::Path,
) -> Result<(), Failure> {
    let parts = parts(&artifact.path)?;
    let (name, above) = parts.split_last().expect("a split has at least one part");
    let full = folder.join(&artifact.path);
    let failed = |source: rustix::io::Errno| DownloadError::Write {
        path: full.clone(),
        source: source.into(),
    };
    let place = open_folder(folder, above).map_err(failed)?;
    let new = format!(".{}.{}.part", artifact.index, std::process::id());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let _ = unlinkat(&place, &new, AtFlags::empty());
    let file = openat(&place, &new, flags, Mode::from_raw_mode(0o644)).map_err(failed)?;
    let call = session.client.job_artifact(&job, artifact.index).await;
    let mut bytes = session.bytes(call).await?;
    let done = fetch(session, artifact, &mut bytes, File::from(file), &full).await;
    if let Err(why) = done {
        let _ = unlinkat(&place, &new, AtFlags::empty());
        return Err(why);
    }
    renameat(&place, &new, &place, *name).map_err(failed)?;
    Ok(())
}

/// Opens the folder below `root`, makes what is not there, follows no link.
fn open_folder(root: &std::path::Path, parts: &[&str]) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = openat(CWD, root, flags, Mode::empty())?;
    for part in parts {
        match mkdirat(&at, *part, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
        at = openat(&at, *part, flags | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Ok(at)
}

async fn fetch(
    session: &Session,
    artifact: &Artifact,
    bytes: &mut solstice_client::ByteStream,
    mut file: File,
    full: &std::path::Path,
) -> Result<(), Failure> {
    let failed = |source| DownloadError::Write { path: full.to_owned(), source };
    let damaged = |why: String| DownloadError::Damaged { path: artifact.path.clone(), why };
    let (mut hash, mut size) = (Sha256::new(), 0);
    while let Some(part) = bytes.next().await {
        let part = part.map_err(|error| session.broken(error))?;
        size += part.len() as u64;
        if size > artifact.bytes {
            return Err(damaged(format!("it has more than {} bytes", artifact.bytes)).into());
        }
        hash.update(&part);
        file.write_all(&part).map_err(failed)?;
    }
    let digest = hex::encode(hash.finalize());
    if size != artifact.bytes {
        return Err(damaged(format!("{size} bytes came of {}", artifact.bytes)).into());
    }
    if digest != artifact.sha256.hex() {
        return Err(
            damaged(format!("its digest is {digest}, not {}", artifact.sha256.hex())).into()
        );
    }
    file.sync_all().map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_could_leave_its_folder_is_refused() {
        assert_eq!(parts("target/a b.txt").unwrap(), ["target", "a b.txt"]);
        for bad in ["", "/etc/passwd", "a//b", "../x", "a/./b", "a/..", "a/", "a\0"] {
            assert!(matches!(parts(bad), Err(DownloadError::Path(_))), "{bad:?}");
        }
    }

    #[test]
    fn a_link_on_the_way_is_not_followed() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/tmp", root.path().join("out")).unwrap();
        assert!(open_folder(root.path(), &["out"]).is_err());
        assert!(open_folder(root.path(), &["in", "deep"]).is_ok());
        assert!(root.path().join("in/deep").is_dir());
    }
}
