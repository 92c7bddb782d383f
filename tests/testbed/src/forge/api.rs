//! The part of Forgejo's API (v1) that a CI system uses, over real repositories.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camino::Utf8Path;
use chrono::Utc;
use http::{Response, StatusCode};
use serde_json::{Value, json};
use solstice_model::RepoName;

use super::answer::{self, Body};
use super::community::Community;
use super::description::Call;
use super::git;
use super::repositories::Repositories;
use super::status::{RecordedStatus, Statuses};

/// What `GET /version` says.
pub(super) const VERSION: &str = "17.0.0+recording";

/// The API's state, for one request.
pub(super) struct Api<'a> {
    pub(super) repositories: &'a Repositories,
    pub(super) statuses: &'a Statuses,
    pub(super) community: &'a Community,
}

impl Api<'_> {
    /// Answers a call that the description allows.
    pub(super) async fn answer(&self, call: &Call, body: &[u8]) -> Response<Body> {
        if call.operation == "GET /version" {
            return answer::json(StatusCode::OK, &json!({ "version": VERSION }));
        }
        let [owner, name, rest @ ..] = call.path.as_slice() else {
            return answer::error(501, "the recording forge does not play this call");
        };
        let Ok(repository) = format!("{owner}/{name}").parse::<RepoName>() else {
            return answer::not_found();
        };
        if !self.repositories.exists(&repository) {
            return answer::not_found();
        }
        let last = rest.first().map_or("", String::as_str);
        match call.operation.strip_prefix("GET /repos/{owner}/{repo}") {
            Some("") => found(self.repositories.described(&repository).await),
            Some("/branches") => self.branches(&repository, call).await,
            Some("/pulls") => self.pull_requests(&repository, call).await,
            Some("/compare/{basehead}") => found(self.compare(&repository, last).await),
            Some("/collaborators/{collaborator}/permission") => self.permission(&repository, last),
            Some("/branches/{branch}") => found(self.repositories.branch(&repository, last).await),
            Some("/tags/{tag}") => found(self.tag(&repository, last).await),
            Some("/contents") => self.contents(&repository, "", call).await,
            Some("/contents/{filepath}") => self.contents(&repository, last, call).await,
            Some("/raw/{filepath}") => self.raw(&repository, last, call).await,
            Some("/git/commits/{sha}") => self.commit(&repository, last).await,
            Some("/statuses/{sha}") => self.list_statuses(&repository, last),
            _ if call.operation == "POST /repos/{owner}/{repo}/statuses/{sha}" => {
                self.create_status(&repository, last, body).await
            }
            _ => answer::error(501, "the recording forge does not play this call"),
        }
    }

    /// The commit that the query's `ref` names, or the default branch.
    async fn revision(&self, repository: &RepoName, call: &Call) -> Option<String> {
        let wanted = call.query.iter().find(|(name, _)| name == "ref");
        let wanted = wanted.map_or("HEAD", |(_, value)| value);
        git::resolve(&self.repositories.path(repository), wanted).await
    }

    async fn contents(&self, repository: &RepoName, path: &str, call: &Call) -> Response<Body> {
        let Some(commit) = self.revision(repository, call).await else {
            return answer::not_found();
        };
        let found = Entry::find(self.repositories, repository, &commit, path).await;
        match found {
            None => answer::not_found(),
            Some(Found::One(entry)) => {
                let content = self.blob(repository, &entry.id).await.unwrap_or_default();
                answer::json(StatusCode::OK, &entry.described(Some(&content)))
            }
            Some(Found::Several(entries)) => {
                let entries: Vec<Value> =
                    entries.iter().map(|entry| entry.described(None)).collect();
                answer::json(StatusCode::OK, &entries.into())
            }
        }
    }

    async fn raw(&self, repository: &RepoName, path: &str, call: &Call) -> Response<Body> {
        let Some(commit) = self.revision(repository, call).await else {
            return answer::not_found();
        };
        match Entry::find(self.repositories, repository, &commit, path).await {
            Some(Found::One(entry)) => match self.blob(repository, &entry.id).await {
                Some(content) => answer::typed(StatusCode::OK, "application/octet-stream", content),
                None => answer::not_found(),
            },
            _ => answer::not_found(),
        }
    }

    async fn blob(&self, repository: &RepoName, id: &str) -> Option<Vec<u8>> {
        git::git(&self.repositories.path(repository), &["cat-file", "blob", id]).await.ok()
    }

    async fn commit(&self, repository: &RepoName, revision: &str) -> Response<Body> {
        let path = self.repositories.path(repository);
        let Some(sha) = git::resolve(&path, revision).await else { return answer::not_found() };
        let arguments = ["log", "--max-count=1", "--format=%B", &sha, "--"];
        let message = git::git_line(&path, &arguments).await.unwrap_or_default();
        let url = format!("api/v1/repos/{repository}/git/commits/{sha}");
        let url = self.repositories.url(&url);
        let commit = json!({ "url": url, "message": format!("{message}\n") });
        answer::json(StatusCode::OK, &json!({ "url": url, "sha": sha, "commit": commit }))
    }

    async fn compare(&self, repository: &RepoName, both: &str) -> Option<Value> {
        let (base, head) = both.split_once("...")?;
        self.repositories.compared(repository, base, head).await
    }

    /// A tag; an annotated one has an id of its own.
    async fn tag(&self, repository: &RepoName, name: &str) -> Option<Value> {
        let path = self.repositories.path(repository);
        let full = format!("refs/tags/{name}");
        let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", &full];
        let id = git::git_line(&path, &arguments).await.ok()?;
        let sha = git::resolve(&path, &full).await?;
        let url = self.repositories.url(&format!("api/v1/repos/{repository}/git/commits/{sha}"));
        let commit = json!({ "url": url, "sha": sha, "created": "2026-10-10T12:13:00Z" });
        Some(json!({ "name": name, "message": "", "id": id, "commit": commit }))
    }

    /// Records a status. An unknown commit is an error of the server's, as it
    /// is with Forgejo and Gitea.
    async fn create_status(
        &self,
        repository: &RepoName,
        commit: &str,
        body: &[u8],
    ) -> Response<Body> {
        let Some(full) = git::resolve(&self.repositories.path(repository), commit).await else {
            return answer::error(
                500,
                &format!("object does not exist [id: {commit}, rel_path: ]"),
            );
        };
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let field = |name: &str| body[name].as_str().unwrap_or_default().trim().to_owned();
        let context = Some(field("context")).filter(|context| !context.is_empty());
        let status = self.statuses.record(RecordedStatus {
            id: 0,
            at: Utc::now(),
            repository: repository.clone(),
            commit: full,
            context: context.unwrap_or("default".to_owned()),
            state: field("state"),
            description: field("description"),
            target_url: field("target_url"),
        });
        answer::json(StatusCode::CREATED, &described(&status))
    }

    fn list_statuses(&self, repository: &RepoName, commit: &str) -> Response<Body> {
        let all = self.statuses.all();
        let of_commit = |s: &&RecordedStatus| s.repository == *repository && s.commit == commit;
        let newest_first: Vec<Value> = all.iter().filter(of_commit).rev().map(described).collect();
        answer::json(StatusCode::OK, &newest_first.into())
    }
}

