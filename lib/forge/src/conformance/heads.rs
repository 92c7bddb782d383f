//! Laws of heads: where a ref is now.

use std::time::Duration;

use solstice_model::{CommitSha, GitRef};

use super::{Happening, Trouble, World};
use crate::error::{ForgeError, Retry};
use crate::seam::{Event, Forge as _, Head};

async fn head(
    world: &impl World,
    name: Option<&str>,
    commit: Option<&CommitSha>,
) -> Result<Head, ForgeError> {
    world.forge().head(&world.repository(), name, commit).await
}

/// Makes a new commit and lets this ref point to it.
async fn pointed(world: &impl World, git_ref: &str) -> CommitSha {
    let commit = world.commit(&[("which", git_ref.as_bytes())]).await;
    world.point(&parsed(git_ref), &commit).await;
    commit
}

fn parsed(git_ref: &str) -> GitRef {
    git_ref.parse().expect("a ref")
}

/// Without a name the default branch is meant; what is told of it is complete,
/// and of the repository what webhooks tell.
pub async fn the_default_branch_is_found(world: &impl World) {
    pointed(world, "refs/heads/other").await;
    let commit = pointed(world, "refs/heads/main").await;
    let found = head(world, None, None).await.expect("it is there");
    assert_eq!((found.git_ref, &found.commit), (parsed("refs/heads/main"), &commit));
    assert_eq!(found.title, world.title(&commit).await);
    let git_ref = parsed("refs/heads/main");
    let sample = world.delivery(&Happening::Pushed { git_ref, commit }).await;
    let Event::Push(push) = sample.event else { panic!("{:?}", sample.event) };
    assert_eq!(found.repository, push.repository);
}

/// Short names mean the branch first; full ones exactly what they say.
pub async fn branches_and_tags_are_found_by_any_name(world: &impl World) {
    pointed(world, "refs/heads/main").await;
    let branch = pointed(world, "refs/heads/both").await;
    let tag = pointed(world, "refs/tags/both").await;
    let only = pointed(world, "refs/tags/v1/only").await;
    for (name, git_ref, commit) in [
        ("both", "refs/heads/both", &branch),
        ("refs/heads/both", "refs/heads/both", &branch),
        ("refs/tags/both", "refs/tags/both", &tag),
        ("v1/only", "refs/tags/v1/only", &only),
    ] {
        let found = head(world, Some(name), None).await.expect(name);
        assert_eq!((found.git_ref, &found.commit), (parsed(git_ref), commit), "{name}");
    }
}

/// Names that mean something in an address are names all the same.
pub async fn odd_names_of_branches_are_found(world: &impl World) {
    pointed(world, "refs/heads/main").await;
    for name in ["a#b", "100%", "a%2Fb", "a&b=c", "topic/#1", "x;y", "$(id)", "ü", "日本/x", "-x"]
    {
        let git_ref = format!("refs/heads/{name}");
        let commit = pointed(world, &git_ref).await;
        let found = head(world, Some(name), None).await.expect(name);
        assert_eq!((found.git_ref, found.commit), (parsed(&git_ref), commit));
    }
}

/// An older commit may be wanted.
pub async fn a_commit_is_told_instead_of_the_tip(world: &impl World) {
    let older = pointed(world, "refs/heads/main").await;
    pointed(world, "refs/heads/main").await;
    let found = head(world, None, Some(&older)).await.expect("it is there");
    assert_eq!((found.git_ref.as_str(), &found.commit), ("refs/heads/main", &older));
    assert_eq!(found.title, world.title(&older).await);
}

/// No repository, no ref, no commit: each is told apart from trouble.
pub async fn what_is_unknown_is_absent(world: &impl World) {
    pointed(world, "refs/heads/main").await;
    let assert_absent = |found: Result<Head, ForgeError>, named: &str| match found {
        Err(error @ ForgeError::Absent { .. }) => {
            assert_eq!(error.retry(), Retry::Never);
            assert!(error.to_string().contains(named), "{error}");
        }
        other => panic!("{named}: {other:?}"),
    };
    let unknown = "nobody/nothing".parse().expect("a repository's name");
    assert_absent(world.forge().head(&unknown, None, None).await, "nobody/nothing");
    for name in ["none", "refs/heads/none", "refs/tags/main", "refs/pull/7/head", "a..b", ""] {
        assert_absent(head(world, Some(name), None).await, &format!("{name:?}"));
    }
    let unknown: CommitSha = "0123456789".repeat(4).parse().expect("a commit's id");
    assert_absent(head(world, None, Some(&unknown)).await, unknown.as_str());
}

/// A forge that cannot answer has not said that there is nothing.
pub async fn trouble_is_not_absence(world: &impl World) {
    pointed(world, "refs/heads/main").await;
    let pause = Duration::from_secs(17);
    for (trouble, retry) in [
        (Trouble::Status(500), Retry::Backoff),
        (Trouble::Status(401), Retry::Backoff),
        (Trouble::RetryAfter(429, pause), Retry::After(pause)),
        (Trouble::Nonsense, Retry::Backoff),
    ] {
        world.fail_next(1, trouble).await;
        let error = head(world, Some("main"), None).await.expect_err("ordered");
        assert!(!matches!(error, ForgeError::Absent { .. }), "{error:?}");
        assert_eq!(error.retry(), retry, "{error:?}");
    }
    world.go_down().await;
    let error = head(world, Some("main"), None).await.expect_err("it is down");
    assert!(matches!(error, ForgeError::Unreachable { .. }), "{error:?}");
    world.come_up().await;
    head(world, Some("main"), None).await.expect("it is up");
}
