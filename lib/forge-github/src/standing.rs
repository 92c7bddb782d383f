//! What a repository holds now.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use solstice_forge::{ForgeError, MAX_STANDING, MAX_TITLE_CHARS, Push, Repository, Standing, text};
use solstice_model::{CommitSha, GitRef, RepoName};

use crate::api::{Api, parsed, unusable};
use crate::body::{BodyRepository, User, author, is_queue};
use crate::pull_request::Description;

/// The most things on one page.
const PER_PAGE: usize = 100;

/// The largest page of a list. A pull request takes about 30 KB.
const MAX_PAGE_BYTES: usize = 16 * 1024 * 1024;

/// The most commits that are remembered.
const MAX_REMEMBERED: usize = 20_000;

#[derive(Deserialize)]
struct Branch {
    name: String,
    commit: Tip,
}

#[derive(Deserialize)]
struct Tip {
    sha: String,
}

/// A commit with what GitHub knows of it.
#[derive(Deserialize)]
struct Listed {
    commit: Message,
    /// Whose address its author's is, if anybody's.
    author: Option<User>,
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

/// What is shown of a commit.
#[derive(Clone)]
struct About {
    title: String,
    author: String,
}

/// What is known of commits. GitHub's list of branches says neither what their
/// commits say nor whose they are, so each is asked for, once.
#[derive(Default)]
pub(crate) struct Commits {
    /// Held for no more than a look.
    known: Mutex<HashMap<CommitSha, About>>,
}

impl Commits {
    /// What the repository holds.
    pub(crate) async fn standing(
        &self,
        api: &Api,
        repository: &RepoName,
    ) -> Result<Standing, ForgeError> {
        let described: BodyRepository = api.ask(repository, &[], &[]).await?;
        let what = format!("repository {repository}");
        let checked = described.checked().map_err(|why| unusable(&what, why))?;
        let mut branches = Vec::new();
        for branch in list::<Branch>(api, repository, "branches", &[]).await? {
            let Some((git_ref, commit)) = branch.checked() else { continue };
            let about = self.about(api, repository, &commit).await?;
            branches.push(pushed(&checked, git_ref, commit, about));
        }
        let open = [("state", "open"), ("sort", "updated"), ("direction", "desc")];
        let pulls: Vec<Description> = list(api, repository, "pulls", &open).await?;
        // As from a webhook, those whose names we do not take are passed over.
        let told = |pull: Description| pull.checked(described.id, checked.clone(), None).ok();
        let pull_requests = pulls.into_iter().filter_map(told).collect();
        Ok(Standing { branches, pull_requests })
    }

    async fn about(
        &self,
        api: &Api,
        repository: &RepoName,
        commit: &CommitSha,
    ) -> Result<About, ForgeError> {
        if let Some(about) = self.known(|known| known.get(commit).cloned()) {
            return Ok(about);
        }
        // Alone in a list, a commit comes without what it changed.
        let query = [("sha", commit.as_str()), ("per_page", "1")];
        let listed: Vec<Listed> = api.ask(repository, &["commits"], &query).await?;
        let listed = listed.into_iter().next();
        let Listed { commit: Message { message }, author: user } =
            listed.ok_or_else(|| unusable(&format!("commit {commit}"), "it is not there"))?;
        let title = text::first_line(&message, MAX_TITLE_CHARS);
        let about = About { title, author: author(user) };
        self.known(|known| {
            if known.len() >= MAX_REMEMBERED {
                known.clear();
            }
            known.insert(commit.clone(), about.clone());
        });
        Ok(about)
    }

    fn known<T>(&self, look: impl FnOnce(&mut HashMap<CommitSha, About>) -> T) -> T {
        look(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Branch {
    /// Its ref and commit; `None` if we would not take them from a webhook either.
    fn checked(self) -> Option<(GitRef, CommitSha)> {
        let git_ref: GitRef = format!("refs/heads/{}", self.name).parse().ok()?;
        let commit = self.commit.sha.parse().ok()?;
        (!is_queue(&git_ref)).then_some((git_ref, commit))
    }
}

/// A branch as if its commit's author had just pushed it.
fn pushed(repository: &Repository, git_ref: GitRef, commit: CommitSha, about: About) -> Push {
    let About { title, author: actor } = about;
    Push { repository: repository.clone(), git_ref, commit, before: None, title, actor }
}

/// The first [`MAX_STANDING`] of a list.
async fn list<T: DeserializeOwned>(
    api: &Api,
    repository: &RepoName,
    of: &str,
    query: &[(&str, &str)],
) -> Result<Vec<T>, ForgeError> {
    let mut all = Vec::new();
    for page in 1..=MAX_STANDING.div_ceil(PER_PAGE) {
        let (per_page, page) = (PER_PAGE.to_string(), page.to_string());
        let paged = [("per_page", per_page.as_str()), ("page", page.as_str())];
        let query: Vec<_> = query.iter().copied().chain(paged).collect();
        let call = api.get(repository, &[of], &query);
        let answer = api.send(repository, &call, StatusCode::OK).await?;
        let some: Vec<T> = parsed(&call.what, answer, MAX_PAGE_BYTES).await?;
        let last = some.len() < PER_PAGE;
        all.extend(some);
        if last {
            break;
        }
    }
    Ok(all)
}
