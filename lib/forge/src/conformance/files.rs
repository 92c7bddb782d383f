//! Laws of workflow files.

use solstice_model::CommitSha;

use super::World;
use crate::error::{ForgeError, Retry};
use crate::seam::{Forge as _, WorkflowFile};
use crate::workflows::{MAX_FILE_BYTES, MAX_FILES, Unusable};

async fn read(
    world: &impl World,
    commit: &CommitSha,
) -> Result<Vec<(String, Vec<u8>)>, ForgeError> {
    let files = world.forge().workflow_files(&world.repository(), commit).await?;
    let read = |file: WorkflowFile| (file.path, file.content.expect("it is usable"));
    Ok(files.into_iter().map(read).collect())
}

fn owned(files: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
    files.iter().map(|(path, content)| ((*path).to_owned(), content.to_vec())).collect()
}

/// No directory, an empty one as far as we care, or a file of its name: no workflows.
pub async fn a_commit_without_workflows_has_none(world: &impl World) {
    for files in
        [&[("README", &b"hello"[..])], &[(".solstice/README", b"")], &[(".solstice", b"x")]]
    {
        let commit = world.commit(files).await;
        assert_eq!(read(world, &commit).await.expect("it is readable"), [], "{files:?}");
    }
}

/// Every file comes with all its bytes, ordered by path, as it is at that commit.
pub async fn workflows_are_read_whole_and_in_order(world: &impl World) {
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let files: [(&str, &[u8]); 3] = [
        (".solstice/a.kdl", b"workflow { }\n"),
        (".solstice/b.kdl", &bytes),
        (".solstice/c.kdl", b""),
    ];
    let commit = world.commit(&files).await;
    let later = world.commit(&[(".solstice/a.kdl", b"changed"), ("b.kdl", b"moved")]).await;
    assert_eq!(read(world, &commit).await.expect("it is readable"), owned(&files));
    let changed = owned(&[(".solstice/a.kdl", b"changed")]);
    assert_eq!(read(world, &later).await.expect("it is readable"), changed);
}

/// Directories below, other endings and other places are none of ours.
pub async fn only_direct_children_are_workflows(world: &impl World) {
    let commit = world
        .commit(&[
            ("ci.kdl", b""),
            (".solstice.kdl", b""),
            (".solstice/ci.kdl", b"yes"),
            (".solstice/ci.kdl.orig", b""),
            (".solstice/ci.KDL", b""),
            (".solstice/.kdl", b""),
            (".solstice/deep/ci.kdl", b""),
            (".solstice/dir.kdl/ci.kdl", b""),
            ("lib/.solstice/ci.kdl", b""),
        ])
        .await;
    let files = read(world, &commit).await.expect("it is readable");
    assert_eq!(files, owned(&[(".solstice/ci.kdl", b"yes")]));
}

/// Names that mean something in an address are names all the same.
pub async fn odd_names_are_read_right(world: &impl World) {
    let names = [
        "#x.kdl",
        "%25.kdl",
        "&=+.kdl",
        "..kdl",
        "a b.kdl",
        "a%2Fb.kdl",
        "a?ref=main.kdl",
        "a\\b.kdl",
        "c:d.kdl",
        "x;y.kdl",
        "{}.kdl",
        "~'\".kdl",
        "ü.kdl",
        "日本.kdl",
    ];
    let paths: Vec<String> = names.iter().map(|name| format!(".solstice/{name}")).collect();
    // Each file says its own name, so that none can stand for another.
    let files: Vec<_> = paths.iter().map(|path| (path.as_str(), path.as_bytes())).collect();
    let commit = world.commit(&files).await;
    assert_eq!(read(world, &commit).await.expect("it is readable"), owned(&files));
}

/// The bound on size is inclusive.
pub async fn the_largest_file_is_read(world: &impl World) {
    let content = vec![b'/'; MAX_FILE_BYTES];
    let commit = world.commit(&[(".solstice/ci.kdl", &content)]).await;
    assert_eq!(read(world, &commit).await.expect("it is readable")[0].1.len(), MAX_FILE_BYTES);
}

/// A file over the bound is its author's mistake, and none of the others'.
pub async fn a_larger_file_is_told_beside_the_others(world: &impl World) {
    let large = vec![b'/'; MAX_FILE_BYTES + 1];
    let commit = world
        .commit(&[
            (".solstice/a.kdl", b"a"),
            (".solstice/large.kdl", &large),
            (".solstice/z.kdl", b"z"),
        ])
        .await;
    let files = world.forge().workflow_files(&world.repository(), &commit).await;
    let files = files.expect("the commit is readable");
    let expected = [
        (".solstice/a.kdl", Ok(b"a".to_vec())),
        (".solstice/large.kdl", Err(Unusable::TooLarge)),
        (".solstice/z.kdl", Ok(b"z".to_vec())),
    ];
    let expected = expected.map(|(path, content)| WorkflowFile { path: path.to_owned(), content });
    assert_eq!(files, expected);
}

/// So is a commit with too many; the most allowed are read.
pub async fn too_many_files_are_told_of_the_directory(world: &impl World) {
    let paths: Vec<String> = (0..=MAX_FILES).map(|n| format!(".solstice/{n:03}.kdl")).collect();
    let files: Vec<_> = paths.iter().map(|path| (path.as_str(), &b"x"[..])).collect();
    let most = world.commit(&files[..MAX_FILES]).await;
    assert_eq!(read(world, &most).await.expect("it is readable").len(), MAX_FILES);
    let more = world.commit(&files).await;
    let files = world.forge().workflow_files(&world.repository(), &more).await;
    assert_eq!(files.expect("it is readable"), Unusable::TooMany(MAX_FILES + 1).directory());
}

/// A commit that is not there is an error, not a commit without workflows.
pub async fn files_of_an_unknown_commit_are_refused(world: &impl World) {
    world.commit(&[("README", b"hello")]).await;
    let unknown: CommitSha = "0123456789".repeat(4).parse().expect("a commit's id");
    match read(world, &unknown).await {
        Err(error @ ForgeError::Refused { .. }) => assert_eq!(error.retry(), Retry::Never),
        other => panic!("{other:?}"),
    }
}

/// Likewise a repository.
pub async fn files_of_an_unknown_repository_are_refused(world: &impl World) {
    let commit = world.commit(&[(".solstice/ci.kdl", b"x")]).await;
    let unknown = "nobody/nothing".parse().expect("a repository's name");
    match world.forge().workflow_files(&unknown, &commit).await {
        Err(error @ ForgeError::Refused { .. }) => assert_eq!(error.retry(), Retry::Never),
        other => panic!("{other:?}"),
    }
}
