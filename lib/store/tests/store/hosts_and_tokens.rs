//! Hosts and tokens.

use solstice_api::host::HostImage;
use solstice_model::{Label, Role, Sha256Digest, Token};
use solstice_store::{Actor, HostNote, StoreError};

use crate::fixture::{LEASE, at, claim, claim_all, host, one_job, store};

fn labels(labels: &[&str]) -> Vec<Label> {
    labels.iter().map(|label| label.parse().unwrap()).collect()
}

fn ada() -> Actor {
    "ada".to_owned().into()
}

fn note(names: &[&str], room: u32) -> HostNote {
    HostNote { labels: labels(names), room, ..HostNote::default() }
}

#[tokio::test]
async fn a_host_is_known_by_its_last_report() {
    let (_dir, store) = store();
    store.note_host(host("host-1"), note(&["b", "a", "a"], 4), at(1)).await.unwrap();
    store.note_host(host("host-0"), note(&["c"], 1), at(2)).await.unwrap();
    let mut last = note(&["z", "a"], 3);
    last.sizes = vec!["small".parse().unwrap(), "large".parse().unwrap()];
    store.note_host(host("host-1"), last, at(3)).await.unwrap();
    let job = one_job(&store).await;
    claim(&store, 5).await;
    let hosts = store.hosts(at(63), LEASE).await.unwrap();
    assert_eq!(hosts.len(), 2);
    assert_eq!((hosts[0].name.as_str(), hosts[0].jobs.len()), ("host-0", 0));
    assert_eq!((hosts[1].room, hosts[1].seen_at), (3, at(3)));
    assert_eq!(hosts[1].labels, labels(&["a", "z"]));
    assert_eq!(hosts[1].sizes, ["large".parse().unwrap(), "small".parse().unwrap()]);
    assert_eq!(hosts[1].jobs, [job.id]);
    assert_eq!((hosts[0].online, hosts[1].online), (false, true));
}

#[tokio::test]
async fn a_draining_host_keeps_what_it_has_and_gets_nothing_more() {
    let (_dir, store) = store();
    store.note_host(host("host-1"), note(&["illumos"], 9), at(1)).await.unwrap();
    one_job(&store).await;
    one_job(&store).await;
    claim(&store, 2).await;
    let drains =
        |drains| store.set_draining(host("host-1"), drains, "ada".to_owned(), at(3), LEASE);
    let drained = drains(true).await.unwrap();
    assert_eq!((drained.draining, drained.jobs.len()), (true, 1));
    store.note_host(host("host-1"), note(&["illumos"], 9), at(4)).await.unwrap();
    assert!(store.hosts(at(4), LEASE).await.unwrap()[0].draining, "reporting changes nothing");
    assert_eq!(claim_all(&store, 5).await.len(), 0);
    let mut changes = store.changes();
    changes.mark_unchanged();
    assert!(!drains(false).await.unwrap().draining);
    assert!(changes.has_changed().unwrap(), "its poll wakes up");
    assert_eq!(claim_all(&store, 6).await.len(), 1);
    let unknown = store.set_draining(host("host-9"), true, "ada".to_owned(), at(3), LEASE).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
}

#[tokio::test]
async fn images_are_listed_with_the_hosts_that_have_them() {
    let (_dir, store) = store();
    let image = |name: &str, digest: &[u8]| HostImage {
        name: name.parse().unwrap(),
        digest: Sha256Digest::of(digest),
        labels: labels(&[name]),
    };
    let with = |images| HostNote { images, ..HostNote::default() };
    let both = with(vec![image("omnios", b"1"), image("debian", b"1")]);
    store.note_host(host("host-1"), both, at(1)).await.unwrap();
    let same = with(vec![image("debian", b"1"), image("omnios", b"2")]);
    store.note_host(host("host-2"), same, at(1)).await.unwrap();
    let listed: Vec<_> = store
        .images()
        .await
        .unwrap()
        .into_iter()
        .map(|image| (image.image.name.to_string(), image.hosts))
        .collect();
    let expected = [
        ("debian".to_owned(), vec![host("host-1"), host("host-2")]),
        ("omnios".to_owned(), vec![host("host-1")]),
        ("omnios".to_owned(), vec![host("host-2")]),
    ];
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn a_token_opens_until_it_is_revoked() {
    let (_dir, store) = store();
    let token = Token::generate();
    let made = store.create_token("ci".to_owned(), Role::Operator, token.hash(), at(1)).await;
    assert_eq!(made.unwrap().created_at, at(1));
    let found = store.find_token(token.hash()).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.role), ("ci", Role::Operator));
    assert!(store.find_token(Token::generate().hash()).await.unwrap().is_none());
    store.touch_token("ci".to_owned(), at(2)).await.unwrap();
    assert_eq!(store.tokens().await.unwrap().len(), 1);
    store.revoke_token("ci".to_owned(), ada(), at(3)).await.unwrap();
    assert!(store.find_token(token.hash()).await.unwrap().is_none());
    for gone in [
        store.revoke_token("ci".to_owned(), ada(), at(3)).await,
        store.touch_token("ci".to_owned(), at(3)).await,
    ] {
        assert!(matches!(gone, Err(StoreError::NotFound { .. })), "{gone:?}");
    }
}

#[tokio::test]
async fn a_token_s_name_is_its_own_and_sensible() {
    let (_dir, store) = store();
    let create = |name: &str| {
        store.create_token(name.to_owned(), Role::Host, Token::generate().hash(), at(1))
    };
    create("host-1").await.unwrap();
    for bad in ["host-1", "", "a\nb", &"x".repeat(101)] {
        let refused = create(bad).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{bad:?}: {refused:?}");
    }
    assert_eq!(store.tokens().await.unwrap()[0].role, Role::Host);
}
