//! Webhook requests and what became of them.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solstice_model::{DeliveryId, ForgeName, RunId};

/// Where a page of deliveries ends.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryPage {
    /// The last delivery seen.
    pub delivery: DeliveryId,
}

/// One webhook request.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// Our id.
    pub id: DeliveryId,
    /// The forge.
    pub forge: ForgeName,
    /// The forge's own id.
    pub forge_id: String,
    /// The kind of event, as the forge names it.
    pub event: String,
    /// When it was taken.
    pub received_at: DateTime<Utc>,
    /// Where it comes from.
    pub source: DeliverySource,
    /// What became of it: `waiting`, `runs`, `acted`, `ignored` or `rejected`.
    pub verdict: String,
    /// Why, or what was done, for people.
    pub reason: Option<String>,
    /// How often somebody had it interpreted again.
    pub replays: u32,
    /// The runs that came of it.
    pub runs: Vec<RunId>,
}

/// Where a delivery comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliverySource {
    /// The forge sent it.
    Webhook,
    /// The server found at the forge what no webhook had told of.
    Sweep,
}

impl DeliverySource {
    /// Its name, as in the database and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            DeliverySource::Webhook => "webhook",
            DeliverySource::Sweep => "sweep",
        }
    }
}

/// A delivery with what is seldom asked for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryDetail {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// Its headers, without those that are secret.
    pub headers: Vec<Header>,
    /// The size of its body in bytes.
    pub body_bytes: u64,
    /// When the body was removed, if it was.
    pub body_removed_at: Option<DateTime<Utc>>,
    /// How often it has been postponed.
    pub tries: u32,
    /// When it got its verdict.
    pub finished_at: Option<DateTime<Utc>>,
    /// Who had it interpreted again last.
    pub replayed_by: Option<String>,
}

/// A header of a webhook request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// Its name, in small letters.
    pub name: String,
    /// Its value.
    pub value: String,
}
