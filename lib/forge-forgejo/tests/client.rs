//! What our side does with a forge that misbehaves.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::time::{Duration, Instant};

use solstice_forge::conformance::World as _;
use solstice_forge::{
    Changed, Check, CheckReport, CheckState, Forge as _, ForgeError, MAX_STANDING, Permission,
    Retry, Secret, Unusable, WorkflowFile,
};
use solstice_forge_forgejo::{ConfigError, ForgejoConfig, ForgejoForge, Timeouts};
use solstice_model::{CommitSha, GitRef};
use solstice_testbed::forge::{Entry, Fault, Flavour, PullRequestAction, PullRequestFrom};

use crate::world::{Forgejo, connect};

async fn world() -> (Forgejo, CommitSha) {
    let world = Forgejo::new(Flavour::Forgejo).await;
    let commit = world.commit(&[(".solstice/ci.kdl", b"workflow { }")]).await;
    (world, commit)
}

fn report() -> CheckReport {
    CheckReport {
        context: "solstice/CI/build".to_owned(),
        state: CheckState::Success,
        description: "3 steps".to_owned(),
        target_url: "https://ci.example.org/jobs/7".parse().unwrap(),
    }
}

async fn tell(
    forge: &ForgejoForge,
    commit: &CommitSha,
    report: &CheckReport,
) -> Result<(), ForgeError> {
    let repository = "alice/widgets".parse().unwrap();
    let check = Check { repository: &repository, commit, subject: "7", report, details: None };
    forge.report(&check).await
}

