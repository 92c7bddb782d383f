//! Commits as a push webhook lists them, read with git-log(1).

use camino::Utf8Path;
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use super::MAX_COMMITS;
use crate::error::TestbedError;
use crate::forge::git;

#[derive(Clone, Debug, Serialize)]
pub(super) struct Commit {
    id: String,
    message: String,
    url: String,
    author: Person,
    committer: Person,
    verification: Option<()>,
    timestamp: String,
    added: Vec<String>,
    removed: Vec<String>,
    modified: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Person {
    name: String,
    email: String,
    username: String,
}

impl Person {
    /// The forge knows whoever has an address at `example.org`.
    fn new(name: &str, email: &str) -> Self {
        let username = email.strip_suffix("@example.org").unwrap_or_default();
        Self { name: name.to_owned(), email: email.to_owned(), username: username.to_owned() }
    }
}

/// The newest commits of a range, as many as the webhook lists, and how many
/// there are up to `limit`.
pub(super) async fn newest_commits(
    repository: &Utf8Path,
    html_url: &Url,
    range: &str,
    limit: Option<usize>,
) -> Result<(Vec<Commit>, usize), TestbedError> {
    let limit = format!("--max-count={}", limit.map_or(-1, |n| i64::try_from(n).unwrap_or(-1)));
    let ids = git::git_line(repository, &["rev-list", &limit, range, "--"]).await?;
    let ids: Vec<&str> = ids.lines().collect();
    let mut commits = Vec::new();
    for id in ids.iter().take(MAX_COMMITS) {
        commits.push(read(repository, html_url, id).await?);
    }
    Ok((commits, ids.len()))
}

/// Every commit of a range as the API's comparison lists it, newest first.
pub(super) async fn compared(
    repository: &Utf8Path,
    html_url: &Url,
    range: &str,
) -> Result<Vec<Value>, TestbedError> {
    let ids = git::git_line(repository, &["rev-list", range, "--"]).await?;
    let mut commits = Vec::new();
    for id in ids.lines() {
        let commit = read(repository, html_url, id).await?;
        let files = commit.affected();
        let about = json!({ "url": commit.url, "message": commit.message });
        commits.push(json!({ "url": commit.url, "sha": id, "commit": about, "files": files }));
    }
    Ok(commits)
}

async fn read(repository: &Utf8Path, html_url: &Url, id: &str) -> Result<Commit, TestbedError> {
    let format = "--format=%an%x00%ae%x00%cn%x00%ce%x00%aI%x00%B";
    let about = git::git(repository, &["log", "--max-count=1", format, id, "--"]).await?;
    let about = String::from_utf8_lossy(&about).into_owned();
    let mut fields = about.splitn(6, '\0');
    let mut field = || fields.next().unwrap_or_default();
    let author = Person::new(field(), field());
    let committer = Person::new(field(), field());
    let timestamp = field().replace("+00:00", "Z");
    // git-log ends the message, which ends with a newline of its own, with another.
    let message = field().strip_suffix('\n').unwrap_or_default().to_owned();
    let mut commit = Commit {
        id: id.to_owned(),
        message,
        url: format!("{html_url}/commit/{id}"),
        author,
        committer,
        verification: None,
        timestamp,
        added: Vec::new(),
        removed: Vec::new(),
        modified: Vec::new(),
    };
    commit.read_files(repository).await?;
    Ok(commit)
}

impl Commit {
    /// Every file that it changes, as the API lists them.
    pub(super) fn affected(&self) -> Vec<Value> {
        let lists =
            [(&self.added, "added"), (&self.removed, "removed"), (&self.modified, "modified")];
        let of = |(files, status): (&Vec<String>, &'static str)| -> Vec<Value> {
            files.iter().map(|file| json!({ "filename": file, "status": status })).collect()
        };
        lists.into_iter().flat_map(of).collect()
    }

    async fn read_files(&mut self, repository: &Utf8Path) -> Result<(), TestbedError> {
        let arguments =
            ["show", "--format=", "--name-status", "--no-renames", "-z", "-c", &self.id, "--"];
        let output = git::git(repository, &arguments).await?;
        let output = String::from_utf8_lossy(&output);
        let mut parts = output.split('\0').map(|part| part.trim_start_matches('\n'));
        while let (Some(kind), Some(path)) = (parts.next(), parts.next()) {
            let list = match kind.as_bytes().first() {
                Some(b'A') => &mut self.added,
                Some(b'D') => &mut self.removed,
                _ => &mut self.modified,
            };
            list.push(path.to_owned());
        }
        Ok(())
    }
}
