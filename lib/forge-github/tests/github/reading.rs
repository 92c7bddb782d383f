//! What our side reads: files, heads, commits, permissions.

use std::collections::BTreeMap;

use solstice_forge::conformance::World as _;
use solstice_forge::workflows::MAX_FILE_BYTES;
use solstice_forge::{
    Changed, Forge as _, ForgeError, MAX_COMMIT_MESSAGE_BYTES, Permission, Unusable, WorkflowFile,
};
use solstice_model::{CommitSha, GitRef};

use crate::world::fault::Fault;
use crate::world::state::Entry;
use crate::world::{GitHub, repository};

fn tree(files: &[(&str, Entry)]) -> BTreeMap<String, Entry> {
    files.iter().map(|(path, entry)| ((*path).to_owned(), entry.clone())).collect()
}

#[tokio::test]
async fn a_link_is_told_and_not_followed() {
    let world = GitHub::new().await;
    let file = Entry::File(b"b".to_vec());
    let tree = tree(&[(".solstice/a.kdl", Entry::Link), (".solstice/b.kdl", file)]);
    let commit: CommitSha = world.fake.state().commit("m", tree).parse().unwrap();
    let files = world.forge.workflow_files(&repository(), &commit).await.unwrap();
    let contents: Vec<_> = files.into_iter().map(|file| file.content).collect();
    assert_eq!(contents, [Err(Unusable::SymbolicLink), Ok(b"b".to_vec())]);
    let tree = BTreeMap::from([(".solstice".to_owned(), Entry::Link)]);
    let commit: CommitSha = world.fake.state().commit("m", tree).parse().unwrap();
    let files = world.forge.workflow_files(&repository(), &commit).await.unwrap();
    assert_eq!(files, Unusable::SymbolicLink.directory());
}

#[tokio::test]
async fn a_file_that_is_too_large_is_not_asked_for() {
    let world = GitHub::new().await;
    let commit = world.commit(&[(".solstice/ci.kdl", &[b'/'; MAX_FILE_BYTES + 1])]).await;
    let files = world.forge.workflow_files(&repository(), &commit).await.unwrap();
    assert_eq!(files[0].content, Err(Unusable::TooLarge));
    assert_eq!(world.fake.requests_like("GET /repos/alice/widgets/contents").len(), 1);
}

#[tokio::test]
async fn an_answer_without_end_is_cut_short() {
    let (world, commit) = GitHub::with_commit().await;
    let contents = Some("GET /repos/{owner}/{repo}/contents/{path}");
    world.fake.fail(contents, Fault::Endless(200 * 1024 * 1024));
    let error = world.forge.workflow_files(&repository(), &commit).await.unwrap_err();
    assert!(error.to_string().contains("larger than 2097152 bytes"), "{error}");
    // The list as it is, then a file that is larger than the list says.
    world.fake.fail(contents, Fault::Slow(std::time::Duration::ZERO));
    world.fake.fail(contents, Fault::Endless(2 * MAX_FILE_BYTES));
    let files = world.forge.workflow_files(&repository(), &commit).await.unwrap();
    assert_eq!(files[0].content, Err(Unusable::TooLarge));
}

#[tokio::test]
async fn one_file_of_the_default_branch_is_read() {
    let world = GitHub::new().await;
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let commit = world
        .commit(&[
            (".solstice/policy.kdl", &bytes),
            (".solstice/large", &[b'/'; MAX_FILE_BYTES + 1]),
            ("odd/a b#%25?x.kdl", b"odd"),
            ("empty", b""),
        ])
        .await;
    world.point(&"refs/heads/main".parse().unwrap(), &commit).await;
    let read = async |path: &str| {
        let file = world.forge.default_branch_file(&repository(), path).await.unwrap();
        file.map(|WorkflowFile { path: of, content }| {
            assert_eq!(of, path);
            content
        })
    };
    assert_eq!(read(".solstice/policy.kdl").await, Some(Ok(bytes)));
    assert_eq!(read(".solstice/large").await, Some(Err(Unusable::TooLarge)));
    assert_eq!(read("odd/a b#%25?x.kdl").await, Some(Ok(b"odd".to_vec())));
    assert_eq!(read("empty").await, Some(Ok(Vec::new())));
    for absent in [".solstice", "none", ".solstice/none", "../x", "a//b", ".", ""] {
        assert_eq!(read(absent).await, None, "{absent:?}");
    }
    let tree = tree(&[(".solstice/policy.kdl", Entry::Link)]);
    let linked: CommitSha = world.fake.state().commit("m", tree).parse().unwrap();
    world.point(&"refs/heads/main".parse().unwrap(), &linked).await;
    assert_eq!(read(".solstice/policy.kdl").await, Some(Err(Unusable::SymbolicLink)));
    world.assert_well_used().await;
}

#[tokio::test]
async fn a_branch_of_a_hostile_name_is_asked_for_by_itself() {
    let (world, main) = GitHub::with_commit().await;
    let name = "f\u{e9}ature/日本-$(touch${IFS}x);'\"#%25&|🚀";
    for name in
        [name, "main#x", "main%23x", "main&ref=x", "heads/main", "-x", "HEAD", &"x".repeat(200)]
    {
        let git_ref: GitRef = format!("refs/heads/{name}").parse().unwrap();
        // Not there yet: the answer must not be that of `main`.
        let absent = world.forge.head(&repository(), Some(name), None).await.unwrap_err();
        assert!(matches!(absent, ForgeError::Absent { .. }), "{absent:?}");
        let commit = world.commit(&[]).await;
        assert_ne!(commit, main);
        world.point(&git_ref, &commit).await;
        let head = world.forge.head(&repository(), Some(name), None).await.unwrap();
        assert_eq!((head.git_ref, head.commit), (git_ref, commit), "{name}");
    }
    world.assert_well_used().await;
}

