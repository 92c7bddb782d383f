//! Bare mirrors, one per repository, each fetched into by one Git at a time.
//!
//! A mirror holds single commits without history (`--depth=1`), kept alive by
//! `refs/solstice/COMMIT`. Only a server that does not give out single commits
//! is fetched whole.

use std::fs::{File, TryLockError};
use std::io;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest, Sha256};
use solstice_exec::ExecError;
use solstice_model::CommitSha;
use tokio::time::{Instant, sleep};
use url::Url;

use solstice_api::host::FetchCredential;

use super::git::{Git, authorized, holding, refuses_single_commit};
use super::{SourceError, io_error, shown};
use crate::attempt::blocking;
use crate::settings::SourceSettings;

/// A mirror that was used so recently may still be read.
const IN_USE: Duration = Duration::from_secs(3600);

/// More packs than this and Git looks slow.
const MAX_PACKS: usize = 50;

/// Attributes that win over those of the tree: the archive is the tree.
const ATTRIBUTES: &str = "* -export-ignore -export-subst\n";

/// All mirrors of a host.
pub(crate) struct Mirrors {
    directory: Utf8PathBuf,
    git: Git,
    fetch_timeout: Duration,
    max_size: u64,
    keep: u64,
}

/// One mirror.
#[derive(Clone, Debug)]
pub(crate) struct Mirror {
    /// The bare repository.
    pub(crate) path: Utf8PathBuf,
    /// Where it is fetched from.
    pub(crate) url: Url,
}

impl Mirrors {
    pub(crate) fn open(
        directory: Utf8PathBuf,
        git: Git,
        settings: &SourceSettings,
    ) -> Result<Self, SourceError> {
        std::fs::create_dir_all(&directory).map_err(io_error(&directory))?;
        let SourceSettings { fetch_timeout, max_size, mirrors, .. } = *settings;
        Ok(Self { directory, git, fetch_timeout, max_size, keep: mirrors })
    }

    pub(crate) fn git(&self) -> &Git {
        &self.git
    }

    /// Refuses addresses that are not fetched.
    pub(crate) fn check_address(&self, url: &Url) -> Result<(), SourceError> {
        if self.git.allows(url.scheme()) {
            return Ok(());
        }
        let why = match url.scheme() {
            "file" => "the configuration does not say source { allow \"file\"; }",
            _ => "only http and https are",
        };
        Err(SourceError::Address { url: shown(url), why })
    }

    /// Has the commit in the repository's mirror.
    pub(crate) async fn with_commit(
        &self,
        url: &Url,
        commit: &CommitSha,
        credential: Option<&FetchCredential>,
    ) -> Result<Mirror, SourceError> {
        self.check_address(url)?;
        let mirror = Mirror { path: self.directory.join(name(url, commit)), url: url.clone() };
        let lock = self.lock(&mirror).await?;
        touch(&mirror.path.with_extension("lock"));
        self.make(&mirror, commit, &lock).await?;
        if !self.has(&mirror, &reference(commit)).await {
            self.fetch(&mirror, commit, credential, &lock).await?;
        }
        Ok(mirror)
    }

