//! Laws of what a repository holds, and of questions that fail.

use solstice_model::CommitSha;

use super::{Trouble, World};
use crate::error::{ForgeError, Retry};
use crate::seam::{Forge, MAX_TITLE_CHARS};

/// Every branch and every open pull request is told as its webhook would have.
pub async fn standing_tells_branches_and_open_pull_requests(world: &impl World) {
    let mut expected = Vec::new();
    for git_ref in ["refs/heads/main", "refs/heads/topic/#1"] {
        let commit = world.commit(&[("which", git_ref.as_bytes())]).await;
        world.point(&git_ref.parse().expect("a ref"), &commit).await;
        expected.push((git_ref.to_owned(), commit.clone(), world.title(&commit).await));
    }
    let tag = world.commit(&[("which", b"tag")]).await;
    world.point(&"refs/tags/v1".parse().expect("a ref"), &tag).await;
    world.point(&"refs/heads/main".parse().expect("a ref"), &expected[0].1).await;
    for (number, outside) in [(7, false), (8, true)] {
        world.open_pull_request(number, &expected[1].1, outside).await;
    }
    let standing = world.forge().standing(&world.repository()).await.expect("it is told");
    let mut branches = Vec::new();
    for push in standing.branches {
        assert_eq!(push.repository.name, world.repository());
        assert!((1..=MAX_TITLE_CHARS).contains(&push.actor.chars().count()), "{:?}", push.actor);
        branches.push((push.git_ref.to_string(), push.commit, push.title));
    }
    branches.sort();
    assert_eq!(branches, expected);
    let mut pull_requests = standing.pull_requests;
    pull_requests.sort_by_key(|it| it.number);
    let told: Vec<_> = pull_requests.iter().map(|it| (it.number, it.outside)).collect();
    assert_eq!(told, [(7, false), (8, true)]);
    for it in pull_requests {
        assert_eq!((it.base.as_str(), &it.head.commit), ("main", &expected[1].1));
        assert_eq!(it.head.git_ref.as_str(), format!("refs/pull/{}/head", it.number));
        assert_eq!(it.head.repository.name, world.repository());
        assert!(!it.author.is_empty() && !it.head.actor.is_empty(), "{it:?}");
    }
}

/// A repository that is not there holds nothing, and that is an error.
pub async fn what_an_unknown_repository_holds_is_refused(world: &impl World) {
    let unknown = "nobody/nothing".parse().expect("a repository's name");
    match world.forge().standing(&unknown).await {
        Err(error @ (ForgeError::Refused { .. } | ForgeError::Absent { .. })) => {
            assert_eq!(error.retry(), Retry::Never);
        }
        other => panic!("{other:?}"),
    }
}

/// Asks everything that may be asked of a commit; the errors.
async fn ask_everything(world: &impl World, commit: &CommitSha) -> [Option<ForgeError>; 5] {
    let (forge, name) = (world.forge(), world.repository());
    [
        forge.default_branch_file(&name, "policy.kdl").await.err(),
        forge.commit_message(&name, commit).await.err(),
        forge.changed_files(&name, commit, commit).await.err(),
        forge.permission(&name, "ada").await.err(),
        forge.standing(&name).await.err(),
    ]
}

/// A forge that cannot answer has not said that there is nothing, or that
/// somebody may do nothing.
pub async fn trouble_is_told_of_every_question(world: &impl World) {
    let commit = world.commit(&[("policy.kdl", b"policy { }")]).await;
    world.point(&"refs/heads/main".parse().expect("a ref"), &commit).await;
    world.permit("ada", crate::seam::Permission::Write).await;
    world.go_down().await;
    for (at, error) in ask_everything(world, &commit).await.into_iter().enumerate() {
        assert!(matches!(error, Some(ForgeError::Unreachable { .. })), "question {at}: {error:?}");
    }
    world.come_up().await;
    for trouble in [Trouble::Status(502), Trouble::Status(401)] {
        world.fail_next(100, trouble).await;
        for (at, error) in ask_everything(world, &commit).await.into_iter().enumerate() {
            let retry = error.as_ref().map(ForgeError::retry);
            assert_eq!(retry, Some(Retry::Backoff), "question {at}: {error:?}");
        }
    }
}
