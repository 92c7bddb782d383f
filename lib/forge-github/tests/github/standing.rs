//! What is found again after webhooks were lost.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use solstice_forge::conformance::World as _;
use solstice_forge::{Forge as _, ForgeError};

use crate::world::fault::Fault;
use crate::world::state::{Delivery, REPOSITORY_ID};
use crate::world::{GitHub, repository};

fn pull(number: u64, head_repository: Value) -> Value {
    json!({ "number": number, "title": "A <thing>\nmore", "user": { "login": "carol" },
        "base": { "ref": "main", "sha": "a".repeat(40), "repo": { "id": REPOSITORY_ID } },
        "head": { "ref": "main", "sha": "b".repeat(40), "repo": head_repository } })
}

#[tokio::test]
async fn branches_and_open_pull_requests_are_found() {
    let (world, main) = GitHub::with_commit().await;
    let queue = "refs/heads/gh-readonly-queue/main/pr-1-abc".parse().unwrap();
    world.point(&queue, &main).await;
    world.point(&"refs/heads/odd#1/ü".parse().unwrap(), &main).await;
    let (fork, here) = (json!({ "id": 4_711 }), json!({ "id": REPOSITORY_ID }));
    let pulls = vec![pull(7, here), pull(8, fork), pull(9, Value::Null)];
    world.fake.state().pulls = pulls;
    let standing = world.forge.standing(&repository()).await.unwrap();
    let branches: Vec<_> = standing.branches.iter().map(|it| it.git_ref.as_str()).collect();
    assert_eq!(branches, ["refs/heads/main", "refs/heads/odd#1/ü"]);
    assert!(standing.branches.iter().all(|push| push.commit == main && push.actor == "carol"));
    let pulls: Vec<_> =
        standing.pull_requests.iter().map(|it| (it.number, it.outside, &*it.author)).collect();
    assert_eq!(pulls, [(7, false, "carol"), (8, true, "carol"), (9, true, "carol")]);
    let first = &standing.pull_requests[0];
    assert_eq!((first.head.title.as_str(), first.head.actor.as_str()), ("A <thing>", "carol"));
    assert_eq!(first.head.git_ref.as_str(), "refs/pull/7/head");
    world.assert_well_used().await;
}

#[tokio::test]
async fn no_more_than_two_pages_are_read() {
    let (world, main) = GitHub::with_commit().await;
    for number in 0..350 {
        world.point(&format!("refs/heads/b{number}").parse().unwrap(), &main).await;
    }
    let pulls = (1..=150).map(|number| pull(number, Value::Null)).collect();
    world.fake.state().pulls = pulls;
    let standing = world.forge.standing(&repository()).await.unwrap();
    assert_eq!((standing.branches.len(), standing.pull_requests.len()), (200, 150));
    // A commit is asked for once, however many branches and rounds there are.
    world.forge.standing(&repository()).await.unwrap();
    assert_eq!(world.fake.requests_like("GET /repos/alice/widgets/commits").len(), 1);
}

#[tokio::test]
async fn whose_a_commit_is_may_be_unknown() {
    let (world, _) = GitHub::with_commit().await;
    for last in ["1", "2"] {
        let nobodys = world.commit(&[]).await;
        assert!(nobodys.as_str().ends_with(last));
        world.point(&"refs/heads/main".parse().unwrap(), &nobodys).await;
        let standing = world.forge.standing(&repository()).await.unwrap();
        assert_eq!(standing.branches[0].actor, "ghost");
    }
    world.assert_well_used().await;
}

fn delivery(id: u64, guid: &str, minutes_ago: i64, status_code: u16) -> Delivery {
    let delivered_at = Utc::now() - TimeDelta::minutes(minutes_ago);
    Delivery { id, guid: guid.to_owned(), delivered_at, status_code }
}

#[tokio::test]
async fn deliveries_that_never_arrived_are_asked_for_again() {
    let world = GitHub::new().await;
    world.fake.state().deliveries = vec![
        delivery(1, "long-ago", 300, 502),
        delivery(2, "arrived-at-last", 50, 502),
        delivery(3, "arrived-at-last", 40, 200),
        delivery(4, "refused", 30, 400),
        delivery(5, "never", 20, 0),
        delivery(6, "never", 10, 504),
        delivery(7, "arrived", 5, 200),
    ];
    // Refused each time: one more would be too.
    let hopeless = (0..5).map(|at| delivery(20 + at, "hopeless", 15, 401));
    world.fake.state().deliveries.extend(hopeless);
    let since = Utc::now() - TimeDelta::minutes(60);
    assert_eq!(world.forge.redeliver(since).await.unwrap(), 2);
    assert_eq!(world.fake.state().redelivered, [4, 6]);
    world.assert_well_used().await;
}

#[tokio::test]
async fn many_deliveries_are_looked_through_by_pages() {
    let world = GitHub::new().await;
    world.fake.state().deliveries = (0..250)
        .map(|id| delivery(id, &format!("d{id}"), 1, if id % 50 == 7 { 500 } else { 200 }))
        .collect();
    let since = Utc::now() - TimeDelta::minutes(60);
    // One is gone by the time it is asked for.
    let attempts = Some("POST /app/hook/deliveries/{delivery_id}/attempts");
    world.fake.fail(attempts, Fault::status(404));
    assert_eq!(world.forge.redeliver(since).await.unwrap(), 4);
    assert_eq!(world.fake.requests_like("GET /app/hook/deliveries").len(), 3);
    world.fake.fail(attempts, Fault::status(500));
    let error = world.forge.redeliver(since).await.unwrap_err();
    assert!(matches!(error, ForgeError::Refused { status: 500, .. }), "{error:?}");
    world.assert_well_used().await;
}
