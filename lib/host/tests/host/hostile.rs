//! A guest under somebody else's control.

use reqwest::StatusCode;
use serde_json::{Value, json};
use solstice_hypervisor::fake::FakeGuest;
use solstice_model::{Assignment, Token};

use crate::support::agent::{Agent, line};
use crate::support::{Rig, bounded};

async fn running() -> (Rig, Assignment, Agent) {
    let mut rig = Rig::new().await;
    rig.start().await;
    let job = rig.submit();
    let guest: FakeGuest = bounded("the guest", rig.world.next_boot()).await;
    let agent = Agent::new(guest, rig.data.clone());
    (rig, job, agent)
}

async fn end(rig: Rig, job: Assignment) {
    rig.server.cancel(job.attempt);
    rig.until_clean().await;
}

#[tokio::test]
async fn a_token_is_redeemed_once_and_repeated_only_by_its_session() {
    let (rig, job, agent) = running().await;
    let token = agent.guest.token();
    for (token, session, status) in [
        (Token::generate(), Token::generate(), StatusCode::UNAUTHORIZED),
        (Token::from_text(""), Token::generate(), StatusCode::UNAUTHORIZED),
        (token.clone(), Token::from_text("short"), StatusCode::BAD_REQUEST),
        (token.clone(), Token::from_text("x".repeat(1000)), StatusCode::BAD_REQUEST),
        (token.clone(), Token::from_text(" ".repeat(50)), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(agent.redeem_with(&token, &session).await.status(), status);
    }
    assert_eq!(agent.redeem().await.next_seq, 1);
    agent.say(1, line("one")).await;
    assert_eq!(agent.redeem().await.next_seq, 2, "as the first time");
    rig.server.change(|state| state.refuses_empty_batches = true);
    assert_eq!(agent.redeem().await.next_seq, 2, "from what was forwarded here");
    let thief = agent.redeem_with(&token, &Token::generate()).await;
    assert_eq!(thief.status(), StatusCode::FORBIDDEN);
    assert!(!agent.say(2, line("two")).await.stop, "the session is as good as before");
    end(rig, job).await;
}

#[tokio::test]
async fn nothing_is_given_without_a_session() {
    let (rig, job, mut agent) = running().await;
    let session = agent.session.clone();
    for wrong in [Token::from_text(""), Token::generate(), session, agent.guest.token()] {
        agent.session = wrong;
        let answer = agent.send_raw(&json!({"records": []})).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    end(rig, job).await;
}

#[tokio::test]
async fn a_session_ends_with_its_attempt() {
    let (rig, job, agent) = running().await;
    agent.redeem().await;
    end(rig, job).await;
}

#[tokio::test]
async fn records_out_of_bounds_are_refused_and_cost_nothing() {
    let (rig, job, agent) = running().await;
    agent.redeem().await;
    let record = |seq: u64, body: Value| {
        let mut record = json!({"seq": seq, "at": "2026-01-01T00:00:00Z"});
        record.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        record
    };
    let note = |seq| record(seq, json!({"kind": "note", "text": "x"}));
    let output = |step: u64, bytes: usize| {
        let chunk = "x".repeat(bytes);
        let body = json!({"kind": "output", "step": step, "stream": "stdout", "chunk": chunk,
            "newline": true});
        record(1, body)
    };
    let many: Vec<_> = (1..=4097).map(note).collect();
    let end_and_more =
        [record(1, json!({"kind": "finished", "verdict": {"verdict": "succeeded"}})), note(2)];
    let cancel = record(1, json!({"kind": "finished", "verdict": {"verdict": "cancelled"}}));
    for (what, records) in [
        ("too many", json!(many)),
        ("a hole", json!([note(1), note(3)])),
        ("a zero", json!([note(0)])),
        ("an overflow", json!([note(u64::MAX)])),
        ("a step that the job does not have", json!([output(2, 1)])),
        ("a long chunk", json!([output(0, 32 * 1024 + 1)])),
        ("more after the end", json!(end_and_more)),
        ("a verdict that is not a guest's", json!([cancel])),
        ("a negative number", json!([{"seq": -1}])),
        ("no records at all", json!("x")),
        ("nothing", Value::Null),
    ] {
        let answer = agent.send_raw(&json!({"records": records})).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{what}");
    }
    let huge = "x".repeat(5 * 1024 * 1024);
    for body in [huge.as_str(), "{", "\u{0}"] {
        let sent =
            agent.post("records").header("content-type", "application/json").body(body.to_owned());
        // A body that is too large may be cut off instead of being answered.
        if let Ok(answer) = sent.send().await {
            assert!(answer.status().is_client_error());
        }
    }
    assert_eq!(rig.server.records(job.attempt), Vec::new());
    assert_eq!(agent.say(1, line("fine")).await.durable_seq, 1);
    end(rig, job).await;
}

#[tokio::test]
async fn a_guest_gets_only_so_many_requests_at_once() {
    let (rig, job, agent) = running().await;
    agent.redeem().await;
    agent.source().await;
    rig.server.set_away(true);
    let batch = json!({"records": []});
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let request = agent.post("records").json(&batch);
        requests.spawn(async move { request.send().await.unwrap().status() });
    }
    let refused = bounded("a refusal", requests.join_next()).await.unwrap().unwrap();
    assert_eq!(refused, StatusCode::TOO_MANY_REQUESTS);
    rig.server.set_away(false);
    let rest = bounded("the rest", requests.join_all()).await;
    assert_eq!(rest.iter().filter(|status| status.is_success()).count(), 4, "{rest:?}");
    end(rig, job).await;
}

#[tokio::test]
async fn two_guests_cannot_speak_for_each_other() {
    let (rig, first, one) = running().await;
    let second = rig.submit();
    let two = Agent::new(bounded("the guest", rig.world.next_boot()).await, rig.data.clone());
    one.redeem().await;
    two.redeem().await;
    one.say(1, line("one")).await;
    two.say(1, line("two")).await;
    let crossed = one.redeem_with(&two.guest.token(), &one.session).await;
    assert_eq!(crossed.status(), StatusCode::FORBIDDEN);
    assert_eq!(rig.server.records(first.attempt), [line("one")]);
    assert_eq!(rig.server.records(second.attempt), [line("two")]);
    rig.server.cancel(second.attempt);
    end(rig, first).await;
}
