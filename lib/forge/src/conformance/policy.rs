//! Laws of what decides over runs besides workflow files: files of the default
//! branch, messages of commits, changed files, and who may do what.

use solstice_model::{CommitSha, RepoName};

use super::World;
use crate::error::{ForgeError, Retry};
use crate::seam::{Changed, Forge as _, MAX_COMMIT_MESSAGE_BYTES, Permission, WorkflowFile};
use crate::workflows::{MAX_FILE_BYTES, Unusable};

fn unknown_repository() -> RepoName {
    "nobody/nothing".parse().expect("a repository's name")
}

fn unknown_commit() -> CommitSha {
    "0123456789".repeat(4).parse().expect("a commit's id")
}

/// Asserts that this was refused for good.
fn assert_refused<T: std::fmt::Debug>(answer: Result<T, ForgeError>) {
    match answer {
        Err(error @ (ForgeError::Refused { .. } | ForgeError::Absent { .. })) => {
            assert_eq!(error.retry(), Retry::Never, "{error:?}");
        }
        other => panic!("{other:?}"),
    }
}

async fn point(world: &impl World, git_ref: &str, commit: &CommitSha) {
    world.point(&git_ref.parse().expect("a ref"), commit).await;
}

/// A file comes with all its bytes as it is on the default branch now, wherever
/// it is; one that is too large is told.
pub async fn a_file_of_the_default_branch_is_read(world: &impl World) {
    let bytes: Vec<u8> = (0..=255).collect();
    let large = vec![b'/'; MAX_FILE_BYTES + 1];
    let older = world.commit(&[("top.kdl", b"older")]).await;
    point(world, "refs/heads/main", &older).await;
    let files: [(&str, &[u8]); 4] = [
        ("top.kdl", b"newer"),
        (".solstice/policy.kdl", &bytes),
        ("a #1/b%2Fc/d.kdl", b"deep"),
        ("large.kdl", &large),
    ];
    let newer = world.commit(&files).await;
    point(world, "refs/heads/main", &newer).await;
    for (path, content) in files {
        let fits = content.len() <= MAX_FILE_BYTES;
        let content = if fits { Ok(content.to_vec()) } else { Err(Unusable::TooLarge) };
        let read = world.forge().default_branch_file(&world.repository(), path).await;
        let expected = WorkflowFile { path: path.to_owned(), content };
        assert_eq!(read.expect("it is readable"), Some(expected));
    }
}

/// What is only on another branch, or is a directory, is not there.
pub async fn a_file_that_is_not_on_the_default_branch_is_absent(world: &impl World) {
    let elsewhere = world.commit(&[("policy.kdl", b"of mine")]).await;
    point(world, "refs/heads/topic", &elsewhere).await;
    let main = world.commit(&[("dir/file.kdl", b"")]).await;
    point(world, "refs/heads/main", &main).await;
    for path in ["policy.kdl", "none/policy.kdl", "dir", "dir/file.kdl/policy.kdl"] {
        let read = world.forge().default_branch_file(&world.repository(), path).await;
        assert_eq!(read.expect("it is readable"), None, "{path}");
    }
}

/// A repository that is not there is an error, not one without the file.
pub async fn a_file_of_an_unknown_repository_is_refused(world: &impl World) {
    world.commit(&[("policy.kdl", b"")]).await;
    assert_refused(world.forge().default_branch_file(&unknown_repository(), "policy.kdl").await);
}

/// A message has all its lines; a commit that is not there has none.
pub async fn the_whole_message_of_a_commit_is_read(world: &impl World) {
    let message = "Fix \u{fc} & <more>\n\nBecause.\n\nSigned-off-by: Ada <ada@example.org>";
    let commit = world.commit_saying(message).await;
    let read = world.forge().commit_message(&world.repository(), &commit).await;
    assert_eq!(read.expect("it is readable").trim_end(), message);
    assert_refused(world.forge().commit_message(&world.repository(), &unknown_commit()).await);
    assert_refused(world.forge().commit_message(&unknown_repository(), &commit).await);
}

/// Of a message without measure its beginning is read, cut between characters.
pub async fn a_long_message_is_cut(world: &impl World) {
    let message = "\u{fc}".repeat(50 * 1024) + "!";
    let commit = world.commit_saying(&message).await;
    let read = world.forge().commit_message(&world.repository(), &commit).await;
    let read = read.expect("it is readable");
    assert!(read.len() <= MAX_COMMIT_MESSAGE_BYTES, "{}", read.len());
    assert!(read.len() > MAX_COMMIT_MESSAGE_BYTES - 8, "{}", read.len());
    assert!(message.starts_with(&read));
}

/// What is new, other and gone counts, over all commits between; nothing else.
pub async fn every_file_that_differs_is_told(world: &impl World) {
    let base = world.commit(&[("same", b"1"), ("other", b"1"), ("gone", b"1")]).await;
    let middle = world.commit(&[("same", b"1"), ("other", b"2"), ("gone", b"1")]).await;
    let files: [(&str, &[u8]); 3] = [("same", b"1"), ("other", b"2"), ("d/new #1", b"3")];
    let head = world.commit(&files).await;
    point(world, "refs/heads/main", &head).await;
    for (base, mut expected) in
        [(&base, vec!["d/new #1", "gone", "other"]), (&middle, vec!["d/new #1", "gone"])]
    {
        let changed = world.forge().changed_files(&world.repository(), base, &head).await;
        let Changed::Files(mut files) = changed.expect("it is readable") else {
            panic!("few files are known")
        };
        files.sort();
        expected.sort_unstable();
        assert_eq!(files, expected);
    }
}

/// A base that is gone compares with nothing; a head that is not there is an error.
pub async fn what_cannot_be_compared_is_unknown(world: &impl World) {
    let head = world.commit(&[("file", b"1")]).await;
    point(world, "refs/heads/main", &head).await;
    let changed = |repository, base, head| async move {
        world.forge().changed_files(&repository, &base, &head).await
    };
    let answer = changed(world.repository(), unknown_commit(), head.clone()).await;
    assert_eq!(answer.expect("it is no trouble"), Changed::Unknown);
    assert_refused(changed(world.repository(), head.clone(), unknown_commit()).await);
    assert_refused(changed(unknown_repository(), head.clone(), head.clone()).await);
}

/// Each level is told as it is now.
pub async fn each_level_of_permission_is_told(world: &impl World) {
    use Permission::{Admin, Read, Write};
    for (user, permission) in [("ada", Read), ("bob", Write), ("eve", Admin), ("eve", Write)] {
        world.permit(user, permission).await;
        let told = world.forge().permission(&world.repository(), user).await;
        assert_eq!(told.expect("it is told"), permission, "{user}");
    }
}

/// Who is not known may do nothing, whatever the name.
pub async fn a_stranger_may_do_nothing(world: &impl World) {
    for user in ["nobody-at-all", "a/b", "a#b", "..", ""] {
        let told = world.forge().permission(&world.repository(), user).await;
        assert_eq!(told.expect("it is told"), Permission::None, "{user:?}");
    }
    world.permit("ada", Permission::Admin).await;
    match world.forge().permission(&unknown_repository(), "ada").await {
        Ok(permission) => assert_eq!(permission, Permission::None),
        answer => assert_refused(answer),
    }
}
