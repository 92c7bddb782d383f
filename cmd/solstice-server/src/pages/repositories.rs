//! The page of all repositories.

use askama::Template;
use chrono::{DateTime, Utc};
use dropshot::HttpError;
use solstice_api::user::Repository;

use super::nav::Section;
use super::runs::{RunView, repository_href};
use super::{Frame, Rqctx, query, reader, rendered};
use crate::error::{bad_request, from_store};

/// Repositories on one page.
const PAGE: usize = 50;

struct RepositoryView {
    href: String,
    name: String,
    forge: String,
    private: bool,
    newest: RunView,
}

impl RepositoryView {
    fn new(of: Repository, now: DateTime<Utc>) -> Self {
        Self {
            href: repository_href(&of.forge, &of.name),
            name: of.name.to_string(),
            forge: of.forge.to_string(),
            private: of.private,
            newest: RunView::new(of.newest, now),
        }
    }
}

#[derive(Template)]
#[template(path = "repositories.html")]
struct RepositoriesPage {
    frame: Frame,
    repositories: Vec<RepositoryView>,
    /// The page after this one.
    more: Option<String>,
}

pub(super) async fn render(rqctx: &Rqctx) -> Result<String, HttpError> {
    let principal = reader(rqctx).await?;
    let context = rqctx.context();
    let before = query(rqctx, "before").map(|text| text.parse()).transpose();
    let before = before.map_err(|_| bad_request("there is no such page"))?;
    let found = context.store.repositories(principal.sight.clone(), before, PAGE + 1).await;
    let mut found = found.map_err(from_store)?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let last = found.last().map(|last| format!("/repositories?before={}", last.newest.id));
    let now = context.clock.now();
    rendered(&RepositoriesPage {
        frame: Frame::new(context, Some(&principal)).at(Section::Repositories),
        repositories: found.into_iter().map(|of| RepositoryView::new(of, now)).collect(),
        more: last.filter(|_| more),
    })
}
