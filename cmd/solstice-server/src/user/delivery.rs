//! Deliveries: their bodies, and having them interpreted again.

use dropshot::{Body, HttpError};
use http::{HeaderValue, Response, header};
use slog::info;
use solstice_api::user::Delivery;
use solstice_log::keys;
use solstice_model::DeliveryId;

use solstice_store::Actor;

use crate::context::Context;
use crate::error::from_store;
use crate::pages::secure;

/// The body as it came; to be kept, not to be shown by a browser.
pub(super) async fn body(context: &Context, id: DeliveryId) -> Result<Response<Body>, HttpError> {
    let body = context.store.delivery_body(id).await.map_err(from_store)?;
    let mut response = Response::new(Body::from(body));
    let bytes = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, bytes);
    secure(&mut response);
    Ok(response)
}

/// Lets it wait for its verdict once more.
pub(crate) async fn replay(
    context: &Context,
    by: Actor,
    id: DeliveryId,
) -> Result<Delivery, HttpError> {
    let now = context.clock.now();
    context.store.replay(id, by.clone(), now).await.map_err(from_store)?;
    info!(context.log, "delivery replayed"; keys::DELIVERY => %id, keys::REASON => by.name);
    context.store.delivery(id).await.map_err(from_store)
}
