//! Webhooks that did not arrive.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use http::header::LINK;
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use solstice_forge::{ForgeError, MAX_TITLE_CHARS, text};
use url::Url;

use crate::api::{Api, parsed};

/// The most deliveries on one page.
const PER_PAGE: usize = 100;

/// The largest page: a delivery is told without its body.
const MAX_PAGE_BYTES: usize = 1024 * 1024;

/// The most pages of deliveries that are looked through.
const MAX_DELIVERY_PAGES: usize = 20;

/// The most deliveries that are asked for again at once.
const MAX_REDELIVERIES: usize = 200;

/// How often one that we refuse each time is asked for.
const MAX_ATTEMPTS: usize = 5;

/// An attempt to deliver a webhook.
#[derive(Deserialize)]
struct Delivery {
    id: u64,
    guid: String,
    delivered_at: DateTime<Utc>,
    status_code: u16,
}

/// Asks for every delivery since then again of which no attempt arrived.
pub(crate) async fn redeliver(api: &Api, since: DateTime<Utc>) -> Result<usize, ForgeError> {
    let mut asked = 0;
    for id in lost(api, since).await?.into_iter().take(MAX_REDELIVERIES) {
        let id = id.to_string();
        let path = ["app", "hook", "deliveries", &id, "attempts"];
        let call = api.client.call(Method::POST, path, &[]);
        match api.installations.app().send(&api.client, &call, StatusCode::ACCEPTED).await {
            Ok(_) => asked += 1,
            // GitHub forgot it meanwhile, or will not; the others may do.
            Err(ForgeError::Refused { status: 400 | 404 | 422, .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(asked)
}

/// What came of the attempts to deliver one webhook.
struct Attempts {
    newest: Delivery,
    count: usize,
    arrived: bool,
}

/// The newest attempt of each delivery that did not arrive, oldest first.
async fn lost(api: &Api, since: DateTime<Utc>) -> Result<Vec<u64>, ForgeError> {
    let mut deliveries: HashMap<String, Attempts> = HashMap::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MAX_DELIVERY_PAGES {
        let per_page = PER_PAGE.to_string();
        let mut query = vec![("per_page", per_page.as_str())];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let call = api.client.call(Method::GET, ["app", "hook", "deliveries"], &query);
        let answer = api.installations.app().send(&api.client, &call, StatusCode::OK).await?;
        cursor = next_cursor(&answer.headers);
        // Newest first.
        let page: Vec<Delivery> = parsed(&call.what, answer, MAX_PAGE_BYTES).await?;
        let older = page.iter().any(|delivery| delivery.delivered_at < since);
        for newest in page.into_iter().filter(|delivery| delivery.delivered_at >= since) {
            let arrived = (200..300).contains(&newest.status_code);
            let entry = deliveries.entry(newest.guid.clone());
            let known = entry.or_insert(Attempts { newest, count: 0, arrived: false });
            known.count += 1;
            known.arrived |= arrived;
        }
        if older || cursor.is_none() {
            break;
        }
    }
    let wanted = |it: &Attempts| !it.arrived && it.count < MAX_ATTEMPTS;
    let mut lost: Vec<Delivery> =
        deliveries.into_values().filter(wanted).map(|it| it.newest).collect();
    lost.sort_by_key(|delivery| (delivery.delivered_at, delivery.id));
    Ok(lost.into_iter().map(|delivery| delivery.id).collect())
}

/// Where the list goes on (RFC 8288): only the cursor is taken from the address.
fn next_cursor(headers: &HeaderMap) -> Option<String> {
    let links = headers.get(LINK)?.to_str().ok()?;
    let next = links.split(',').find(|link| link.contains(r#"rel="next""#))?;
    let (_, address) = next.split_once('<')?;
    let (address, _) = address.split_once('>')?;
    let url: Url = address.parse().ok()?;
    let cursor = url.query_pairs().find(|(name, _)| name == "cursor")?.1;
    Some(text::cut(&cursor, MAX_TITLE_CHARS))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_next_page_is_found_among_the_links() {
        let next = |link: &str| {
            next_cursor(&HeaderMap::from_iter([(LINK, HeaderValue::from_str(link).unwrap())]))
        };
        let link = r#"<https://h/a?per_page=1>; rel="first", <https://h/a?per_page=1&cursor=v1_7>; rel="next""#;
        assert_eq!(next(link).as_deref(), Some("v1_7"));
        assert_eq!(next(r#"<https://h/a?cursor=x>; rel="prev""#), None);
        assert_eq!(next(r#"rel="next""#), None);
    }
}
