//! What a forge may ask of the server: take a delivery.

use dropshot::{Body, HttpError, Path, RequestContext, StreamingBody};
use http::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solstice_model::{DeliveryId, ForgeName};

/// The largest body that is read: GitHub never sends more, and Forgejo and
/// Gitea have no bound of their own.
pub const MAX_BODY_BYTES: usize = 25 * 1024 * 1024;

/// Where Dropshot itself would step in. It would read a body that is too large
/// to its end and answer 400; the implementation counts for itself, stops at
/// [`MAX_BODY_BYTES`] and answers 413.
const DROPSHOT_BODY_BYTES: usize = 2 * MAX_BODY_BYTES;

/// The webhook API.
#[dropshot::api_description]
pub trait WebhookApi {
    /// The implementation's shared state.
    type Context;

    /// Take one delivery
    ///
    /// 202 when the delivery is on disk (invariant I1), 200 when it already
    /// was. Nothing is parsed here: what it means is found out afterwards and
    /// kept with the delivery.
    #[endpoint {
        method = POST,
        path = "/webhooks/{forge}",
        request_body_max_bytes = DROPSHOT_BODY_BYTES,
    }]
    async fn webhook_deliver(
        rqctx: RequestContext<Self::Context>,
        path: Path<ForgePath>,
        body: StreamingBody,
    ) -> Result<Response<Body>, HttpError>;
}

/// Which forge of the server's configuration.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ForgePath {
    /// The forge's name.
    pub forge: ForgeName,
}

/// The answer to a delivery.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryTaken {
    /// Our id of the delivery.
    pub delivery: DeliveryId,
    /// Whether it had been taken before.
    pub repeat: bool,
}
