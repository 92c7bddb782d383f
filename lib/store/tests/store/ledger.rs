//! Deliveries as people look at them, and those that are interpreted again.

use solstice_api::user::DeliverySource;
use solstice_model::id::new_id;
use solstice_store::{MAX_HEADER_BYTES, MAX_HEADERS, StoreError, Verdict};

use crate::fixture::{at, deliver, forge, new_delivery, new_run, push, spec, store};

#[tokio::test]
async fn headers_are_kept_within_bounds() {
    let (_dir, store) = store();
    let mut new = new_delivery("uuid-1");
    new.headers = (0..MAX_HEADERS + 9).map(|at| (format!("x-{at}"), "ü".repeat(2000))).collect();
    let id = store.take_delivery(new).await.unwrap().id;
    let detail = store.delivery_detail(id).await.unwrap();
    assert_eq!(detail.headers.len(), MAX_HEADERS);
    assert_eq!(detail.headers[0].name, "x-0");
    assert_eq!(detail.headers[0].value.len(), MAX_HEADER_BYTES);
    assert_eq!(detail.delivery.source, DeliverySource::Webhook);
    assert_eq!((detail.body_bytes, detail.body_removed_at), (26, None));
    assert_eq!(store.delivery_body(id).await.unwrap(), b"{\"ref\": \"refs/heads/main\"}");
    let unknown = store.delivery_detail(new_id()).await.unwrap_err();
    assert!(matches!(unknown, StoreError::NotFound { .. }));
}

#[tokio::test]
async fn a_replay_waits_again_and_makes_nothing_twice() {
    let (_dir, store) = store();
    let id = deliver(&store).await;
    let still = store.replay(id, "ada".to_owned(), at(1)).await.unwrap_err();
    assert!(still.to_string().contains("still waits"), "{still}");
    let runs = || vec![new_run("a.kdl", Ok(vec![spec("a", &[])]))];
    let first = store.finish_delivery_with_runs(id, push('a'), runs(), at(2)).await.unwrap();
    store.replay(id, "ada".to_owned(), at(3)).await.unwrap();
    let waiting = store.next_waiting_deliveries(forge(), at(3), 9).await.unwrap();
    assert_eq!((waiting[0].id, waiting[0].tries, waiting[0].body.len()), (id, 0, 26));
    assert_eq!(store.begin_delivery_try(id).await.unwrap(), 0);
    let second = store.finish_delivery_with_runs(id, push('a'), runs(), at(4)).await.unwrap();
    assert_eq!((second[0].run, second[0].new), (first[0].run, false));
    let detail = store.delivery_detail(id).await.unwrap();
    assert_eq!((detail.delivery.replays, detail.replayed_by.as_deref()), (1, Some("ada")));
    assert_eq!((detail.delivery.verdict.as_str(), detail.finished_at), ("runs", Some(at(4))));
}

#[tokio::test]
async fn without_its_body_nothing_is_replayed_and_the_oldest_bodies_go_first() {
    let (_dir, store) = store();
    let mut ids = Vec::new();
    for second in 0..5 {
        let mut new = new_delivery(&format!("uuid-{second}"));
        new.received_at = at(second);
        let id = store.take_delivery(new).await.unwrap().id;
        let verdict = Verdict::Ignored { reason: "no workflow".to_owned() };
        store.finish_delivery(id, verdict, at(second)).await.unwrap();
        ids.push(id);
    }
    assert_eq!(store.remove_bodies(None, None, at(9)).await.unwrap().count, 0);
    assert_eq!(store.remove_bodies(None, Some(5), at(9)).await.unwrap().count, 0);
    assert_eq!(store.remove_bodies(Some(at(1)), Some(3), at(9)).await.unwrap().count, 2);
    assert_eq!(store.remove_bodies(Some(at(1)), Some(3), at(9)).await.unwrap().count, 0);
    for (id, kept) in ids.into_iter().zip([false, false, true, true, true]) {
        assert_eq!(store.delivery_body(id).await.is_ok(), kept);
        let replayed = store.replay(id, "ada".to_owned(), at(9)).await;
        assert_eq!(replayed.is_ok(), kept, "{replayed:?}");
    }
}