    /// Waits until nobody else fetches into the mirror, a Git that outlived a
    /// former orchestrator included: such a one holds the lock too.
    async fn lock(&self, mirror: &Mirror) -> Result<File, SourceError> {
        let path = mirror.path.with_extension("lock");
        let deadline = Instant::now() + self.fetch_timeout;
        let mut pause = Duration::from_millis(5);
        let mut options = File::options();
        // A Git gets it as its standard input.
        let lock =
            options.read(true).append(true).create(true).open(&path).map_err(io_error(&path))?;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::Error(error)) => return Err(io_error(&path)(error)),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_millis(250));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(SourceError::Busy { path: mirror.path.clone() });
                }
            }
        }
    }

    /// Makes the mirror unless it is there, and removes what a killed Git left.
    async fn make(
        &self,
        mirror: &Mirror,
        commit: &CommitSha,
        lock: &File,
    ) -> Result<(), SourceError> {
        let path = mirror.path.clone();
        if path.join("HEAD").exists() {
            return blocking(move || remove_leftovers(&path)).await.map_err(io_error(&mirror.path));
        }
        let new = path.with_extension("new");
        for half_made in [&new, &path] {
            remove_tree(half_made).map_err(io_error(half_made))?;
        }
        let format = if commit.as_str().len() == 64 { "sha256" } else { "sha1" };
        let init = self.git.command().args(["init", "--quiet", "--bare", "--template="]);
        let init = init.arg(format!("--object-format={format}")).arg(&new);
        let init = holding(init, lock).map_err(io_error(&path))?;
        init.run().await.map_err(|source| self.failed("make the mirror", mirror, source))?;
        let finish = move || {
            std::fs::create_dir_all(new.join("info"))?;
            std::fs::write(new.join("info/attributes"), ATTRIBUTES)?;
            std::fs::rename(&new, &path)
        };
        blocking(finish).await.map_err(io_error(&mirror.path))
    }

    /// Whether the mirror has this commit, and whole: a ref to it is written last.
    async fn has(&self, mirror: &Mirror, revision: &str) -> bool {
        let look = self.git.on(&mirror.path).args(["rev-parse", "--quiet", "--verify"]);
        look.arg(format!("{revision}^{{commit}}")).run().await.is_ok()
    }

    async fn fetch(
        &self,
        mirror: &Mirror,
        commit: &CommitSha,
        credential: Option<&FetchCredential>,
        lock: &File,
    ) -> Result<(), SourceError> {
        let one = format!("+{commit}:{}", reference(commit));
        let Err(error) = self.fetch_refs(mirror, credential, &["--depth=1"], &[&one], lock).await?
        else {
            return self.pack_if_many(mirror, lock).await;
        };
        if !error.stderr().is_some_and(refuses_single_commit) {
            return Err(self.failed("fetch the commit", mirror, error));
        }
        // Heads of pull requests are where GitHub, Forgejo and Gitea keep them.
        let all = [
            "+refs/heads/*:refs/heads/*",
            "+refs/tags/*:refs/tags/*",
            "+refs/pull/*/head:refs/pull/*/head",
        ];
        if let Err(error) = self.fetch_refs(mirror, credential, &["--prune"], &all, lock).await? {
            return Err(self.failed("fetch the branches, tags and pull requests", mirror, error));
        }
        if !self.has(mirror, commit.as_str()).await {
            let said = self.redacted(mirror, error.stderr().unwrap_or_default());
            let said = if said.is_empty() { said } else { format!(": {said}") };
            let (url, commit) = (shown(&mirror.url), commit.clone());
            return Err(SourceError::NoCommit { url, commit, said });
        }
        let keep = self.git.on(&mirror.path).arg("update-ref").arg(reference(commit));
        let kept = keep.arg(commit.as_str()).run().await;
        kept.map_err(|source| self.failed("keep the commit", mirror, source))?;
        self.pack_if_many(mirror, lock).await
    }

    /// Fetches refs within the limits of time and size. What Git says is for
    /// the caller to judge; a fetch that is too large is an error of its own.
    async fn fetch_refs(
        &self,
        mirror: &Mirror,
        credential: Option<&FetchCredential>,
        options: &[&str],
        refs: &[&str],
        lock: &File,
    ) -> Result<Result<(), ExecError>, SourceError> {
        let git = self.git.on(&mirror.path);
        let git = match credential {
            Some(credential) => authorized(git, &mirror.url, credential),
            None => git,
        };
        let fetch = git.arg("fetch").args(options);
        let fetch = fetch.args(["--quiet", "--no-tags", "--no-write-fetch-head", "--force"]);
        let fetch = fetch.args(["--no-auto-maintenance", "--no-recurse-submodules"]);
        let fetch = fetch.arg("--").arg(mirror.url.as_str()).args(refs).timeout(self.fetch_timeout);
        let fetch = holding(fetch, lock).map_err(io_error(&mirror.path))?;
        let packs = mirror.path.join("objects/pack");
        tokio::select! {
            ended = fetch.run() => Ok(ended.map(drop)),
            () = grows_by_more(&packs, self.max_size) => {
                let url = shown(&mirror.url);
                Err(SourceError::TooLarge { what: "the fetch", url, limit: self.max_size })
            }
        }
    }

    /// Keeps the number of packs low; the rest of Git's housekeeping is off.
    async fn pack_if_many(&self, mirror: &Mirror, lock: &File) -> Result<(), SourceError> {
        let packs = mirror.path.join("objects/pack");
        let count = std::fs::read_dir(&packs).map_or(0, Iterator::count);
        // A pack, its index and its reverse index.
        if count / 3 <= MAX_PACKS {
            return Ok(());
        }
        let gc = self.git.on(&mirror.path).args(["gc", "--quiet"]).timeout(self.fetch_timeout);
        let gc = holding(gc, lock).map_err(io_error(&mirror.path))?;
        gc.run().await.map(drop).map_err(|source| self.failed("pack the mirror", mirror, source))
    }

    pub(crate) fn failed(
        &self,
        what: &'static str,
        mirror: &Mirror,
        mut source: ExecError,
    ) -> SourceError {
        if let ExecError::Failed { line, stderr, .. } | ExecError::TimedOut { line, stderr, .. } =
            &mut source
        {
            *stderr = self.redacted(mirror, stderr);
            // The command line repeats the address; what Git said is enough.
            line.0 = vec!["git".into()];
        }
        SourceError::Git { what, url: shown(&mirror.url), source }
    }

    /// What Git said, without the password that the address may hold.
    fn redacted(&self, mirror: &Mirror, stderr: &str) -> String {
        let mut text = stderr.trim().replace(mirror.url.as_str(), &shown(&mirror.url));
        if let Some(password) = mirror.url.password().filter(|it| !it.is_empty()) {
            text = text.replace(password, "***");
        }
        text
    }

    /// Removes the mirrors that were not used for longest until the rest is
    /// within its bound.
    pub(crate) async fn tidy(&self) -> Result<(), SourceError> {
        let (directory, keep) = (self.directory.clone(), self.keep);
        blocking(move || tidy(&directory, keep)).await.map_err(io_error(&self.directory))
    }
}