#[tokio::test]
async fn a_redirect_to_another_server_is_not_followed() {
    let (world, commit) = world().await;
    let elsewhere = Forgejo::new(Flavour::Forgejo).await;
    let target = elsewhere.recording.base_url().join("api/v1/version").unwrap();
    for status in [301, 302, 303, 307, 308] {
        world.recording.fail_next(1, &Fault::Redirect(status, target.clone()));
        let error = tell(&world.forge, &commit, &report()).await.unwrap_err();
        let ForgeError::Refused { status: refused, message, retry, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!((refused, retry), (status, Retry::Never));
        assert!(message.contains(target.as_str()), "{message}");
    }
    assert_eq!(elsewhere.recording.requests(), []);
    assert_eq!(world.recording.statuses(), []);
}

#[tokio::test]
async fn a_redirect_within_the_server_keeps_method_body_and_token() {
    let (world, commit) = world().await;
    let path = format!("api/v1/repos/alice/widgets/statuses/{commit}");
    let target = world.recording.base_url().join(&path).unwrap();
    world.recording.fail_next(1, &Fault::Redirect(307, target.clone()));
    tell(&world.forge, &commit, &report()).await.unwrap();
    assert_eq!(world.shown(&commit).await, [report()]);
    // These would turn the POST into a GET, whose answer proves nothing.
    for status in [301, 302, 303] {
        world.recording.fail_next(1, &Fault::Redirect(status, target.clone()));
        let error = tell(&world.forge, &commit, &report()).await.unwrap_err();
        assert!(matches!(error, ForgeError::Refused { .. }), "{status}: {error:?}");
    }
    world.recording.fail_next(10, &Fault::Redirect(307, target));
    let error = tell(&world.forge, &commit, &report()).await.unwrap_err();
    assert!(matches!(error, ForgeError::Refused { status: 307, .. }), "{error:?}");
    assert_eq!(world.recording.statuses().len(), 1);
}

#[tokio::test]
async fn an_answer_without_end_is_cut_short() {
    let (world, commit) = world().await;
    world.recording.fail_next(1, &Fault::Endless(200 * 1024 * 1024));
    let began = Instant::now();
    let error = world.forge.workflow_files(&world.repository(), &commit).await.unwrap_err();
    assert!(matches!(error, ForgeError::BadAnswer { .. }), "{error:?}");
    assert!(error.to_string().contains("larger than 1048576 bytes"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_file_that_is_too_large_is_not_asked_for() {
    let (world, _) = world().await;
    let commit = world.commit(&[(".solstice/ci.kdl", &[b'/'; 300 * 1024])]).await;
    let files = world.forge.workflow_files(&world.repository(), &commit).await.unwrap();
    assert_eq!(files[0].content, Err(Unusable::TooLarge));
    let requests = world.recording.requests();
    assert!(requests.iter().all(|request| request.uri.contains("/contents/")), "{requests:?}");
}

#[tokio::test]
async fn a_file_that_is_larger_than_the_list_says_is_cut_short() {
    let (world, commit) = world().await;
    // The list as it is, then the file.
    world.recording.fail_next(1, &Fault::Slow(Duration::ZERO));
    world.recording.fail_next(1, &Fault::Endless(300 * 1024));
    let files = world.forge.workflow_files(&world.repository(), &commit).await.unwrap();
    assert_eq!(files[0].content, Err(Unusable::TooLarge));
}

#[tokio::test]
async fn a_broken_connection_is_worth_another_try() {
    let (world, commit) = world().await;
    world.recording.fail_next(1, &Fault::CutOff);
    let error = world.forge.workflow_files(&world.repository(), &commit).await.unwrap_err();
    assert!(matches!(error, ForgeError::Unreachable { .. }), "{error:?}");
    assert_eq!(world.forge.workflow_files(&world.repository(), &commit).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_forge_that_is_too_slow_is_given_up() {
    let (world, commit) = world().await;
    let total = Duration::from_millis(200);
    let forge = connect(&world.recording, Timeouts { total, ..Timeouts::default() });
    world.recording.fail_next(1, &Fault::Slow(Duration::from_secs(60)));
    let error = forge.workflow_files(&world.repository(), &commit).await.unwrap_err();
    assert!(matches!(error, ForgeError::Unreachable { .. }), "{error:?}");
    assert_eq!(error.retry(), Retry::Backoff);
}

#[tokio::test]
async fn a_wrong_token_is_told_without_showing_it() {
    let (world, commit) = world().await;
    let config = ForgejoConfig {
        name: "forgejo".parse().unwrap(),
        base_url: world.recording.base_url().clone(),
        token: Secret::new("hiddenhiddenhidden").unwrap(),
        webhook_secrets: vec![Secret::new("s").unwrap()],
    };
    assert!(!format!("{config:?}").contains("hidden"));
    let forge = ForgejoForge::new(config).unwrap();
    let error = tell(&forge, &commit, &report()).await.unwrap_err();
    assert!(matches!(error, ForgeError::Refused { status: 401, .. }), "{error:?}");
    assert_eq!(error.retry(), Retry::Backoff);
    assert!(!format!("{error:?} {forge:?}").contains("hidden"));
}

#[test]
fn a_configuration_that_cannot_work_is_refused_at_once() {
    let config = |url: &str, token: &str| ForgejoConfig {
        name: "forgejo".parse().unwrap(),
        base_url: url.parse().unwrap(),
        token: Secret::new(token).unwrap(),
        webhook_secrets: vec![Secret::new("s").unwrap()],
    };
    let refused = |config| ForgejoForge::new(config).unwrap_err();
    assert!(matches!(refused(config("ftp://f/", "t")), ConfigError::Address { .. }));
    for token in ["a b", "line\n", "ä"] {
        assert!(matches!(refused(config("https://f/", token)), ConfigError::Token));
    }
    let without = ForgejoConfig { webhook_secrets: vec![], ..config("https://f/", "t") };
    assert!(matches!(refused(without), ConfigError::Secrets(_)));
}

#[tokio::test]
async fn a_symbolic_link_is_told_as_a_file_that_cannot_be_used() {
    let (world, _) = world().await;
    let main: GitRef = "refs/heads/main".parse().unwrap();
    for (path, target) in [(".solstice/ci.kdl", "../ci.kdl"), (".solstice", "ci")] {
        let files = [(path, Entry::Symlink(target.to_owned()))];
        let repositories = world.recording.repositories();
        let commit =
            repositories.commit(&world.repository(), &main, "Link\n", &files).await.unwrap();
        let files = world.forge.workflow_files(&world.repository(), &commit).await.unwrap();
        let link = WorkflowFile { path: path.to_owned(), content: Err(Unusable::SymbolicLink) };
        assert_eq!(files, [link]);
    }
}

#[tokio::test]
async fn the_head_of_an_annotated_tag_is_the_commit_behind_it() {
    let (world, commit) = world().await;
    let git_ref: GitRef = "refs/tags/v1".parse().unwrap();
    let repositories = world.recording.repositories();
    let tag = repositories.annotate(&world.repository(), &git_ref, &commit).await.unwrap();
    assert_ne!(tag, commit);
    let head = world.forge.head(&world.repository(), Some("v1"), None).await.unwrap();
    assert_eq!((head.git_ref, head.commit), (git_ref, commit));
    let push = world.forge.head(&world.repository(), None, None).await.unwrap().pushed_by("ada");
    assert_eq!((push.git_ref.as_str(), push.actor.as_str()), ("refs/heads/main", "ada"));
}

#[tokio::test]
async fn a_long_description_is_cut_and_made_one_line() {
    let (world, commit) = world().await;
    let description = format!("two\nlines {}", "🚀".repeat(200));
    let report = CheckReport { description, ..report() };
    tell(&world.forge, &commit, &report).await.unwrap();
    let shown = &world.shown(&commit).await[0].description;
    assert!(shown.starts_with("two lines 🚀") && shown.ends_with('…'), "{shown}");
    assert_eq!(shown.chars().count(), 140);
}

#[tokio::test]
async fn an_error_says_what_was_asked_and_what_was_answered() {
    let (world, commit) = world().await;
    world.recording.fail_next(1, &Fault::Status(500));
    let error = tell(&world.forge, &commit, &report()).await.unwrap_err();
    let asked = format!("POST /repos/alice/widgets/statuses/{commit}");
    let words = format!("the forge answered 500 to {asked}: ordered by the test");
    assert_eq!(error.to_string(), words);
}

#[tokio::test]
async fn lists_are_read_to_their_end() {
    let (world, commit) = world().await;
    let repositories = world.recording.repositories();
    for n in 0..120 {
        let git_ref: GitRef = format!("refs/heads/topic/{n}").parse().unwrap();
        repositories.point(&world.repository(), &git_ref, &commit).await.unwrap();
    }
    for n in 1..=45 {
        world.open_pull_request(n, &commit, n % 2 == 0).await;
    }
    let standing = world.forge.standing(&world.repository()).await.unwrap();
    assert_eq!((standing.branches.len(), standing.pull_requests.len()), (121, 45));
    let outside = standing.pull_requests.iter().filter(|it| it.outside);
    assert!(outside.clone().all(|it| it.number % 2 == 0), "{standing:?}");
    assert_eq!(outside.count(), 22);
    assert!(standing.branches.iter().all(|push| push.actor == "alice"));
}

#[tokio::test]
async fn a_list_without_end_is_cut() {
    let (world, commit) = world().await;
    let repositories = world.recording.repositories();
    for n in 0..=MAX_STANDING {
        let git_ref: GitRef = format!("refs/heads/topic/{n}").parse().unwrap();
        repositories.point(&world.repository(), &git_ref, &commit).await.unwrap();
        world.open_pull_request(n as u64 + 1, &commit, false).await;
    }
    let standing = world.forge.standing(&world.repository()).await.unwrap();
    let told = (standing.branches.len(), standing.pull_requests.len());
    assert_eq!(told, (MAX_STANDING, MAX_STANDING));
}

#[tokio::test]
async fn whoever_pushed_for_a_pull_request_by_agit_is_outside() {
    let (world, commit) = world().await;
    for (number, from) in [
        (7, PullRequestFrom::Agit),
        (8, PullRequestFrom::DeletedFork { branch: "main".to_owned() }),
        (9, PullRequestFrom::Branch("topic".to_owned())),
    ] {
        let (title, head, sender) = ("A thing".to_owned(), commit.clone(), "eve".to_owned());
        let told = PullRequestAction { action: "opened", number, title, from, head, sender };
        world.recording.list_pull_request(&world.repository(), told);
    }
    let open = world.forge.standing(&world.repository()).await.unwrap().pull_requests;
    let told: Vec<_> = open.iter().map(|it| (it.number, it.outside, &*it.author)).collect();
    assert_eq!(told, [(9, false, "eve"), (8, true, "eve"), (7, true, "eve")]);
}

#[tokio::test]
async fn what_changed_is_counted_from_where_two_branches_parted() {
    let (world, root) = world().await;
    let (repositories, name) = (world.recording.repositories(), world.repository());
    let commit = async |git_ref: &str, files: &[(&str, Entry)]| {
        let git_ref: GitRef = git_ref.parse().unwrap();
        repositories.commit(&name, &git_ref, "Change\n", files).await.unwrap()
    };
    let topic: GitRef = "refs/heads/topic".parse().unwrap();
    repositories.point(&name, &topic, &root).await.unwrap();
    let file = (".solstice/ci.kdl", Entry::from("workflow { }"));
    let main = commit("refs/heads/main", &[file.clone(), ("main", "1".into())]).await;
    let head = commit("refs/heads/topic", &[file.clone(), ("topic", "1".into())]).await;
    let changed = world.forge.changed_files(&name, &main, &head).await.unwrap();
    assert_eq!(changed, Changed::Files(vec!["topic".to_owned()]));
    // Nothing is new in a head that only went back, nor known of one that never parted.
    let back = world.forge.changed_files(&name, &main, &root).await.unwrap();
    assert_eq!(back, Changed::Unknown);
    let orphan = commit("refs/heads/orphan", &[file]).await;
    let never = world.forge.changed_files(&name, &main, &orphan).await.unwrap();
    assert_eq!(never, Changed::Unknown);
}

#[tokio::test]
async fn a_comparison_that_is_too_large_is_unknown_and_one_that_fails_is_told() {
    let (world, base) = world().await;
    let head = world.commit(&[("a", b"1")]).await;
    world.recording.fail_next(1, &Fault::Endless(5 * 1024 * 1024));
    let changed = world.forge.changed_files(&world.repository(), &base, &head).await;
    assert_eq!(changed.unwrap(), Changed::Unknown);
    world.recording.fail_next(1, &Fault::Status(500));
    let error = world.forge.changed_files(&world.repository(), &base, &head).await.unwrap_err();
    assert_eq!(error.retry(), Retry::Backoff);
}

#[tokio::test]
async fn a_path_means_no_other_file_than_it_says() {
    let (world, commit) = world().await;
    world.point(&"refs/heads/main".parse().unwrap(), &commit).await;
    for path in [".solstice/../.solstice/ci.kdl", "./.solstice/ci.kdl", ".solstice//ci.kdl", ""] {
        let file = world.forge.default_branch_file(&world.repository(), path).await.unwrap();
        assert_eq!(file, None, "{path}");
    }
    assert_eq!(world.recording.requests(), []);
    let path = ".solstice/ci.kdl";
    let file = world.forge.default_branch_file(&world.repository(), path).await.unwrap();
    assert_eq!(file.unwrap().content.unwrap(), b"workflow { }");
}

#[tokio::test]
async fn a_token_that_may_not_ask_about_people_is_told() {
    let (world, _) = world().await;
    world.recording.fail_next(1, &Fault::Status(403));
    let error = world.forge.permission(&world.repository(), "ada").await.unwrap_err();
    assert!(matches!(error, ForgeError::Refused { status: 403, .. }), "{error:?}");
    world.recording.permit(&world.repository(), "eve", "owner");
    let told = world.forge.permission(&world.repository(), "eve").await.unwrap();
    assert_eq!(told, Permission::Admin);
    world.recording.permit(&world.repository(), "eve", "of next year");
    world.forge.permission(&world.repository(), "eve").await.unwrap_err();
}
