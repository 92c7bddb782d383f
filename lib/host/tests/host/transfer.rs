//! What goes between guests and the server as streams: inputs and artifacts;
//! the limits around them, and the sizes of machines.

use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;
use solstice_api::agent::ArtifactStored;
use solstice_api::host::HostReport;
use solstice_model::{Assignment, RecordBody, Sha256Digest, TimeLimit};

use crate::support::agent::{Agent, finished, line};
use crate::support::{Rig, bounded};

/// A rig with an agent that has redeemed its token and has its source.
async fn running(change: impl FnOnce(&mut Rig, &mut Assignment)) -> (Rig, Assignment, Agent) {
    let mut rig = Rig::new().await;
    let mut job = rig.assignment();
    change(&mut rig, &mut job);
    rig.start().await;
    rig.server.submit(job.clone());
    let guest = bounded("the guest", rig.world.next_boot()).await;
    let agent = Agent::new(guest, rig.data.clone());
    agent.redeem().await;
    agent.source().await;
    (rig, job, agent)
}

async fn end(rig: Rig, job: Assignment) {
    rig.server.cancel(job.attempt);
    rig.until_clean().await;
}

fn artifacts(rig: &Rig, job: &Assignment) -> Vec<(String, ArtifactStored)> {
    let all = |state: &mut crate::support::server::State| {
        state.of(job.attempt).map(|it| it.artifacts.values().cloned().collect())
    };
    rig.server.change(all).unwrap_or_default()
}

fn lost(reports: &[HostReport]) -> &str {
    match reports.last() {
        Some(HostReport::Lost { why }) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_artifact_is_passed_on_whole_and_a_repeat_takes_its_place() {
    let (rig, job, agent) = running(|_, _| {}).await;
    let large = vec![b'x'; 20 << 20];
    let answer = agent.put(0, "dist/ä b&c", large.clone()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let stored: ArtifactStored = answer.json().await.unwrap();
    assert_eq!(stored, ArtifactStored { bytes: 20 << 20, sha256: Sha256Digest::of(&large) });
    agent.put(1, "empty", "").await;
    agent.put(0, "dist/ä b&c", "small").await;
    let kept = artifacts(&rig, &job);
    assert_eq!(kept[0].0, "dist/ä b&c");
    assert_eq!((kept[0].1.bytes, kept[1].1.bytes), (5, 0));
    end(rig, job).await;
}

#[tokio::test]
async fn artifacts_out_of_bounds_are_refused_and_cost_nothing() {
    let (rig, job, agent) = running(|_, _| {}).await;
    for path in
        ["", "/etc/shadow", "../x", "a/../b", "a//b", "./a", "a/.", "a\0b", &"x".repeat(1025)]
    {
        let answer = agent.put(0, path, "x").await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path:?}");
    }
    assert_eq!(agent.put(10_000, "a", "x").await.status(), StatusCode::BAD_REQUEST);
    let piece = || Ok::<_, std::io::Error>(Bytes::from_static(b"x"));
    let chunked = reqwest::Body::wrap_stream(futures::stream::iter([piece(), piece()]));
    assert_eq!(agent.put(0, "a", chunked).await.status(), StatusCode::LENGTH_REQUIRED);
    assert!(artifacts(&rig, &job).is_empty());
    assert_eq!(agent.put(9_999, "a", "x").await.status(), StatusCode::OK);
    end(rig, job).await;
}

#[tokio::test]
async fn what_is_too_large_for_the_server_is_told_and_remembered() {
    let (rig, job, agent) = running(|_, _| {}).await;
    rig.server.change(|state| state.artifact_refusals.push_back((413, "too_large")));
    for _ in 0..2 {
        let answer = agent.put(0, "a", "x").await;
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(
            (&body["error_code"], &body["message"]),
            (&"too_large".into(), &"no more than a byte".into())
        );
    }
    assert_eq!(agent.put(1, "b", "x").await.status(), StatusCode::OK);
    end(rig, job).await;
}

#[tokio::test]
async fn a_server_without_room_costs_the_attempt_and_not_the_job() {
    let (rig, job, agent) = running(|_, _| {}).await;
    rig.server.change(|state| state.artifact_refusals.push_back((507, "no_room")));
    assert_eq!(agent.put(0, "a", "x").await.status(), StatusCode::GONE);
    let why = lost(&rig.server.until_over(job.attempt).await).to_owned();
    assert!(why.contains("the server has no room: no more than a byte"), "{why}");
    rig.until_clean().await;
}

#[tokio::test]
async fn a_server_that_is_away_makes_the_agent_send_again() {
    let (rig, job, agent) = running(|_, _| {}).await;
    agent.say(1, line("working")).await;
    rig.server.set_away(true);
    assert_eq!(agent.put(0, "a", "x").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    rig.server.set_away(false);
    assert_eq!(agent.put(0, "a", "x").await.status(), StatusCode::OK);
    end(rig, job).await;
}

#[tokio::test]
async fn a_guest_that_stops_sending_is_not_waited_for_and_sends_one_at_a_time() {
    let (rig, job, agent) =
        running(|rig, _| rig.settings.limits.silence = Duration::from_millis(300)).await;
    let endpoint = std::fs::read_to_string(rig.data.join("agent-endpoint")).unwrap();
    let session = agent.session.secret().to_owned();
    let (tell, told) = tokio::sync::oneshot::channel();
    let silent = tokio::task::spawn_blocking(move || {
        use std::io::{Read as _, Write as _};

        let mut wire = std::net::TcpStream::connect(endpoint.trim()).unwrap();
        let head = format!(
            "PUT /agent/v1/artifacts/0?path=a HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\
             authorization: Bearer {session}\r\nexpect: 100-continue\r\n\r\n"
        );
        wire.write_all(head.as_bytes()).unwrap();
        // Which comes when the body is wanted.
        let mut go_on = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
        wire.read_exact(&mut go_on).unwrap();
        tell.send(()).unwrap();
        wire.write_all(b"four").unwrap();
        let mut answer = [0; 12];
        wire.read_exact(&mut answer).map(|()| answer)
    });
    bounded("the wish for the body", told).await.unwrap();
    assert_eq!(agent.put(1, "b", "x").await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(&bounded("an answer", silent).await.unwrap().unwrap(), b"HTTP/1.1 503");
    assert_eq!(agent.put(0, "a", "x").await.status(), StatusCode::OK);
    end(rig, job).await;
}

#[tokio::test]
async fn inputs_come_from_the_server_if_there_are_any() {
    let (rig, job, agent) = running(|_, job| job.has_inputs = true).await;
    let inputs = vec![7; 5 << 20];
    rig.server.change(|state| state.inputs.clone_from(&inputs));
    let answer = agent.inputs().await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.bytes().await.unwrap() == inputs);
    end(rig, job).await;
    let (rig, job, agent) = running(|_, _| {}).await;
    assert_eq!(agent.inputs().await.status(), StatusCode::NOT_FOUND);
    end(rig, job).await;
}

#[tokio::test]
async fn a_job_s_time_begins_with_its_first_step_and_unpacking_has_a_limit_of_its_own() {
    let (rig, job, agent) = running(|rig, job| {
        job.spec.timeout_s = 0;
        rig.settings.limits.unpack = Duration::from_millis(400);
    })
    .await;
    let note = RecordBody::Note { text: "unpacking".to_owned() };
    assert!(!agent.say(1, note).await.stop, "no time of the job's is used up");
    let why = lost(&rig.server.until_over(job.attempt).await).to_owned();
    assert!(why.contains("did not begin the steps"), "{why}");
    rig.until_clean().await;

    let (rig, job, agent) = running(|_, job| job.spec.timeout_s = 0).await;
    agent.say(1, RecordBody::StepStarted { step: 0 }).await;
    let reports = rig.server.until_over(job.attempt).await;
    let limit = TimeLimit::Job { seconds: 0 };
    assert_eq!(reports.last(), Some(&HostReport::TimedOut { limit }));
    rig.until_clean().await;
}

#[tokio::test]
async fn artifacts_may_outlast_the_job_s_time_while_they_move() {
    let (rig, job, agent) = running(|_, job| job.spec.timeout_s = 1).await;
    agent.say(1, RecordBody::StepStarted { step: 0 }).await;
    let slow = futures::stream::unfold(0, |piece| async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b"piece")), piece + 1))
    });
    let slow = futures::StreamExt::take(slow, 15);
    let length = 15 * 5;
    let body = reqwest::Body::wrap(Sized { inner: Box::pin(slow), left: length });
    assert_eq!(agent.put(0, "slow", body).await.status(), StatusCode::OK);
    assert_eq!(agent.say(2, finished()).await.durable_seq, 2);
    agent.guest.power_off();
    rig.until_clean().await;
    assert_eq!(artifacts(&rig, &job)[0].1.bytes, length);
}