/// The ref that keeps a commit alive.
fn reference(commit: &CommitSha) -> String {
    format!("refs/solstice/{commit}")
}

/// A mirror's folder: what people recognise, and a digest that makes it unique.
fn name(url: &Url, commit: &CommitSha) -> String {
    let plain = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
    let safe: String = plain
        .trim_end_matches('/')
        .trim_end_matches(".git")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
        .collect();
    let tail = &safe[safe.len().saturating_sub(80)..];
    // SHA-1 and SHA-256 objects cannot share a repository.
    let digest = Sha256::digest(format!("{}\n{}", commit.as_str().len(), url));
    format!("{}-{}.git", tail.trim_start_matches('_'), &hex::encode(digest)[..16])
}

/// Notes that a mirror is used now.
fn touch(lock: &Utf8Path) {
    let touched = File::open(lock).and_then(|file| file.set_modified(SystemTime::now()));
    // A mirror that looks unused is at worst fetched again.
    drop(touched);
}

/// Removes what a killed Git left; nobody else works here now.
fn remove_leftovers(mirror: &Utf8Path) -> io::Result<()> {
    remove_matching(&mirror.join("objects/pack"), |name| name.starts_with("tmp_"))?;
    for folder in ["", "refs/solstice", "refs/heads", "refs/tags", "objects/info"] {
        remove_matching(&mirror.join(folder), |name| name.ends_with(".lock"))?;
    }
    Ok(())
}

