//! The work tree as a commit, without touching the repository.
//!
//! What `git add --all` would take (changed, new, not ignored) is written with
//! an index and an object store of our own; the repository's objects are only
//! read. Submodules are taken at the commit that is recorded for them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use solstice_exec::Command;
use solstice_model::{CommitSha, GitRef, RepoName};
use url::Url;

use super::RunError;

/// How long Git may take to look at a work tree.
const LIMIT: Duration = Duration::from_secs(600);

/// The branch that a detached or unborn HEAD is said to be.
const NO_BRANCH: &str = "main";

/// A Git work tree.
#[derive(Debug)]
pub(crate) struct WorkTree {
    /// Its root.
    pub(crate) root: PathBuf,
    /// The branch that is checked out.
    pub(crate) git_ref: GitRef,
    /// `local/<name of the root>`.
    pub(crate) name: RepoName,
}

/// A work tree as a commit in a bare repository of its own.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// The commit.
    pub(crate) commit: CommitSha,
    /// Where a host fetches it.
    pub(crate) clone_url: Url,
    /// What HEAD's message begins with.
    pub(crate) title: String,
    /// Whether the tree differs from HEAD.
    pub(crate) dirty: bool,
}

impl WorkTree {
    /// The work tree that a directory is in.
    pub(crate) fn around(directory: &Path) -> Result<Self, RunError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(RunError::runtime)?.block_on(Self::find(directory))
    }

    async fn find(directory: &Path) -> Result<Self, RunError> {
        let found = git(directory, ["rev-parse", "--show-toplevel"]).run().await;
        let none = |source| RunError::NoWorkTree { path: directory.to_owned(), source };
        let root = PathBuf::from(line(&found.map_err(none)?));
        // Fails where HEAD is detached; an unborn branch has a name.
        let head = git(&root, ["symbolic-ref", "--quiet", "HEAD"]).run().await;
        let head = head.map(|output| line(&output)).ok().and_then(|name| name.parse().ok());
        let usual = || format!("refs/heads/{NO_BRANCH}").parse().expect("it is a full ref");
        let name = repository_name(&root);
        Ok(Self { root, git_ref: head.unwrap_or_else(usual), name })
    }

    /// Writes the tree as a commit into `session/snapshot.git`.
    pub(crate) async fn snapshot(&self, session: &Path) -> Result<Snapshot, RunError> {
        let bare = session.join("snapshot.git");
        let failed = |what| move |source| RunError::Git { what, source };
        let shared =
            git(&self.root, ["rev-parse", "--path-format=absolute", "--git-path", "objects"]);
        let shared = line(&shared.run().await.map_err(failed("find the repository's objects"))?);
        let format = git(&self.root, ["rev-parse", "--show-object-format"]).run().await;
        let format = line(&format.map_err(failed("find the repository's object format"))?);
        let init = ["init", "--quiet", "--bare", "--object-format", &format];
        let made = git(session, init).arg(&bare).run().await;
        made.map_err(failed("make a repository for the snapshot"))?;
        let alternates = bare.join("objects/info/alternates");
        std::fs::write(&alternates, format!("{shared}\n"))
            .map_err(RunError::io("write", &alternates))?;

        let ours = |command: Command| {
            command
                .env("GIT_INDEX_FILE", bare.join("snapshot.index"))
                .env("GIT_OBJECT_DIRECTORY", bare.join("objects"))
                .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &shared)
        };
        let head = git(&self.root, ["rev-parse", "--quiet", "--verify", "HEAD^{commit}"]);
        let head = head.run().await.ok().map(|output| line(&output));
        if let Some(head) = &head {
            let read = ours(git(&self.root, ["read-tree", head]));
            read.run().await.map_err(failed("read the tree of HEAD"))?;
        }
        let add = ours(git(&self.root, ["add", "--all", "--", "."]));
        add.run().await.map_err(failed("take up the work tree"))?;
        let tree = ours(git(&self.root, ["write-tree"])).run().await;
        let tree = line(&tree.map_err(failed("write the work tree"))?);
        self.commit(&bare, head.as_deref(), &tree, ours).await
    }

    /// The commit of that tree: HEAD itself if nothing differs.
    async fn commit(
        &self,
        bare: &Path,
        head: Option<&str>,
        tree: &str,
        ours: impl Fn(Command) -> Command,
    ) -> Result<Snapshot, RunError> {
        let failed = |what| move |source| RunError::Git { what, source };
        let (head_tree, title) = match head {
            Some(head) => {
                let shown = git(&self.root, ["log", "-1", "--format=%T%n%s", head]).run().await;
                let shown = shown.map_err(failed("read HEAD"))?;
                let text = shown.stdout_text().into_owned();
                let (tree, title) = text.split_once('\n').unwrap_or((text.as_str(), ""));
                (tree.to_owned(), title.trim().to_owned())
            }
            None => (String::new(), String::new()),
        };
        let commit = match head {
            Some(head) if head_tree == tree => head.to_owned(),
            _ => {
                let arguments = ["commit-tree", tree, "-m", "The work tree as it is"];
                let parent = head.into_iter().flat_map(|head| ["-p", head]);
                let made = ours(git(&self.root, arguments.into_iter().chain(parent)))
                    .env("GIT_AUTHOR_NAME", "cidev")
                    .env("GIT_AUTHOR_EMAIL", "cidev@localhost")
                    .env("GIT_COMMITTER_NAME", "cidev")
                    .env("GIT_COMMITTER_EMAIL", "cidev@localhost");
                line(&made.run().await.map_err(failed("commit the work tree"))?)
            }
        };
        let update = git(bare, ["update-ref", self.git_ref.as_str(), &commit]);
        update.run().await.map_err(failed("name the snapshot"))?;
        let clone_url = Url::from_file_path(bare);
        let clone_url = clone_url.map_err(|()| RunError::Path { path: bare.to_owned() })?;
        let odd =
            |source| RunError::Part { what: "read Git's commit id", source: Box::new(source) };
        let dirty = head_tree != tree;
        Ok(Snapshot { commit: commit.parse().map_err(odd)?, clone_url, title, dirty })
    }
}