/// A body of a known size.
struct Sized {
    inner: std::pin::Pin<Box<dyn futures::Stream<Item = std::io::Result<Bytes>> + Send + Sync>>,
    left: u64,
}

impl hyper::body::Body for Sized {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, std::io::Error>>> {
        self.inner.as_mut().poll_next(cx).map(|it| Some(it?.map(hyper::body::Frame::data)))
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        hyper::body::SizeHint::with_exact(self.left)
    }
}

#[tokio::test]
async fn an_agent_that_ignores_the_log_s_limit_is_lost() {
    let (rig, job, agent) = running(|rig, _| rig.settings.limits.log_bytes = 1000).await;
    assert_eq!(agent.redeem().await.log_limit_bytes, 1000);
    // Within the slack of a MiB, and beyond it.
    let mut seq = 0;
    let stopped = loop {
        seq += 1;
        let accepted = agent.say(seq, line(&"x".repeat(32 * 1024 - 1))).await;
        if accepted.stop {
            break seq;
        }
    };
    assert_eq!(stopped, 33);
    let why = lost(&rig.server.until_over(job.attempt).await).to_owned();
    assert!(why.contains("1000 is the limit"), "{why}");
    rig.until_clean().await;
}

#[tokio::test]
async fn the_server_hears_of_sizes_and_images_and_an_unknown_size_is_refused() {
    let mut rig = Rig::new().await;
    rig.run_honest_agents();
    rig.start().await;
    let large = |it: &crate::support::server::State| {
        let last = it.syncs.last()?;
        let image = last.images.first()?;
        (last.sizes == ["large".parse().unwrap()]
            && image.digest == Sha256Digest::of(b"lock")
            && image.labels.len() == 2)
            .then_some(())
    };
    rig.server.until("sizes and images", large).await;
    let mut job = rig.assignment();
    job.spec.size = Some("large".parse().unwrap());
    rig.server.submit(job.clone());
    let reports = rig.server.until_over(job.attempt).await;
    assert!(matches!(reports.last(), Some(HostReport::Running { .. })), "{reports:?}");
    let mut job = rig.assignment();
    job.spec.size = Some("huge".parse().unwrap());
    rig.server.submit(job.clone());
    let why = lost(&rig.server.until_over(job.attempt).await).to_owned();
    assert!(why.contains("no machines of the size huge"), "{why}");
    rig.until_clean().await;
}