/// What was asked for, or Forgejo's word for whatever is absent.
fn found(found: Option<Value>) -> Response<Body> {
    found.map_or_else(answer::not_found, |found| answer::json(StatusCode::OK, &found))
}

fn described(status: &RecordedStatus) -> Value {
    json!({
        "id": status.id,
        "status": status.state,
        "target_url": status.target_url,
        "description": status.description,
        "url": "",
        "context": status.context,
        "creator": null,
        "created_at": status.at,
        "updated_at": status.at,
    })
}

/// An entry of a tree.
struct Entry {
    kind: &'static str,
    id: String,
    size: u64,
    path: String,
}

enum Found {
    One(Entry),
    Several(Vec<Entry>),
}

impl Entry {
    async fn find(
        repositories: &Repositories,
        repository: &RepoName,
        commit: &str,
        path: &str,
    ) -> Option<Found> {
        let directory = repositories.path(repository);
        let list = |tree: String| Entry::list(&directory, tree);
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if path.is_empty() {
            return list(format!("{commit}:")).await.map(Found::Several);
        }
        let siblings = list(format!("{commit}:{parent}")).await?;
        let mut entry = siblings.into_iter().find(|entry| entry.path == name)?;
        entry.path = path.to_owned();
        if entry.kind != "dir" {
            return Some(Found::One(entry));
        }
        let mut entries = list(format!("{commit}:{path}")).await?;
        for entry in &mut entries {
            entry.path = format!("{path}/{}", entry.path);
        }
        Some(Found::Several(entries))
    }

    async fn list(directory: &Utf8Path, tree: String) -> Option<Vec<Self>> {
        let output = git::git(directory, &["ls-tree", "-z", "--long", &tree]).await.ok()?;
        let text = String::from_utf8_lossy(&output);
        Some(text.split('\0').filter_map(Entry::parse).collect())
    }

    /// One line of git-ls-tree(1): mode, type, id, size, tab, name.
    fn parse(line: &str) -> Option<Self> {
        let (about, path) = line.split_once('\t')?;
        let mut about = about.split_ascii_whitespace();
        let kind = match about.next()? {
            "040000" => "dir",
            "120000" => "symlink",
            "160000" => "submodule",
            _ => "file",
        };
        let id = about.nth(1)?.to_owned();
        let size = about.next()?.parse().unwrap_or(0);
        Some(Self { kind, id, size, path: path.to_owned() })
    }

    fn described(&self, content: Option<&[u8]>) -> Value {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let target = content.filter(|_| self.kind == "symlink").map(String::from_utf8_lossy);
        let content = content.filter(|_| self.kind == "file").map(|c| STANDARD.encode(c));
        json!({
            "name": name,
            "path": self.path,
            "sha": self.id,
            "last_commit_sha": "",
            "last_commit_when": "2026-10-11T12:13:00Z",
            "type": self.kind,
            "size": self.size,
            "encoding": content.as_ref().map(|_| "base64"),
            "content": content,
            "target": target,
            "url": null,
            "html_url": null,
            "git_url": null,
            "download_url": null,
            "submodule_git_url": null,
            "_links": { "self": null, "git": null, "html": null },
        })
    }
}
