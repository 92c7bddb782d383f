//! A fake GitHub and our side of it.

pub(crate) mod answers;
pub(crate) mod description;
pub(crate) mod fault;
pub(crate) mod server;
pub(crate) mod state;

use std::collections::BTreeMap;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use solstice_forge::conformance::{Happening, Sample, Trouble, World};
use solstice_forge::{
    CheckAction, CheckReport, CheckRequest, Event, MergeGroup, Permission, PullRequest, Push,
    Repository, Secret,
};
use solstice_forge_github::{GitHubConfig, GitHubForge, Timeouts};
use solstice_model::{CommitSha, GitRef, RepoName};
use url::Url;
use uuid::Uuid;

use self::fault::Fault;
use self::server::Fake;
use self::state::{APP_ID, Entry, REPOSITORY, REPOSITORY_ID};

pub(crate) const SECRET: &str = "the webhook's secret";
pub(crate) const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

/// The first line of every commit's message.
pub(crate) const TITLE: &str = "Change <everything> & more";

pub(crate) struct GitHub {
    pub(crate) fake: Fake,
    pub(crate) forge: GitHubForge,
}

/// An App whose API is there.
pub(crate) fn config(api_url: Url) -> GitHubConfig {
    let key = include_bytes!("../../data/app-key.pem");
    GitHubConfig {
        name: "github".parse().unwrap(),
        base_url: "https://github.com/".parse().unwrap(),
        api_url: Some(api_url),
        app_id: APP_ID,
        private_key_pem: Secret::new(key.as_slice()).unwrap(),
        webhook_secrets: vec![Secret::new("an older one").unwrap(), Secret::new(SECRET).unwrap()],
    }
}

/// Our side of a fake.
pub(crate) fn connect(fake: &Fake, timeouts: Timeouts) -> GitHubForge {
    let api_url = format!("http://{}/", fake.address).parse().unwrap();
    GitHubForge::with_timeouts(config(api_url), timeouts).unwrap()
}

/// One of GitHub's examples.
pub(crate) fn example(name: &str) -> Vec<u8> {
    std::fs::read(format!("{DATA}/webhooks/{name}.json")).unwrap()
}

/// The headers of a webhook as GitHub sends them.
pub(crate) fn delivery_headers(event: &str, body: &[u8], secret: &str) -> HeaderMap {
    let signature = Secret::new(secret).unwrap().sign(body);
    let text = |value: &str| HeaderValue::from_str(value).unwrap();
    HeaderMap::from_iter([
        ("content-type".parse().unwrap(), text("application/json")),
        ("user-agent".parse().unwrap(), text("GitHub-Hookshot/044aadd")),
        ("x-github-delivery".parse().unwrap(), text(&Uuid::new_v4().to_string())),
        ("x-github-event".parse().unwrap(), text(event)),
        ("x-github-hook-id".parse().unwrap(), text("292430182")),
        ("x-hub-signature".parse().unwrap(), text("sha1=d57c68ca6f92289e6987922ff26938930f6e66a2")),
        ("x-hub-signature-256".parse().unwrap(), text(&format!("sha256={signature}"))),
    ])
}

pub(crate) fn repository() -> RepoName {
    REPOSITORY.parse().unwrap()
}

/// The repository as the webhooks of [`GitHub::told`] describe it.
fn described() -> Repository {
    Repository {
        name: repository(),
        clone_url: "https://github.com/alice/widgets.git".parse().unwrap(),
        html_url: "https://github.com/alice/widgets".parse().unwrap(),
        private: false,
    }
}

/// An example of a webhook, about our repository and by `bob`.
fn template(name: &str) -> Value {
    let mut body: Value = serde_json::from_slice(&example(name)).unwrap();
    let repository = &mut body["repository"];
    repository["full_name"] = json!(REPOSITORY);
    repository["clone_url"] = json!("https://github.com/alice/widgets.git");
    repository["html_url"] = json!("https://github.com/alice/widgets");
    repository["private"] = json!(false);
    body["sender"]["login"] = json!("bob");
    body
}

