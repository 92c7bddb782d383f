//! Users and repositories as Forgejo's webhooks describe them. The order of
//! the fields is Forgejo's.

use camino::Utf8Path;
use serde::Serialize;
use solstice_model::RepoName;

use crate::error::TestbedError;
use crate::forge::git;
use crate::forge::repositories::Repositories;

/// Go's zero time.
const NEVER: &str = "0001-01-01T00:00:00Z";

#[derive(Clone, Debug, Serialize)]
pub(super) struct User {
    id: u64,
    login: String,
    login_name: &'static str,
    source_id: u64,
    full_name: String,
    email: String,
    avatar_url: String,
    html_url: String,
    language: &'static str,
    is_admin: bool,
    last_login: &'static str,
    created: &'static str,
    restricted: bool,
    active: bool,
    prohibit_login: bool,
    location: &'static str,
    pronouns: &'static str,
    website: &'static str,
    description: &'static str,
    visibility: &'static str,
    followers_count: u64,
    following_count: u64,
    starred_repos_count: u64,
    username: String,
}

impl User {
    pub(super) fn new(forge: &Repositories, login: &str) -> Self {
        let host = forge.base_url().host_str().unwrap_or("localhost");
        Self {
            id: 7,
            login: login.to_owned(),
            login_name: "",
            source_id: 0,
            full_name: String::new(),
            email: format!("{login}@noreply.{host}"),
            avatar_url: format!("{}avatars/00000000000000000000000000000007", forge.base_url()),
            html_url: format!("{}{login}", forge.base_url()),
            language: "",
            is_admin: false,
            last_login: NEVER,
            created: "2024-02-03T04:05:06Z",
            restricted: false,
            active: false,
            prohibit_login: false,
            location: "",
            pronouns: "",
            website: "",
            description: "",
            visibility: "public",
            followers_count: 0,
            following_count: 0,
            starred_repos_count: 0,
            username: login.to_owned(),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
struct Permissions {
    admin: bool,
    push: bool,
    pull: bool,
}

#[derive(Clone, Debug, Serialize)]
struct InternalTracker {
    enable_time_tracker: bool,
    allow_only_contributors_to_track_time: bool,
    enable_issue_dependencies: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Repository {
    id: i64,
    owner: User,
    name: String,
    full_name: String,
    description: &'static str,
    empty: bool,
    private: bool,
    fork: bool,
    template: bool,
    parent: Option<()>,
    mirror: bool,
    size: u64,
    language: &'static str,
    languages_url: String,
    html_url: String,
    url: String,
    link: &'static str,
    ssh_url: String,
    clone_url: String,
    original_url: &'static str,
    website: &'static str,
    stars_count: u64,
    forks_count: u64,
    watchers_count: u64,
    open_issues_count: u64,
    open_pr_counter: u64,
    release_counter: u64,
    default_branch: String,
    archived: bool,
    created_at: &'static str,
    updated_at: &'static str,
    archived_at: &'static str,
    permissions: Permissions,
    has_issues: bool,
    internal_tracker: InternalTracker,
    has_wiki: bool,
    wiki_branch: &'static str,
    globally_editable_wiki: bool,
    has_pull_requests: bool,
    has_projects: bool,
    has_releases: bool,
    has_packages: bool,
    has_actions: bool,
    ignore_whitespace_conflicts: bool,
    allow_merge_commits: bool,
    allow_rebase: bool,
    allow_rebase_explicit: bool,
    allow_squash_merge: bool,
    allow_fast_forward_only_merge: bool,
    allow_rebase_update: bool,
    default_delete_branch_after_merge: bool,
    default_merge_style: &'static str,
    default_allow_maintainer_edit: bool,
    default_update_style: &'static str,
    avatar_url: &'static str,
    internal: bool,
    mirror_interval: &'static str,
    object_format_name: String,
    mirror_updated: &'static str,
    repo_transfer: Option<()>,
    topics: [String; 0],
}

impl Repository {
    pub(super) async fn new(
        forge: &Repositories,
        repository: &RepoName,
        object_format: &str,
        path: &Utf8Path,
    ) -> Result<Self, TestbedError> {
        let head = git::git_line(path, &["symbolic-ref", "--short", "HEAD"]).await;
        Ok(Self::described(forge, repository, object_format, head.unwrap_or_default()))
    }

    pub(super) fn id(&self) -> i64 {
        self.id
    }

    /// Somebody's fork of it.
    pub(super) fn forked_by(&self, owner: &str) -> Self {
        let mut fork = self.clone();
        (fork.id, fork.fork) = (77, true);
        fork.owner.login = owner.to_owned();
        fork.full_name = format!("{owner}/{}", self.name);
        for url in [&mut fork.html_url, &mut fork.clone_url, &mut fork.url] {
            *url = url.replace(&self.full_name, &fork.full_name);
        }
        fork
    }

    fn described(
        forge: &Repositories,
        repository: &RepoName,
        object_format: &str,
        default_branch: String,
    ) -> Self {
        let (owner, name) = repository.as_str().split_once('/').expect("a name is owner/name");
        let api_url = forge.url(&format!("api/v1/repos/{repository}"));
        let host = forge.base_url().host_str().unwrap_or("localhost");
        Self {
            id: 42,
            owner: User::new(forge, owner),
            name: name.to_owned(),
            full_name: repository.to_string(),
            description: "",
            empty: false,
            private: forge.private(),
            fork: false,
            template: false,
            parent: None,
            mirror: false,
            size: 131,
            language: "",
            languages_url: format!("{api_url}/languages"),
            html_url: forge.html_url(repository).into(),
            url: api_url.into(),
            link: "",
            ssh_url: format!("ssh://git@{host}/{repository}.git"),
            clone_url: forge.clone_url(repository).into(),
            original_url: "",
            website: "",
            stars_count: 0,
            forks_count: 0,
            watchers_count: 1,
            open_issues_count: 0,
            open_pr_counter: 0,
            release_counter: 0,
            default_branch,
            archived: false,
            created_at: "2025-01-02T03:04:05Z",
            updated_at: "2026-10-11T12:13:14Z",
            archived_at: "1970-01-01T00:00:00Z",
            permissions: Permissions { admin: false, push: false, pull: false },
            has_issues: true,
            internal_tracker: InternalTracker {
                enable_time_tracker: true,
                allow_only_contributors_to_track_time: true,
                enable_issue_dependencies: true,
            },
            has_wiki: false,
            wiki_branch: "main",
            globally_editable_wiki: false,
            has_pull_requests: true,
            has_projects: false,
            has_releases: true,
            has_packages: false,
            has_actions: false,
            ignore_whitespace_conflicts: false,
            allow_merge_commits: true,
            allow_rebase: true,
            allow_rebase_explicit: true,
            allow_squash_merge: true,
            allow_fast_forward_only_merge: true,
            allow_rebase_update: true,
            default_delete_branch_after_merge: false,
            default_merge_style: "merge",
            default_allow_maintainer_edit: false,
            default_update_style: "merge",
            avatar_url: "",
            internal: false,
            mirror_interval: "",
            object_format_name: object_format.to_owned(),
            mirror_updated: NEVER,
            repo_transfer: None,
            topics: [],
        }
    }
}
