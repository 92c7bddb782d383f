//! The calls that list things, page by page, and those about people.

use http::{Response, StatusCode};
use serde_json::{Value, json};
use solstice_model::RepoName;

use super::answer::{self, Body};
use super::api::Api;
use super::description::Call;
use super::git;

/// Forgejo's `DEFAULT_PAGING_NUM` and `MAX_RESPONSE_ITEMS`.
const PER_PAGE: (usize, usize) = (30, 50);

impl Api<'_> {
    pub(super) async fn branches(&self, repository: &RepoName, call: &Call) -> Response<Body> {
        let path = self.repositories.path(repository);
        let arguments = ["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/"];
        let names = git::git_line(&path, &arguments).await.unwrap_or_default();
        let names: Vec<&str> = names.lines().collect();
        let mut branches = Vec::new();
        for name in page(&names, call) {
            branches.extend(self.repositories.branch(repository, name).await);
        }
        answer::json(StatusCode::OK, &branches.into())
    }

    pub(super) async fn pull_requests(&self, repository: &RepoName, call: &Call) -> Response<Body> {
        let open = self.community.open(repository);
        let mut described = Vec::new();
        for told in page(&open, call) {
            // What cannot be read is null, as with Forgejo.
            let one = self.repositories.described_pull_request(repository, told).await;
            described.push(one.unwrap_or(Value::Null));
        }
        answer::json(StatusCode::OK, &described.into())
    }

    pub(super) fn permission(&self, repository: &RepoName, user: &str) -> Response<Body> {
        match self.community.permission(repository, user) {
            Some(level) => {
                let told = json!({ "permission": level, "role_name": level, "user": null });
                answer::json(StatusCode::OK, &told)
            }
            None => answer::error(404, &format!("user does not exist [uid: 0, name: {user}]")),
        }
    }
}

/// The part of a list that a call asks for.
fn page<'l, T>(all: &'l [T], call: &Call) -> impl Iterator<Item = &'l T> + use<'l, T> {
    let given = |name: &str| call.query.iter().find(|(it, _)| it == name);
    let number = |name: &str| given(name).and_then(|(_, value)| value.parse::<usize>().ok());
    let per_page = number("limit").unwrap_or(PER_PAGE.0).min(PER_PAGE.1);
    let page = number("page").unwrap_or(1).max(1);
    all.iter().skip((page - 1) * per_page).take(per_page)
}
