//! The source of a commit, as an archive on this host's disk.
//!
//! Guests hold no credential of a forge and have no route to one. The host
//! keeps a bare mirror per repository, fetches exactly the wanted commit into
//! it, and packs the tree of that commit, submodules in place, as a tar archive
//! compressed with zstd. Archives are kept for the next job of the commit.
//!
//! What a change's author controls here is the tree: its file names, its
//! attributes and its `.gitmodules`. Attributes that change what is archived
//! (`export-ignore`, `export-subst`) are neutralised; paths and addresses of
//! submodules are checked. An author can still make the host send requests to
//! any http(s) address by naming it as a submodule: on a network where that
//! matters, give the orchestrator a proxy (`https_proxy`) that says no.
//!
//! Not done: Git LFS (the pointer files are archived as they are), submodules
//! over SSH, sparse or partial checkouts, history (a job sees no `.git`).

mod archive;
mod cache;
mod git;
mod mirror;
mod submodule;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use camino::Utf8PathBuf;
use slog::{Logger, warn};
use solstice_api::host::{FetchCredential, Phase};
use solstice_exec::ExecError;
use solstice_log::{chain, keys};
use solstice_model::{BadName, CommitSha, Source};
use url::Url;

use self::cache::Cache;
use self::git::Git;
use self::mirror::Mirrors;
use crate::settings::SourceSettings;

/// Why a commit's source cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The address is of a kind that is not fetched.
    #[error("{url} is not fetched: {why}")]
    Address {
        /// The address, without a password.
        url: String,
        /// Why not.
        why: &'static str,
    },
    /// Git could not do its part.
    #[error("cannot {what} of {url}")]
    Git {
        /// What it was to do.
        what: &'static str,
        /// The repository, without a password.
        url: String,
        /// What it said.
        #[source]
        source: ExecError,
    },
    /// There is no usable Git on this host.
    #[error("git does not work")]
    Program(#[source] ExecError),
    /// The forge does not have the commit.
    #[error("{url} does not have the commit {commit}{said}")]
    NoCommit {
        /// The repository, without a password.
        url: String,
        /// The commit.
        commit: CommitSha,
        /// What Git said, if it said anything, after a separator.
        said: String,
    },
    /// The fetch or the tree is larger than allowed.
    #[error(
        "{what} of {url} has more than {limit} bytes, which `max_size` in the orchestrator's configuration allows"
    )]
    TooLarge {
        /// The fetch or the tree.
        what: &'static str,
        /// The repository, without a password.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// A submodule cannot be followed.
    #[error("submodule {path:?} in the .gitmodules of {url}: {why}")]
    Submodule {
        /// Its path as written.
        path: String,
        /// The repository that has it, without a password.
        url: String,
        /// Why not.
        why: String,
    },
    /// A submodule is recorded at something that is no commit.
    #[error("git names a commit that is none")]
    BadCommit(#[from] BadName),
    /// Another Git works in the mirror and does not end.
    #[error("the mirror {path} has been in use for too long")]
    Busy {
        /// The mirror.
        path: Utf8PathBuf,
    },
    /// A file of the host's cannot be read or written.
    #[error("cannot use {path}")]
    Io {
        /// Which.
        path: Utf8PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// An archive that is ready.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The archive; it stays readable when its name is removed from the cache.
    pub(crate) file: File,
    /// Its size.
    pub(crate) bytes: u64,
    fetch_ms: u64,
    archive_ms: u64,
}

impl Prepared {
    /// Where the time went.
    pub(crate) fn phases(&self) -> Vec<Phase> {
        let phase = |name: &str, took_ms| Phase { name: name.to_owned(), took_ms };
        vec![phase("fetch", self.fetch_ms), phase("archive", self.archive_ms)]
    }
}

/// All mirrors and archives of a host.
pub(crate) struct SourceStore {
    cache: Cache,
    mirrors: Mirrors,
    max_size: u64,
    /// One lock per archive, so that the jobs of one commit share the work.
    /// This guards the map; the locks inside guard the archives.
    under_way: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    log: Logger,
}

impl SourceStore {
    /// Opens the store below the data directory, making what is missing.
    ///
    /// # Errors
    ///
    /// If a directory cannot be made.
    pub(crate) fn open(
        data: &camino::Utf8Path,
        settings: &SourceSettings,
        log: Logger,
    ) -> Result<Arc<Self>, SourceError> {
        let git = Git::new(data.join("git-home"), settings)?;
        Ok(Arc::new(Self {
            cache: Cache::open(data.join("sources"), settings.cache)?,
            mirrors: Mirrors::open(data.join("mirrors"), git, settings)?,
            max_size: settings.max_size,
            under_way: Mutex::default(),
            log,
        }))
    }

    /// Sees whether Git is there at all.
    ///
    /// # Errors
    ///
    /// [`SourceError::Program`] if not.
    pub(crate) async fn check(&self) -> Result<String, SourceError> {
        self.mirrors.git().version().await
    }

    /// Makes a commit's archive ready; tells how many milliseconds the fetch
    /// took when that is done. The credential is used for the repository itself,
    /// never for a submodule, whose address the change's author chose. Cancel safe: what was begun is dropped, what was
    /// finished is kept.
    ///
    /// # Errors
    ///
    /// [`SourceError`] if the source cannot be had.
    pub(crate) async fn prepare(
        &self,
        source: &Source,
        credential: Option<&FetchCredential>,
        fetched: impl FnOnce(u64),
    ) -> Result<Prepared, SourceError> {
        self.mirrors.check_address(&source.clone_url)?;
        let key = cache::key(&source.clone_url, &source.commit);
        let lock = self.lock(&key);
        let _alone = lock.lock().await;
        let started = Instant::now();
        if let Some((file, bytes)) = self.cache.get(&key).await? {
            return Ok(Prepared { file, bytes, fetch_ms: 0, archive_ms: 0 });
        }
        let parts = submodule::gather(&self.mirrors, source, credential).await?;
        let fetch_ms = millis(started);
        fetched(fetch_ms);
        let packing = Instant::now();
        let file = archive::pack(self.mirrors.git(), &parts, self.cache.directory(), self.max_size)
            .await?;
        let (file, bytes) = self.cache.put(&key, file).await?;
        Ok(Prepared { file, bytes, fetch_ms, archive_ms: millis(packing) })
    }

    /// Removes what has not been used for longest until all is within bounds.
    pub(crate) async fn tidy(&self) {
        for tidied in [self.cache.tidy().await, self.mirrors.tidy().await] {
            if let Err(error) = tidied {
                warn!(self.log, "cannot tidy the source store"; keys::ERROR => chain(&error));
            }
        }
    }

    fn lock(&self, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = all.get(key).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::default();
        all.insert(key.to_owned(), Arc::downgrade(&lock));
        lock
    }
}

/// An address for people: without user name and password.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // These fail for addresses that cannot have any.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.to_string()
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn io_error(path: &camino::Utf8Path) -> impl FnOnce(io::Error) -> SourceError {
    let path = path.to_owned();
    move |source| SourceError::Io { path, source }
}

/// The version of the Git that these settings name.
///
/// # Errors
///
/// [`SourceError::Program`] if there is none.
pub async fn check_git(settings: &SourceSettings) -> Result<String, SourceError> {
    let nowhere = Utf8PathBuf::from("/nonexistent");
    Git { program: settings.git.clone(), home: nowhere, allow_file: false }.version().await
}

#[cfg(test)]
mod tests;
