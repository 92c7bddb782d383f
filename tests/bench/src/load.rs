//! Requests that were made before, sent so many at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::HeaderMap;
use reqwest::Client;
use solstice_testbed::forge::delivery_headers;
use uuid::Uuid;

use crate::Failure;

/// One webhook request, whole.
#[derive(Clone)]
pub(crate) struct Webhook {
    pub(crate) headers: HeaderMap,
    pub(crate) body: bytes::Bytes,
}

impl Webhook {
    /// A push as the forge would deliver it, of a branch of this number.
    pub(crate) fn push(payload: &serde_json::Value, number: usize, secret: &str) -> Self {
        let mut payload = payload.clone();
        payload["ref"] = format!("refs/heads/topic-{number}").into();
        Self::signed(payload.to_string().into(), secret)
    }

    pub(crate) fn signed(body: bytes::Bytes, secret: &str) -> Self {
        Self { headers: delivery_headers("push", Uuid::new_v4(), &body, secret), body }
    }
}

/// How often each status was answered, and how long it took altogether.
pub(crate) struct Answered {
    pub(crate) statuses: std::collections::BTreeMap<u16, usize>,
    pub(crate) took: Duration,
}

/// Sends all requests, `at_once` at a time over connections that stay open.
pub(crate) async fn send(
    url: &str,
    requests: Vec<Webhook>,
    at_once: usize,
) -> Result<Answered, Failure> {
    let client = Client::builder().no_proxy().pool_max_idle_per_host(at_once).build()?;
    let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
    let begun = Instant::now();
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..at_once {
        let (client, requests, next) = (client.clone(), requests.clone(), next.clone());
        let url = url.to_owned();
        senders.spawn(async move {
            let mut statuses = std::collections::BTreeMap::<u16, usize>::new();
            while let Some(it) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let request = client.post(&url).headers(it.headers.clone()).body(it.body.clone());
                let answer = request.send().await?;
                *statuses.entry(answer.status().as_u16()).or_default() += 1;
                answer.bytes().await?;
            }
            Ok::<_, reqwest::Error>(statuses)
        });
    }
    let mut statuses = std::collections::BTreeMap::<u16, usize>::new();
    for answered in senders.join_all().await {
        for (status, count) in answered? {
            *statuses.entry(status).or_default() += count;
        }
    }
    Ok(Answered { statuses, took: begun.elapsed() })
}
