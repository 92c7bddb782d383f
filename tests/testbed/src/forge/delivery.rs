//! Webhook deliveries with all the headers that Forgejo sends.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha1::Sha1;
use sha2::Sha256;
use uuid::Uuid;

use crate::error::TestbedError;

/// Forgejo's `DELIVER_TIMEOUT`.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The answer to a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The delivery's id.
    pub id: Uuid,
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// The headers of a delivery, in Forgejo's order. An empty secret signs
/// nothing, and the headers are there all the same, as with Forgejo.
pub fn delivery_headers(event: &str, id: Uuid, body: &[u8], secret: &str) -> HeaderMap {
    let (sha1, sha256) = if secret.is_empty() {
        Default::default()
    } else {
        (hmac_sha1(secret, body), hmac_sha256(secret, body))
    };
    let id = id.to_string();
    let mut headers = HeaderMap::new();
    let mut add = |name: &str, value: &str| {
        let name: HeaderName = name.parse().expect("these names are tokens");
        headers.append(name, HeaderValue::from_str(value).expect("events are plain text"));
    };
    add("content-type", "application/json");
    for family in ["forgejo", "gitea", "gogs"] {
        add(&format!("x-{family}-delivery"), &id);
        add(&format!("x-{family}-event"), event);
        add(&format!("x-{family}-event-type"), event);
        add(&format!("x-{family}-signature"), &sha256);
    }
    add("x-hub-signature", &format!("sha1={sha1}"));
    add("x-hub-signature-256", &format!("sha256={sha256}"));
    add("x-github-delivery", &id);
    add("x-github-event", event);
    add("x-github-event-type", event);
    headers
}

/// Delivers once, as Forgejo does: no repetition, five seconds, no User-Agent but Go's.
pub(super) async fn deliver(
    url: &str,
    secret: &str,
    event: &str,
    id: Uuid,
    body: &[u8],
) -> Result<Answer, TestbedError> {
    let failed = |error: reqwest::Error| TestbedError::Api {
        what: format!("deliver {event} {id}"),
        why: format!("{error:?}"),
    };
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .user_agent("Go-http-client/1.1")
        .no_proxy()
        .build()
        .map_err(failed)?;
    let headers = delivery_headers(event, id, body, secret);
    let request = client.post(url).headers(headers).body(body.to_vec());
    let response = request.send().await.map_err(failed)?;
    let status = response.status().as_u16();
    Ok(Answer { id, status, body: response.text().await.map_err(failed)? })
}

fn hmac_sha1(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("any key length is fine");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

fn hmac_sha256(secret: &str, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key length is fine");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}
