//! The pages of the ledger: what forges sent and what became of it.

use askama::Template;
use chrono::{DateTime, Utc};
use dropshot::HttpError;
use solstice_api::user::{Delivery, Header};
use solstice_display::size;
use solstice_model::{DeliveryId, Role};
use solstice_store::DeliveryQuery;

use super::filter::{Choice, Filters};
use super::format::{Badge, When};
use super::nav::Section;
use super::{Frame, Rqctx, operator, query, rendered};
use crate::auth::require_form;
use crate::csrf::Form;
use crate::error::{bad_request, from_store, not_found};
use crate::user::delivery;

/// Deliveries on one page.
const PAGE: usize = 50;

/// The most runs of one delivery that are linked.
const MAX_RUNS: usize = 50;

const VERDICTS: [&str; 5] = ["waiting", "runs", "acted", "ignored", "rejected"];

struct DeliveryView {
    href: String,
    badge: Badge,
    event: String,
    forge: String,
    forge_id: String,
    source: &'static str,
    reason: String,
    received: When,
    replays: u32,
    runs: Vec<String>,
    more_runs: usize,
}

impl DeliveryView {
    fn new(of: Delivery, now: DateTime<Utc>) -> Self {
        let runs = of.runs.iter().take(MAX_RUNS).map(|run| format!("/runs/{run}"));
        Self {
            href: format!("/deliveries/{}", of.id),
            badge: verdict(&of.verdict),
            forge: of.forge.to_string(),
            source: of.source.name(),
            reason: of.reason.unwrap_or_default(),
            received: When::new(of.received_at, now),
            replays: of.replays,
            runs: runs.collect(),
            more_runs: of.runs.len().saturating_sub(MAX_RUNS),
            event: of.event,
            forge_id: of.forge_id,
        }
    }
}

fn verdict(verdict: &str) -> Badge {
    let (kind, text) = match verdict {
        "waiting" => ("live", "waiting"),
        "runs" => ("ok", "runs"),
        "acted" => ("ok", "acted"),
        "ignored" => ("", "ignored"),
        _ => ("bad", "rejected"),
    };
    Badge { kind, text }
}

#[derive(Template)]
#[template(path = "deliveries.html")]
struct DeliveriesPage {
    frame: Frame,
    choices: Vec<Choice>,
    filtered: bool,
    deliveries: Vec<DeliveryView>,
    /// The page after this one.
    older: Option<String>,
}

pub(super) async fn render(rqctx: &Rqctx) -> Result<String, HttpError> {
    let principal = operator(rqctx).await?;
    let context = rqctx.context();
    let set = ["verdict", "forge"].map(|name| (name, query(rqctx, name)));
    let filters = Filters::new("/deliveries", set);
    let before = query(rqctx, "before").map(|text| text.parse()).transpose();
    let before = before.map_err(|_| bad_request("there is no such page"))?;
    let forge = filters.get("forge").map(str::parse).transpose();
    let which = DeliveryQuery {
        verdict: filters.get("verdict").map(str::to_owned),
        forge: forge.map_err(|_| bad_request("there is no such forge"))?,
    };
    let found = context.store.deliveries_of(which, before, PAGE + 1).await;
    let mut found = found.map_err(from_store)?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let last = found.last().map(|last| last.id.to_string());
    let mut choices = vec![filters.choice("Verdict", "verdict", VERDICTS.map(|one| (one, one)))];
    if context.forges.len() > 1 || filters.get("forge").is_some() {
        let forges = context.forges.keys().map(|name| (name.as_str(), name.as_str()));
        choices.push(filters.choice("Forge", "forge", forges));
    }
    let now = context.clock.now();
    rendered(&DeliveriesPage {
        frame: Frame::new(context, Some(&principal)).at(Section::Deliveries),
        choices,
        filtered: filters.any(),
        deliveries: found.into_iter().map(|of| DeliveryView::new(of, now)).collect(),
        older: last.filter(|_| more).map(|last| filters.href("before", Some(&last))),
    })
}

#[derive(Template)]
#[template(path = "delivery.html")]
struct DeliveryHtml {
    frame: Frame,
    delivery: DeliveryView,
    headers: Vec<Header>,
    body_size: String,
    /// Where its body is, unless it was removed.
    body: Option<String>,
    body_removed: Option<When>,
    tries: u32,
    finished: Option<When>,
    replayed_by: String,
    may_replay: bool,
}

pub(super) async fn render_one(rqctx: &Rqctx, id: DeliveryId) -> Result<String, HttpError> {
    let principal = operator(rqctx).await?;
    let context = rqctx.context();
    let detail = context.store.delivery_detail(id).await.map_err(from_store)?;
    let now = context.clock.now();
    let kept = detail.body_removed_at.is_none();
    rendered(&DeliveryHtml {
        frame: Frame::new(context, Some(&principal)).within(Section::Deliveries),
        may_replay: kept && detail.delivery.verdict != "waiting",
        headers: detail.headers,
        body_size: size(detail.body_bytes),
        body: kept.then(|| format!("/api/v1/deliveries/{id}/body")),
        body_removed: detail.body_removed_at.map(|at| When::new(at, now)),
        tries: detail.tries,
        finished: detail.finished_at.map(|at| When::new(at, now)),
        replayed_by: detail.replayed_by.unwrap_or_default(),
        delivery: DeliveryView::new(detail.delivery, now),
    })
}

/// A button: `replay`.
pub(super) async fn act(
    rqctx: &Rqctx,
    id: DeliveryId,
    action: &str,
    form: &Form,
) -> Result<String, HttpError> {
    let principal = require_form(rqctx, form, Role::Operator).await?;
    if action != "replay" {
        return Err(not_found("there is no such button"));
    }
    delivery::replay(rqctx.context(), principal.actor(), id).await?;
    Ok(format!("/deliveries/{id}"))
}
