//! The bare repositories behind the recording forge.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use solstice_model::{BadName, CommitSha, GitRef, RepoName};
use url::Url;

use super::git;
use crate::error::TestbedError;

/// A directory of bare repositories, `<owner>/<name>.git`, and the address
/// under which a forge shows them.
#[derive(Clone, Debug)]
pub struct Repositories {
    directory: Utf8PathBuf,
    base_url: Url,
    /// Whether only those with the token may read them.
    private: Arc<AtomicBool>,
}

/// What a commit made by [`Repositories::commit`] holds at a path.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A plain file.
    File(Vec<u8>),
    /// A file that may be executed.
    Executable(Vec<u8>),
    /// A symbolic link to this target.
    Symlink(String),
    /// A submodule at this commit.
    Submodule(CommitSha),
}

impl From<&str> for Entry {
    fn from(text: &str) -> Self {
        Entry::File(text.as_bytes().to_vec())
    }
}

impl Repositories {
    /// Uses a directory, which need not exist yet, behind the forge at `base_url`.
    pub fn new(directory: impl Into<Utf8PathBuf>, base_url: Url) -> Self {
        Self { directory: directory.into(), base_url, private: Arc::default() }
    }

    /// Whether only those with the token may read them.
    pub fn private(&self) -> bool {
        self.private.load(Ordering::Relaxed)
    }

    /// Closes or opens all of them to those without the token.
    pub fn set_private(&self, private: bool) {
        self.private.store(private, Ordering::Relaxed);
    }

    /// The directory.
    pub fn directory(&self) -> &Utf8Path {
        &self.directory
    }

    /// The forge's address, with a slash at the end.
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// Where a repository's bare directory is, or would be.
    pub fn path(&self, repository: &RepoName) -> Utf8PathBuf {
        self.directory.join(format!("{repository}.git"))
    }

    /// Whether there is such a repository.
    pub fn exists(&self, repository: &RepoName) -> bool {
        self.path(repository).join("HEAD").is_file()
    }

    /// Where a repository is cloned from.
    pub fn clone_url(&self, repository: &RepoName) -> Url {
        self.url(&format!("{repository}.git"))
    }

    /// Where people look at a repository.
    pub fn html_url(&self, repository: &RepoName) -> Url {
        self.url(repository.as_str())
    }

    pub(super) fn url(&self, path: &str) -> Url {
        self.base_url.join(path).expect("a plain relative path joins to any web address")
    }

    /// Makes an empty repository whose default branch is `main`; returns its
    /// bare directory, to which tests may push.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if it exists or Git fails.
    pub async fn create(&self, repository: &RepoName) -> Result<Utf8PathBuf, TestbedError> {
        let path = self.path(repository);
        if self.exists(repository) {
            return Err(TestbedError::Api {
                what: format!("make the repository {repository}"),
                why: "it exists already".to_owned(),
            });
        }
        let made = tokio::fs::create_dir_all(&path).await;
        made.map_err(|source| TestbedError::Io { what: path.to_string(), source })?;
        let arguments = ["init", "--quiet", "--bare", "--initial-branch=main", "--template="];
        git::git(&path, &arguments).await?;
        Ok(path)
    }

    /// Makes a commit whose whole tree is `files`, on top of what the ref
    /// points to now, and moves the ref to it, without a working tree.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if Git refuses, for instance a path.
    pub async fn commit(
        &self,
        repository: &RepoName,
        git_ref: &GitRef,
        message: &str,
        files: &[(&str, Entry)],
    ) -> Result<CommitSha, TestbedError> {
        let path = self.path(repository);
        let parent = git::resolve(&path, git_ref.as_str()).await;
        let stream = fast_import(git_ref, parent.as_deref(), message, files);
        git::git_with_input(&path, &["fast-import", "--quiet", "--force"], &stream).await?;
        self.tip(repository, git_ref).await
    }

    /// Makes a ref point to this commit.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if Git refuses.
    pub async fn point(
        &self,
        repository: &RepoName,
        git_ref: &GitRef,
        commit: &CommitSha,
    ) -> Result<(), TestbedError> {
        let arguments = ["update-ref", git_ref.as_str(), commit.as_str()];
        git::git(&self.path(repository), &arguments).await.map(drop)
    }

    /// Makes an annotated tag of this commit; returns the tag object's id.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if Git refuses.
    pub async fn annotate(
        &self,
        repository: &RepoName,
        tag: &GitRef,
        commit: &CommitSha,
    ) -> Result<CommitSha, TestbedError> {
        let mut stream = format!("tag {}\nfrom {commit}\n", tag.short()).into_bytes();
        stream.extend_from_slice(b"tagger Alice Example <alice@example.org> 1791634380 +0000\n");
        data(&mut stream, b"Release\n");
        git::git_with_input(&self.path(repository), &["fast-import", "--quiet"], &stream).await?;
        self.tip(repository, tag).await
    }

    /// What a ref points to now: a commit, or the tag object of an annotated tag.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if there is no such ref.
    pub async fn tip(
        &self,
        repository: &RepoName,
        git_ref: &GitRef,
    ) -> Result<CommitSha, TestbedError> {
        let arguments = ["rev-parse", "--verify", "--end-of-options", git_ref.as_str()];
        let tip = git::git_line(&self.path(repository), &arguments).await?;
        tip.parse().map_err(|error: BadName| TestbedError::Api {
            what: format!("read {git_ref} of {repository}"),
            why: error.to_string(),
        })
    }
}

/// One commit as git-fast-import(1) reads it. Its time is fixed, so that the
/// same commits have the same ids in every run.
fn fast_import(
    git_ref: &GitRef,
    parent: Option<&str>,
    message: &str,
    files: &[(&str, Entry)],
) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut head = format!("commit {git_ref}\n");
    let _ = writeln!(head, "committer Alice Example <alice@example.org> 1791634380 +0000");
    stream.extend_from_slice(head.as_bytes());
    data(&mut stream, message.as_bytes());
    if let Some(parent) = parent {
        stream.extend_from_slice(format!("from {parent}\n").as_bytes());
    }
    stream.extend_from_slice(b"deleteall\n");
    for (path, entry) in files {
        let path = path.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let mut inline = |mode: &str, content: &[u8]| {
            stream.extend_from_slice(format!("M {mode} inline \"{path}\"\n").as_bytes());
            data(&mut stream, content);
        };
        match entry {
            Entry::File(content) => inline("100644", content),
            Entry::Executable(content) => inline("100755", content),
            Entry::Symlink(target) => inline("120000", target.as_bytes()),
            Entry::Submodule(commit) => {
                stream.extend_from_slice(format!("M 160000 {commit} \"{path}\"\n").as_bytes());
            }
        }
    }
    stream
}

fn data(stream: &mut Vec<u8>, content: &[u8]) {
    stream.extend_from_slice(format!("data {}\n", content.len()).as_bytes());
    stream.extend_from_slice(content);
    stream.push(b'\n');
}
