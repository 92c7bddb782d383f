//! The audit log, page by page.

use dropshot::{HttpError, HttpResponseOk, PaginationParams, ResultsPage, WhichPage};
use solstice_api::user::{AuditEntry, AuditPage, AuditQuery};

use super::{MAX_PAGE, Rqctx};
use crate::error::from_store;

/// A page of it.
pub(super) async fn page(
    rqctx: &Rqctx,
    asked: PaginationParams<AuditQuery, AuditPage>,
) -> Result<HttpResponseOk<ResultsPage<AuditEntry>>, HttpError> {
    let limit = rqctx.page_limit(&asked)?.get();
    let limit = usize::try_from(limit).unwrap_or(MAX_PAGE).min(MAX_PAGE);
    let (query, before) = match asked.page {
        WhichPage::First(query) => (query, None),
        WhichPage::Next(AuditPage { query, before }) => (query, Some(before)),
    };
    let store = &rqctx.context().store;
    let entries = store.audit(query.clone(), before, limit).await.map_err(from_store)?;
    let place = |entry: &AuditEntry, query: &AuditQuery| AuditPage {
        query: query.clone(),
        before: entry.id,
    };
    ResultsPage::new(entries, &query, place).map(HttpResponseOk)
}
