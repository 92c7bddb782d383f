//! Hosts and tokens.

use solstice_model::{Role, Token};
use solstice_store::StoreError;

use crate::fixture::{at, claim, host, one_job, store};

#[tokio::test]
async fn a_host_is_known_by_its_last_report() {
    let (_dir, store) = store();
    let labels = |labels: &[&str]| labels.iter().map(|label| label.parse().unwrap()).collect();
    store.note_host(host("host-1"), labels(&["b", "a", "a"]), 4, at(1)).await.unwrap();
    store.note_host(host("host-0"), labels(&["c"]), 1, at(2)).await.unwrap();
    store.note_host(host("host-1"), labels(&["z", "a"]), 3, at(3)).await.unwrap();
    let job = one_job(&store).await;
    claim(&store, 5).await;
    let hosts = store.hosts().await.unwrap();
    assert_eq!(hosts.len(), 2);
    assert_eq!((hosts[0].name.as_str(), hosts[0].jobs.len()), ("host-0", 0));
    assert_eq!((hosts[1].room, hosts[1].seen_at), (3, at(3)));
    assert_eq!(hosts[1].labels, labels(&["a", "z"]) as Vec<solstice_model::Label>);
    assert_eq!(hosts[1].jobs, [job.id]);
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
    store.revoke_token("ci".to_owned()).await.unwrap();
    assert!(store.find_token(token.hash()).await.unwrap().is_none());
    for gone in
        [store.revoke_token("ci".to_owned()).await, store.touch_token("ci".to_owned(), at(3)).await]
    {
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