impl GitHub {
    pub(crate) async fn new() -> Self {
        let fake = Fake::start().await;
        let forge = connect(&fake, Timeouts::default());
        Self { fake, forge }
    }

    /// With one commit, which is that of `main`.
    pub(crate) async fn with_commit() -> (Self, CommitSha) {
        let world = Self::new().await;
        let commit = world.commit(&[(".solstice/ci.kdl", b"workflow { }")]).await;
        world.point(&"refs/heads/main".parse().unwrap(), &commit).await;
        (world, commit)
    }

    /// The event, the body of its webhook, and what that means.
    fn told(&self, happening: &Happening) -> (&'static str, Value, Event) {
        let (repository, actor) = (described(), "bob".to_owned());
        match happening.clone() {
            Happening::Pushed { git_ref, commit } => {
                let mut body = template("push.branch-created");
                body["ref"] = json!(git_ref);
                body["after"] = json!(commit);
                body["head_commit"] = json!({ "id": commit, "message": format!("{TITLE}\n\nx") });
                let title = TITLE.to_owned();
                let push = Push { repository, git_ref, commit, before: None, title, actor };
                ("push", body, Event::Push(push))
            }
            Happening::PullRequest { number, commit, outside } => {
                let mut body = pull_request("opened", number);
                body["pull_request"]["head"]["sha"] = json!(commit);
                if outside {
                    body["pull_request"]["head"]["repo"]["id"] = json!(4_711);
                }
                let base_commit = body["pull_request"]["base"]["sha"].as_str().unwrap().parse();
                let head = Push {
                    repository,
                    git_ref: format!("refs/pull/{number}/head").parse().unwrap(),
                    commit,
                    before: None,
                    title: "A <thing>".to_owned(),
                    actor,
                };
                let event = PullRequest {
                    number,
                    base: "main".to_owned(),
                    outside,
                    author: "carol".to_owned(),
                    base_commit: Some(base_commit.unwrap()),
                    head,
                };
                ("pull_request", body, Event::PullRequest(event))
            }
            Happening::PullRequestClosed { number } => {
                let body = pull_request("closed", number);
                ("pull_request", body, Event::PullRequestClosed { repository, number, actor })
            }
            Happening::Deleted { git_ref } => {
                let mut body = template("derived.push.branch-deleted");
                body["ref"] = json!(git_ref);
                ("push", body, Event::RefDeleted { repository, git_ref, actor })
            }
        }
    }
}

fn sample(kind: &str, body: &Value, event: Event) -> Sample {
    let body = body.to_string().into_bytes();
    Sample { headers: delivery_headers(kind, &body, SECRET), body, event }
}

fn pull_request(action: &str, number: u64) -> Value {
    let mut body = template("pull_request.opened");
    body["action"] = json!(action);
    body["number"] = json!(number);
    let told = &mut body["pull_request"];
    told["number"] = json!(number);
    told["title"] = json!("A <thing>");
    told["user"]["login"] = json!("carol");
    told["base"]["ref"] = json!("main");
    body
}

#[async_trait]
impl World for GitHub {
    type Handle = GitHubForge;

    fn forge(&self) -> &GitHubForge {
        &self.forge
    }

    fn repository(&self) -> RepoName {
        repository()
    }

    async fn commit(&self, files: &[(&str, &[u8])]) -> CommitSha {
        let entry =
            |(path, bytes): &(&str, &[u8])| ((*path).to_owned(), Entry::File((*bytes).to_vec()));
        let tree = files.iter().map(entry).collect();
        let message = format!("{TITLE}\n\nAt once.\n");
        self.fake.state().commit(&message, tree).parse().unwrap()
    }

    async fn point(&self, git_ref: &GitRef, commit: &CommitSha) {
        self.fake.state().refs.insert(git_ref.to_string(), commit.to_string());
    }

    async fn title(&self, _: &CommitSha) -> String {
        TITLE.to_owned()
    }

