//! What a repository holds now.

use std::cmp::Reverse;

use serde::Deserialize;
use serde_json::Value;
use solstice_forge::{
    ForgeError, MAX_STANDING, MAX_TITLE_CHARS, PullRequest, Push, Repository, Standing, text,
};
use solstice_model::RepoName;

use crate::ask::{ask, unusable};
use crate::body::{BodyRepository, NOBODY};
use crate::client::{Client, below};
use crate::pull_request::{Description, told};

/// The most branches that are looked at for the newest. The API orders them as
/// it likes.
const MAX_BRANCHES: usize = 1000;

/// How many branches are asked for at once.
const BRANCHES_PER_PAGE: usize = 50;

/// How many pull requests, which take some ten KiB and a description each.
const PULL_REQUESTS_PER_PAGE: usize = 20;

#[derive(Deserialize)]
struct Branch {
    name: String,
    commit: BranchCommit,
}

#[derive(Deserialize)]
struct BranchCommit {
    id: String,
    message: String,
    /// RFC 3339, in any zone.
    timestamp: chrono::DateTime<chrono::FixedOffset>,
    author: Option<Author>,
}

#[derive(Deserialize)]
struct Author {
    /// Empty if the forge knows nobody by that address.
    #[serde(default)]
    username: String,
}

/// Asks for the newest branches and open pull requests.
pub(crate) async fn standing(
    client: &Client,
    repository: &RepoName,
) -> Result<Standing, ForgeError> {
    let described: BodyRepository = ask(client, &below(repository, &[]), &[]).await?;
    let here = described.id;
    let checked = described.checked();
    let described = checked.map_err(|why| unusable(format!("repository {repository}"), why))?;
    let path = below(repository, &["branches"]);
    let branches = pages(client, &path, &[], BRANCHES_PER_PAGE, MAX_BRANCHES).await?;
    let path = below(repository, &["pulls"]);
    let open = [("state", "open"), ("sort", "recentupdate")];
    let open = pages(client, &path, &open, PULL_REQUESTS_PER_PAGE, MAX_STANDING).await?;
    let pull_requests = open.into_iter().filter_map(|it| pull_request(it, &described, here));
    Ok(Standing {
        branches: newest(branches, &described),
        pull_requests: pull_requests.take(MAX_STANDING).collect(),
    })
}

/// The entries of a list, page by page up to the most. A server may make its
/// pages shorter than we ask, so only an empty one is the last.
async fn pages(
    client: &Client,
    path: &[&str],
    query: &[(&str, &str)],
    per_page: usize,
    most: usize,
) -> Result<Vec<Value>, ForgeError> {
    let limit = per_page.to_string();
    let mut all = Vec::new();
    for page in 1..=most {
        let page = page.to_string();
        let query = [query, &[("page", page.as_str()), ("limit", limit.as_str())]].concat();
        let entries: Vec<Value> = ask(client, path, &query).await?;
        if entries.is_empty() {
            break;
        }
        all.extend(entries);
        if all.len() >= most {
            break;
        }
    }
    Ok(all)
}

/// The newest branches by the time of their commits. What makes no sense is left
/// out: it must not hide the others.
fn newest(entries: Vec<Value>, repository: &Repository) -> Vec<Push> {
    let branches = entries.into_iter().filter_map(|it| serde_json::from_value::<Branch>(it).ok());
    let mut branches: Vec<Branch> = branches.collect();
    branches.sort_by_key(|branch| Reverse(branch.commit.timestamp));
    let pushes = branches.into_iter().filter_map(|branch| push(branch, repository));
    pushes.take(MAX_STANDING).collect()
}

fn push(branch: Branch, repository: &Repository) -> Option<Push> {
    let Branch { name, commit } = branch;
    let author = commit.author.map(|author| text::one_line(&author.username, MAX_TITLE_CHARS));
    Some(Push {
        repository: repository.clone(),
        git_ref: format!("refs/heads/{name}").parse().ok()?,
        commit: commit.id.parse().ok()?,
        before: None,
        title: text::first_line(&commit.message, MAX_TITLE_CHARS),
        actor: author.filter(|name| !name.is_empty()).unwrap_or_else(|| NOBODY.to_owned()),
    })
}

/// An open pull request; null if the forge could not read it. Who pushed last
/// is not told, so it is as if its author had.
fn pull_request(entry: Value, repository: &Repository, here: i64) -> Option<PullRequest> {
    let description: Description = serde_json::from_value(entry).ok()?;
    let actor = description.author();
    told(description, repository.clone(), here, actor).ok()
}