#[tokio::test]
async fn annotated_tags_lead_to_their_commit() {
    let (world, commit) = GitHub::with_commit().await;
    let point = |name: &str, of: &str| {
        let mut state = world.fake.state();
        let tag = state.id();
        state.tags.insert(tag.clone(), of.to_owned());
        state.refs.insert(format!("refs/tags/{name}"), tag.clone());
        tag
    };
    let tag = point("v1", commit.as_str());
    let tag = point("of-a-tag", &tag);
    let head = async |name: &str| world.forge.head(&repository(), Some(name), None).await;
    for name in ["v1", "of-a-tag"] {
        assert_eq!(head(name).await.unwrap().commit, commit, "{name}");
    }
    let mut deep = tag;
    for _ in 0..4 {
        deep = point("deep", &deep);
    }
    assert!(matches!(head("deep").await, Err(ForgeError::Absent { .. })));
    let push = world.forge.head(&repository(), None, None).await.unwrap().pushed_by("ada");
    assert_eq!((push.git_ref.as_str(), push.actor.as_str()), ("refs/heads/main", "ada"));
}

#[tokio::test]
async fn a_message_is_read_whole_up_to_its_limit() {
    let world = GitHub::new().await;
    let told = async |message: &str| {
        let commit = world.fake.state().commit(message, BTreeMap::new()).parse().unwrap();
        world.forge.commit_message(&repository(), &commit).await.unwrap()
    };
    assert_eq!(told("Fix\n\n[skip ci]\n").await, "Fix\n\n[skip ci]\n");
    let long = told(&format!("x{}", "🚀".repeat(MAX_COMMIT_MESSAGE_BYTES))).await;
    assert_eq!(long.len(), MAX_COMMIT_MESSAGE_BYTES - 3);
    let unknown: CommitSha = "0123456789".repeat(4).parse().unwrap();
    let error = world.forge.commit_message(&repository(), &unknown).await.unwrap_err();
    assert!(matches!(error, ForgeError::Refused { status: 404, .. }), "{error:?}");
}

#[tokio::test]
async fn changed_files_are_all_or_unknown() {
    let world = GitHub::new().await;
    let names: Vec<String> = (0..300).map(|number| format!("f{number:03}")).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    let base = world.commit(&[("same", b"x"), ("gone", b"x")]).await;
    let some = world.commit(&[("same", b"x"), ("a#b", b""), ("moved/gone", b"x")]).await;
    let fewer = world.commit(&files[..297]).await;
    let most = world.commit(&files).await;
    let changed = async |base: &CommitSha, head: &CommitSha| {
        world.forge.changed_files(&repository(), base, head).await.unwrap()
    };
    let owned = |names: &[&str]| Changed::Files(names.iter().map(|it| (*it).to_owned()).collect());
    assert_eq!(changed(&base, &some).await, owned(&["a#b", "gone", "moved/gone", "gone"]));
    assert_eq!(changed(&base, &base).await, owned(&[]));
    assert!(matches!(changed(&base, &fewer).await, Changed::Files(files) if files.len() == 299));
    assert_eq!(changed(&base, &most).await, Changed::Unknown);
    let unknown: CommitSha = "0123456789".repeat(4).parse().unwrap();
    assert_eq!(changed(&unknown, &some).await, Changed::Unknown);
    let refused = world.forge.changed_files(&repository(), &base, &unknown).await.unwrap_err();
    assert!(matches!(refused, ForgeError::Refused { status: 404, .. }), "{refused:?}");
    let compare = Some("GET /repos/{owner}/{repo}/compare/{basehead}");
    world.fake.fail(compare, Fault::Endless(20 * 1024 * 1024));
    assert_eq!(changed(&base, &some).await, Changed::Unknown);
    world.fake.fail(compare, Fault::Page);
    let bad = world.forge.changed_files(&repository(), &base, &some).await.unwrap_err();
    assert!(matches!(bad, ForgeError::BadAnswer { .. }), "{bad:?}");
    world.assert_well_used().await;
}

#[tokio::test]
async fn a_role_comes_to_what_it_allows() {
    let world = GitHub::new().await;
    // As GitHub says it: the permission, and the role from which it comes.
    for (user, words, expected) in [
        ("ada", "admin", Permission::Admin),
        ("bob", "write", Permission::Write),
        ("carol", "write maintain", Permission::Write),
        ("dan", "read triage", Permission::Read),
        ("eve", "write admin-of-nothing", Permission::Write),
        ("fay", "none", Permission::None),
        ("gil", "something-new", Permission::None),
        ("app[bot]", "read", Permission::Read),
    ] {
        world.fake.state().people.insert(user.to_owned(), words);
        let permission = world.forge.permission(&repository(), user).await.unwrap();
        assert_eq!(permission, expected, "{user}");
    }
    for nobody in ["nobody", "", ".", "..", "../../x", "ada/", "ada?x=1", "ada#"] {
        let permission = world.forge.permission(&repository(), nobody).await.unwrap();
        assert_eq!(permission, Permission::None, "{nobody:?}");
    }
    world.assert_well_used().await;
}
