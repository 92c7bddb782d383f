//! Webhooks are told as Forgejo tells them.

use serde_json::Value;
use solstice_model::{CommitSha, GitRef};
use solstice_testbed::forge::{Options, PullRequestAction, PullRequestFrom, delivery_headers};
use uuid::Uuid;

use crate::{git, main_branch, widgets, world};

/// The names of an object's fields, with those of the objects in it, in the
/// order in which they were written.
fn fields(payload: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(payload).unwrap();
    let name = |line: &str| Some(line.trim().strip_prefix('"')?.split_once("\":")?.0.to_owned());
    text.lines().filter_map(name).collect()
}

#[tokio::test]
async fn a_push_is_told_as_forgejo_tells_it() {
    let world = world(Options::default()).await;
    let first = world.commit("First\n", &[("a", "1".into()), ("b", "1".into())]).await;
    world.commit("Second\n", &[("a", "2".into()), ("c", "1".into())]).await;
    let third = world.commit("<Third> & \u{2028}\n\nWhy.\n", &[("a", "2".into())]).await;
    let payload = world
        .forge
        .push_payload(&widgets(), &main_branch(), Some(&first), Some(&third), "alice")
        .await
        .unwrap();
    let example =
        include_bytes!("../../../../lib/forge-forgejo/tests/data/webhooks/push.branch.json");
    assert_eq!(fields(&payload), fields(example));
    let text = std::str::from_utf8(&payload).unwrap();
    assert!(text.starts_with("{\n  \"ref\": \"refs/heads/main\",\n"), "{text}");
    assert!(text.contains(r#""\u003cThird\u003e \u0026 \u2028\n\nWhy.\n""#), "{text}");
    let value: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(value["total_commits"], 2);
    assert_eq!(value["commits"][0]["id"], third.as_str());
    assert_eq!(value["commits"][1]["added"], serde_json::json!(["c"]));
    assert_eq!(value["commits"][1]["modified"], serde_json::json!(["a"]));
    assert_eq!(value["commits"][1]["removed"], serde_json::json!(["b"]));
    assert_eq!(value["commits"][1]["timestamp"], "2026-10-10T12:13:00Z");
    assert_eq!(value["head_commit"], value["commits"][0]);
    assert_eq!(value["pusher"]["login"], "alice");
}

#[tokio::test]
async fn new_and_deleted_refs_and_tags_are_told_as_forgejo_tells_them() {
    let world = world(Options::default()).await;
    let mut tip = world.commit("0\n", &[]).await;
    for n in 1..20 {
        tip = world.commit(&format!("{n}\n"), &[]).await;
    }
    let path = world.forge.repositories().path(&widgets());
    let tag = ["-c", "user.name=A", "-c", "user.email=a@h", "tag", "-a", "-m", "v1", "v1"];
    git(&path, &tag).await.unwrap();
    let tag_ref: GitRef = "refs/tags/v1".parse().unwrap();
    let tag = world.forge.repositories().tip(&widgets(), &tag_ref).await.unwrap();
    let read = |git_ref: GitRef, before: Option<CommitSha>, after: Option<CommitSha>| {
        let forge = &world.forge;
        async move {
            let (before, after) = (before.as_ref(), after.as_ref());
            let payload = forge.push_payload(&widgets(), &git_ref, before, after, "bob").await;
            serde_json::from_slice::<Value>(&payload.unwrap()).unwrap()
        }
    };
    let branch = read(main_branch(), None, Some(tip.clone())).await;
    assert_eq!(branch["before"], "0".repeat(40));
    assert_eq!(branch["commits"].as_array().unwrap().len(), 10);
    let tagged = read(tag_ref.clone(), None, Some(tag.clone())).await;
    assert_eq!(
        (&tagged["after"], &tagged["commits"]),
        (&tag.as_str().into(), &Value::Array(vec![]))
    );
    assert_eq!(tagged["head_commit"]["id"], tip.as_str());
    let deleted = read(tag_ref, Some(tag), None).await;
    assert_eq!((&deleted["head_commit"], &deleted["total_commits"]), (&Value::Null, &0.into()));
    let button = read(main_branch(), Some(tip.clone()), Some(tip)).await;
    assert_eq!(button["total_commits"], 1);
}

#[test]
fn a_delivery_has_all_the_headers_that_forgejo_sends() {
    let id = Uuid::from_u128(7);
    let headers = delivery_headers("push", id, b"Hello, World!", "It's a Secret to Everybody");
    let digits = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert_eq!(headers["x-forgejo-signature"], digits);
    assert_eq!(headers["x-hub-signature-256"], format!("sha256={digits}"));
    // HMAC-SHA1 of the same.
    let sha1 = "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59";
    assert_eq!(headers["x-hub-signature"], sha1);
    assert_eq!(headers["x-gitea-delivery"], id.to_string());
    assert_eq!(headers["x-github-event-type"], "push");
    assert_eq!(headers.len(), 18);
}

#[tokio::test]
async fn pull_requests_and_deleted_branches_are_told_as_forgejo_tells_them() {
    let world = world(Options::default()).await;
    let head = world.commit("First\n", &[]).await;
    let repositories = world.forge.repositories();
    let fork = PullRequestFrom::Fork { owner: "mallory".to_owned(), branch: "patch-1".to_owned() };
    for (from, action, example) in [
        (
            PullRequestFrom::Branch("feature".to_owned()),
            "opened",
            &include_bytes!(
                "../../../../lib/forge-forgejo/tests/data/webhooks/pull_request.opened.json"
            )[..],
        ),
        (
            PullRequestFrom::Agit,
            "opened",
            include_bytes!(
                "../../../../lib/forge-forgejo/tests/data/webhooks/pull_request.opened.agit.json"
            ),
        ),
        (
            PullRequestFrom::DeletedFork { branch: "patch-1".to_owned() },
            "synchronized",
            include_bytes!(
                "../../../../lib/forge-forgejo/tests/data/webhooks/pull_request.synchronized.fork-deleted.json"
            ),
        ),
    ] {
        let told = PullRequestAction {
            action,
            number: 5,
            title: "Add a thing".to_owned(),
            from,
            head: head.clone(),
            sender: "alice".to_owned(),
        };
        let payload = repositories.pull_request_payload(&widgets(), &told).await.unwrap();
        assert_eq!(fields(&payload), fields(example), "{:?}", told.from);
        let forked = PullRequestAction { from: fork.clone(), ..told };
        let payload = repositories.pull_request_payload(&widgets(), &forked).await.unwrap();
        let value: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(value["pull_request"]["head"]["repo"]["full_name"], "mallory/widgets");
        assert_eq!(value["repository"]["full_name"], "alice/widgets");
    }
    let payload = repositories.delete_payload(&widgets(), &main_branch(), "alice").await.unwrap();
    let example =
        include_bytes!("../../../../lib/forge-forgejo/tests/data/webhooks/delete.branch.json");
    assert_eq!(fields(&payload), fields(example));
}
