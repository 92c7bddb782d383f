//! The page of what was done.

use askama::Template;
use dropshot::HttpError;
use solstice_api::user::{AuditAction, AuditEntry, AuditQuery};
use solstice_model::Role;

use super::format::When;
use super::nav::Section;
use super::{Frame, Rqctx, query, rendered};
use crate::auth::require;
use crate::error::{bad_request, from_store};

/// The entries of one page.
const PAGE: usize = 100;

struct EntryView {
    at: When,
    entry: AuditEntry,
    /// The page of what it was done to.
    href: Option<String>,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    entries: Vec<EntryView>,
    actions: [AuditAction; AuditAction::ALL.len()],
    asked: AuditQuery,
    older: Option<String>,
}

impl AuditPage {
    fn is_asked(&self, action: &AuditAction) -> bool {
        self.asked.action == Some(*action)
    }
}

pub(super) async fn render(rqctx: &Rqctx) -> Result<String, HttpError> {
    let principal = require(rqctx, Role::Admin).await?;
    let context = rqctx.context();
    let asked = asked(rqctx)?;
    let before = query(rqctx, "before").and_then(|id| id.parse().ok());
    let found = context.store.audit(asked.clone(), before, PAGE).await.map_err(from_store)?;
    let older = found.last().filter(|_| found.len() == PAGE).map(|last| older(&asked, last.id));
    let now = context.clock.now();
    let view = |entry: AuditEntry| EntryView {
        at: When::new(entry.at, now),
        href: entry.object.as_deref().and_then(href),
        entry,
    };
    rendered(&AuditPage {
        frame: Frame::new(context, Some(&principal)).at(Section::Audit),
        entries: found.into_iter().map(view).collect(),
        actions: AuditAction::ALL,
        asked,
        older,
    })
}

fn asked(rqctx: &Rqctx) -> Result<AuditQuery, HttpError> {
    let text = |name| query(rqctx, name).filter(|text| !text.is_empty());
    let action = text("action").map(|name| {
        let known = AuditAction::ALL.into_iter().find(|action| action.as_str() == name);
        known.ok_or_else(|| bad_request("there is no such action"))
    });
    Ok(AuditQuery { who: text("who"), action: action.transpose()?, object: text("object") })
}

fn older(asked: &AuditQuery, before: u64) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let action = asked.action.map(AuditAction::as_str);
    for (name, value) in
        [("who", asked.who.as_deref()), ("action", action), ("object", asked.object.as_deref())]
    {
        value.map(|value| query.append_pair(name, value));
    }
    query.append_pair("before", &before.to_string());
    format!("/audit?{}", query.finish())
}

/// Only runs and jobs have pages. The ids are ours.
fn href(object: &str) -> Option<String> {
    match object.split_once(':')? {
        ("run", id) => Some(format!("/runs/{id}")),
        ("job", id) => Some(format!("/jobs/{id}")),
        _ => None,
    }
}
