//! The search of a log without script: a form, a list of lines, a link to go on.

use dropshot::HttpError;
use solstice_api::user::{Attempt, SearchQuery};
use solstice_model::JobId;
use url::form_urlencoded::Serializer;

use crate::context::Context;
use crate::user::lines::search;

/// The most lines that are listed.
const MAX_HITS: u32 = 100;

/// The most parts of a log that are searched for one page.
const MAX_PARTS: usize = 4;

/// What is looked for.
pub(super) struct Find {
    /// The text; empty for nothing.
    pub(super) text: String,
    /// The line to begin at.
    pub(super) from: Option<u64>,
}

/// What was found.
#[derive(Default)]
pub(super) struct FoundView {
    /// How many, in words; empty if nothing was looked for.
    pub(super) count: String,
    pub(super) hits: Vec<HitView>,
    /// Where to go on.
    pub(super) more: Option<String>,
}

/// A line in which it was found.
pub(super) struct HitView {
    pub(super) href: String,
    pub(super) number: u64,
    pub(super) text: String,
}

/// Makes links to other parts of the log that a page shows.
pub(super) struct SameLog {
    /// The attempt's number, if it is not the last.
    pub(super) attempt: Option<u32>,
}

impl SameLog {
    /// To a line.
    pub(super) fn line(&self, line: u64) -> String {
        format!("{}#L{line}", self.query().append_pair("line", &line.to_string()).finish())
    }

    /// To what a search finds.
    pub(super) fn find(&self, text: &str, from: Option<u64>) -> String {
        let mut query = self.query();
        query.append_pair("q", text);
        if let Some(from) = from {
            query.append_pair("from", &from.to_string());
        }
        format!("{}#log-find", query.finish())
    }

    fn query(&self) -> Serializer<'static, String> {
        let mut query = Serializer::for_suffix("?".to_owned(), 1);
        if let Some(attempt) = self.attempt {
            query.append_pair("attempt", &attempt.to_string());
        }
        query
    }
}

impl Find {
    /// Searches a bounded part of the log.
    pub(super) async fn run(
        &self,
        context: &Context,
        job: JobId,
        attempt: Option<&Attempt>,
        same: &SameLog,
    ) -> Result<FoundView, HttpError> {
        let Some(attempt) = attempt.filter(|_| !self.text.is_empty()) else {
            return Ok(FoundView::default());
        };
        let (mut hits, mut next) = (Vec::new(), Some(self.from.unwrap_or(1)));
        for _ in 0..MAX_PARTS {
            let Some(from) = next.filter(|_| hits.len() < MAX_HITS as usize) else { break };
            let query = SearchQuery {
                q: Some(self.text.clone()),
                errors: false,
                case: false,
                attempt: Some(attempt.number),
                from: Some(from),
                limit: Some(MAX_HITS),
            };
            let found = search(context, job, query).await?;
            next = found.next;
            hits.extend(found.hits.into_iter().map(|hit| HitView {
                href: same.line(hit.number),
                number: hit.number,
                text: hit.text,
            }));
        }
        let count = match (hits.len(), next) {
            (0, None) => "not found".to_owned(),
            (count, None) => format!("{count} lines"),
            (count, Some(next)) => format!("{count} lines up to line {}", next - 1),
        };
        let more = next.map(|next| same.find(&self.text, Some(next)));
        Ok(FoundView { count, hits, more })
    }
}