    async fn commit_saying(&self, message: &str) -> CommitSha {
        self.fake.state().commit(message, BTreeMap::new()).parse().unwrap()
    }

    async fn permit(&self, user: &str, permission: Permission) {
        let word = match permission {
            Permission::None => "none",
            Permission::Read => "read triage",
            Permission::Write => "write maintain",
            Permission::Admin => "admin",
        };
        self.fake.state().people.insert(user.to_owned(), word);
    }

    async fn open_pull_request(&self, number: u64, commit: &CommitSha, outside: bool) {
        let head_repository = if outside { 4_711 } else { REPOSITORY_ID };
        let pull = json!({ "number": number, "title": "A <thing>", "user": { "login": "carol" },
            "base": { "ref": "main", "sha": "a".repeat(40), "repo": { "id": REPOSITORY_ID } },
            "head": { "ref": "main", "sha": commit, "repo": { "id": head_repository } } });
        self.fake.state().pulls.push(pull);
    }

    fn has_merge_queue(&self) -> bool {
        true
    }

    async fn merge_group(&self, commit: &CommitSha) -> Sample {
        let mut body = template("merge_group.checks_requested");
        body["merge_group"]["head_sha"] = json!(commit);
        body["merge_group"]["head_commit"] = json!({ "id": commit, "message": TITLE });
        let group = &body["merge_group"];
        let text = |field: &str| group[field].as_str().unwrap();
        let head = Push {
            repository: described(),
            git_ref: text("head_ref").parse().unwrap(),
            commit: commit.clone(),
            before: Some(text("base_sha").parse().unwrap()),
            title: TITLE.to_owned(),
            actor: "bob".to_owned(),
        };
        let event = Event::MergeGroup(MergeGroup { base: "main".to_owned(), head });
        sample("merge_group", &body, event)
    }

    async fn button(
        &self,
        commit: &CommitSha,
        subject: Option<&str>,
        action: CheckAction,
    ) -> Sample {
        let (kind, name) = match (subject, action) {
            (None, _) => ("check_suite", "check_suite.rerequested"),
            (_, CheckAction::Rerun) => ("check_run", "check_run.rerequested"),
            _ => ("check_run", "check_run.requested_action"),
        };
        let mut body = template(name);
        body[kind]["app"]["id"] = json!(APP_ID);
        body[kind]["head_sha"] = json!(commit);
        body[kind]["external_id"] = json!(subject);
        body["requested_action"]["identifier"] = json!(action.identifier());
        let event = Event::CheckRequest(CheckRequest {
            repository: described(),
            commit: commit.clone(),
            subject: subject.map(str::to_owned),
            action,
            actor: "bob".to_owned(),
        });
        sample(kind, &body, event)
    }

    async fn delivery(&self, happening: &Happening) -> Sample {
        let (kind, body, event) = self.told(happening);
        sample(kind, &body, event)
    }

    async fn shown(&self, commit: &CommitSha) -> Vec<CheckReport> {
        let state = self.fake.state();
        let of_commit = |(sha, report): &(String, CheckReport)| {
            (sha == commit.as_str()).then(|| report.clone())
        };
        state.history.iter().filter_map(of_commit).collect()
    }

    async fn fail_next(&self, times: usize, trouble: Trouble) {
        let fault = match trouble {
            Trouble::Status(status) => Fault::status(status),
            Trouble::RetryAfter(status, pause) => {
                let header = ("retry-after", pause.as_secs().to_string());
                Fault::Answer(status, vec![header], "ordered by the test")
            }
            Trouble::Nonsense => Fault::Page,
        };
        for _ in 0..times {
            self.fake.fail(None, fault.clone());
        }
    }

    async fn go_down(&self) {
        self.fake.go_down().await;
    }

    async fn come_up(&self) {
        self.fake.come_up().await;
    }

    async fn assert_well_used(&self) {
        assert_eq!(self.fake.violations(), [""; 0]);
    }
}