fn remove_matching(folder: &Utf8Path, unwanted: impl Fn(&str) -> bool) -> io::Result<()> {
    let entries = match folder.read_dir_utf8() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if unwanted(entry.file_name()) && entry.file_type()?.is_file() {
            crate::file::remove(entry.path())?;
        }
    }
    Ok(())
}

fn remove_tree(path: &Utf8Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Resolves when a folder has grown by more than this. Looks twice a second:
/// Git has no limit of its own for what it fetches.
async fn grows_by_more(folder: &Utf8Path, limit: u64) {
    let before = size_of(folder);
    loop {
        sleep(Duration::from_millis(500)).await;
        if size_of(folder).saturating_sub(before) > limit {
            return;
        }
    }
}

/// The size of all files below a folder; what vanishes meanwhile counts nothing.
fn size_of(folder: &Utf8Path) -> u64 {
    let Ok(entries) = folder.read_dir_utf8() else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => size_of(entry.path()),
            _ => entry.metadata().map_or(0, |about| about.len()),
        })
        .sum()
}

fn tidy(directory: &Utf8Path, keep: u64) -> io::Result<()> {
    let mut mirrors = Vec::new();
    for entry in directory.read_dir_utf8()? {
        let path = entry?.into_path();
        if path.extension() == Some("git") {
            let used = std::fs::metadata(path.with_extension("lock")).and_then(|it| it.modified());
            mirrors.push((used.unwrap_or(SystemTime::UNIX_EPOCH), size_of(&path), path));
        }
    }
    mirrors.sort();
    let mut total: u64 = mirrors.iter().map(|(_, size, _)| size).sum();
    for (used, size, path) in mirrors {
        if total <= keep || used.elapsed().unwrap_or_default() < IN_USE {
            break;
        }
        // The lock's file stays: removing it would let two hold "the" lock.
        let lock = File::options().create(true).append(true).open(path.with_extension("lock"))?;
        if lock.try_lock().is_ok() {
            // Under another name first: a mirror is there whole or not at all.
            let going = path.with_extension("new");
            remove_tree(&going)?;
            std::fs::rename(&path, &going)?;
            remove_tree(&going)?;
            total -= size;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_readable_unique_and_safe() {
        let sha1: CommitSha = "1".repeat(40).parse().unwrap();
        let sha256: CommitSha = "1".repeat(64).parse().unwrap();
        let of = |url: &str, commit| name(&url.parse().unwrap(), commit);
        let plain = of("https://codeberg.org/illumos/gate.git", &sha1);
        assert!(plain.starts_with("codeberg_org_illumos_gate-"), "{plain}");
        for other in ["https://codeberg.org/illumos/gate", "http://codeberg.org/illumos/gate.git"] {
            assert_ne!(of(other, &sha1), plain);
        }
        assert_ne!(of("https://codeberg.org/illumos/gate.git", &sha256), plain);
        let secret = of("https://me:hunter2@x.org/..%2f..%2fetc/%C3%A9", &sha1);
        assert!(!secret.contains("hunter2") && !secret.contains('/') && !secret.contains(".."));
    }

    #[test]
    fn old_mirrors_go_first_and_fresh_ones_stay() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        for (name, hours) in [("old", 9), ("older", 20), ("new", 0)] {
            std::fs::create_dir(root.join(format!("{name}.git"))).unwrap();
            std::fs::write(root.join(format!("{name}.git/pack")), [0; 100]).unwrap();
            let lock = File::create(root.join(format!("{name}.lock"))).unwrap();
            lock.set_modified(SystemTime::now() - Duration::from_secs(hours * 3600)).unwrap();
        }
        tidy(root, 250).unwrap();
        let there = |name: &str| root.join(name).exists();
        assert!(there("old.git") && there("new.git") && !there("older.git"));
        tidy(root, 0).unwrap();
        assert!(!there("old.git") && there("new.git"), "what is fresh may be in use");
    }
}