fn git<'a>(directory: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Command {
    Command::new("git")
        .args(arguments)
        .current_dir(directory)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .timeout(LIMIT)
        .remedy("install git")
}

fn line(output: &solstice_exec::Output) -> String {
    output.stdout_text().trim_end_matches('\n').to_owned()
}

/// A repository needs a name of two parts.
fn repository_name(root: &Path) -> RepoName {
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    let fits = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = name.chars().map(fits).take(60).collect();
    let named = format!("local/{}", name.trim_start_matches(['.', '-'])).parse();
    named.unwrap_or_else(|_| "local/tree".parse().expect("it is a repository's name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(directory: &Path, arguments: &[&str]) -> String {
        let command = git(directory, arguments.iter().copied())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_NAME", "a")
            .env("GIT_AUTHOR_EMAIL", "a@b")
            .env("GIT_COMMITTER_NAME", "a")
            .env("GIT_COMMITTER_EMAIL", "a@b");
        line(&command.run().await.unwrap())
    }

    /// A repository with one commit, and a folder for a session.
    async fn repository() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let keep = tempfile::tempdir().unwrap();
        let (root, session) = (keep.path().join("my tree"), keep.path().join("session"));
        std::fs::create_dir_all(&root).unwrap();
        std::fs::create_dir_all(&session).unwrap();
        run(&root, &["init", "-q", "-b", "topic"]).await;
        std::fs::write(root.join(".gitignore"), "*.o\n").unwrap();
        std::fs::write(root.join("kept"), "1").unwrap();
        std::fs::write(root.join("gone"), "1").unwrap();
        run(&root, &["add", "."]).await;
        run(&root, &["commit", "-qm", "First\n\nbody"]).await;
        (keep, root, session)
    }

    #[tokio::test]
    async fn a_clean_tree_is_head_itself() {
        let (_keep, root, session) = repository().await;
        let tree = WorkTree::find(&root).await.unwrap();
        assert_eq!(tree.git_ref.as_str(), "refs/heads/topic");
        assert_eq!(tree.name.as_str(), "local/my-tree");
        let snapshot = tree.snapshot(&session).await.unwrap();
        assert_eq!(snapshot.commit.as_str(), run(&root, &["rev-parse", "HEAD"]).await);
        assert_eq!((snapshot.title.as_str(), snapshot.dirty), ("First", false));
    }

    #[tokio::test]
    async fn changed_new_and_removed_files_are_taken_and_ignored_ones_are_not() {
        let (_keep, root, session) = repository().await;
        std::fs::write(root.join("kept"), "2").unwrap();
        std::fs::write(root.join("new"), "1").unwrap();
        std::fs::write(root.join("a.o"), "1").unwrap();
        std::fs::remove_file(root.join("gone")).unwrap();
        let before = run(&root, &["status", "--porcelain"]).await;
        let objects = run(&root, &["count-objects"]).await;
        let tree = WorkTree::find(&root.join(".")).await.unwrap();
        let snapshot = tree.snapshot(&session).await.unwrap();
        assert!(snapshot.dirty);
        let bare = session.join("snapshot.git");
        let listed = run(&bare, &["ls-tree", "--name-only", snapshot.commit.as_str()]).await;
        assert_eq!(listed, ".gitignore\nkept\nnew");
        let shown = run(&bare, &["show", &format!("{}:kept", snapshot.commit)]).await;
        assert_eq!(shown, "2");
        assert_eq!(run(&root, &["status", "--porcelain"]).await, before, "the index is as it was");
        assert_eq!(run(&root, &["count-objects"]).await, objects, "nothing was written there");
    }

    #[tokio::test]
    async fn a_tree_without_any_commit_will_do() {
        let keep = tempfile::tempdir().unwrap();
        let (root, session) = (keep.path().join("tree"), keep.path().join("session"));
        std::fs::create_dir_all(&root).unwrap();
        std::fs::create_dir_all(&session).unwrap();
        run(&root, &["init", "-q"]).await;
        std::fs::write(root.join("new"), "1").unwrap();
        let tree = WorkTree::find(&root).await.unwrap();
        let snapshot = tree.snapshot(&session).await.unwrap();
        assert!(snapshot.dirty);
    }

    #[tokio::test]
    async fn outside_of_a_work_tree_there_is_a_remedy() {
        let keep = tempfile::tempdir().unwrap();
        let error = WorkTree::find(keep.path()).await.unwrap_err();
        assert!(matches!(error, RunError::NoWorkTree { .. }), "{error:?}");
    }
}
