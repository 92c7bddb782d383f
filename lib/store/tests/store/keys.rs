//! Requests with a key, and processes that end in between.

use solstice_api::user::AuditVia;
use solstice_store::{Actor, Claimed, KeyedRequest, RerunJobs, Store};

use crate::fixture::{at, one_job, store};

fn request(process: &str) -> KeyedRequest {
    let text = |text: &str| text.to_owned();
    KeyedRequest { who: text("ada"), key: text("k"), request: text("r"), process: text(process) }
}

async fn claim(store: &Store, process: &str) -> Claimed {
    store.claim_key(request(process), at(400)).await.unwrap()
}

#[tokio::test]
async fn what_a_killed_process_had_not_done_the_next_one_does() {
    let (_dir, store) = store();
    let Claimed::New(first) = claim(&store, "one").await else { panic!("it is new") };
    assert_eq!(claim(&store, "one").await, Claimed::UnderWay);
    assert_eq!(claim(&store, "two").await, Claimed::New(first));
    assert_eq!(claim(&store, "two").await, Claimed::UnderWay);
    store.answer_key(first, "[]".to_owned()).await.unwrap();
    assert_eq!(claim(&store, "three").await, Claimed::Answered(first, "[]".to_owned()));
}

#[tokio::test]
async fn what_a_killed_process_had_done_nobody_does_again() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    store.cancel(job.id, "ada".to_owned(), at(1)).await.unwrap();
    let Claimed::New(key) = claim(&store, "one").await else { panic!("it is new") };
    let by = Actor { key: Some(key), ..Actor::new("ada", AuditVia::Token) };
    store.rerun(job.run, RerunJobs::Job(job.id), by, at(400)).await.unwrap();
    // Here it is killed: there is no answer.
    assert_eq!(claim(&store, "two").await, Claimed::Lost);
    store.release_key(key).await.unwrap();
    assert_eq!(claim(&store, "one").await, Claimed::Lost, "nor after a failure");
}

#[tokio::test]
async fn what_failed_may_be_tried_again_with_the_same_key() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let Claimed::New(key) = claim(&store, "one").await else { panic!("it is new") };
    let by = Actor { key: Some(key), ..Actor::new("ada", AuditVia::Token) };
    store.rerun(job.run, RerunJobs::Job(job.id), by, at(400)).await.unwrap_err();
    store.release_key(key).await.unwrap();
    assert!(matches!(claim(&store, "one").await, Claimed::New(_)));
    let other = KeyedRequest { request: "other".to_owned(), ..request("one") };
    assert_eq!(store.claim_key(other, at(400)).await.unwrap(), Claimed::Reused);
    let day_later = at(400 + 24 * 60 * 60);
    assert!(matches!(store.claim_key(request("one"), day_later).await.unwrap(), Claimed::New(_)));
}
