//! What followers of the same log read together.
//!
//! Everybody who is at the end of a log wants the same records next. The first
//! one reads and renders them, the others take what it rendered: a batch costs
//! one read however many follow. What is kept is the last page of each of a few
//! logs; whoever is further behind reads for itself and disturbs nobody.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use solstice_joblog::{JobLogs, LogError};
use solstice_model::{AttemptId, Record};
use tokio::sync::Mutex as AsyncMutex;

/// How much of a log is read at once.
const PAGE_BYTES: usize = 64 * 1024;

/// Pages of one log that are kept, for those who are a little behind.
const PAGES: usize = 4;

/// Logs of which pages are kept: 16 MiB at most, since a rendered page is about
/// as large as what was read.
const LOGS: usize = 64;

/// Who is further behind than this reads alone.
pub(crate) const NEAR: u64 = 2_000;

/// A page as followers get it.
#[derive(Clone, Debug)]
pub(crate) struct LivePage {
    /// The events.
    pub(crate) bytes: Bytes,
    /// Where the next page begins.
    pub(crate) next_seq: u64,
}

/// The last pages of one log, with the record that each begins at. Held while
/// one reads for all.
type Pages = AsyncMutex<VecDeque<(u64, LivePage)>>;

/// The last pages of the logs that are followed.
#[derive(Debug, Default)]
pub(crate) struct LiveLogs {
    /// Guards the map alone.
    logs: Mutex<HashMap<AttemptId, Arc<Pages>>>,
}

impl LiveLogs {
    /// The records from `from` on, as `render` writes them; `None` if there are
    /// none yet. `last` is what the follower knows to be durable.
    pub(crate) async fn page<F>(
        &self,
        logs: &JobLogs,
        attempt: AttemptId,
        from: u64,
        last: u64,
        render: impl Fn(Vec<Record>) -> F,
    ) -> Result<Option<LivePage>, LogError>
    where
        F: Future<Output = Result<Bytes, LogError>>,
    {
        if last.saturating_sub(from) > NEAR {
            return Ok(read(logs, attempt, from, render).await?.map(|(page, _)| page));
        }
        let pages = self.pages(attempt);
        let mut pages = pages.lock().await;
        if let Some((_, page)) = pages.iter().find(|(begin, _)| *begin == from) {
            return Ok(Some(page.clone()));
        }
        let Some((page, at_end)) = read(logs, attempt, from, render).await? else {
            return Ok(None);
        };
        if at_end {
            pages.truncate(PAGES - 1);
            pages.push_front((from, page.clone()));
        }
        Ok(Some(page))
    }

    fn pages(&self, attempt: AttemptId) -> Arc<Pages> {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if logs.len() >= LOGS && !logs.contains_key(&attempt) {
            // Whoever reads one of them keeps it; the rest is read again.
            logs.clear();
        }
        Arc::clone(logs.entry(attempt).or_default())
    }
}

/// Reads and renders a page; says whether it goes to the end of the log.
async fn read<F>(
    logs: &JobLogs,
    attempt: AttemptId,
    from: u64,
    render: impl Fn(Vec<Record>) -> F,
) -> Result<Option<(LivePage, bool)>, LogError>
where
    F: Future<Output = Result<Bytes, LogError>>,
{
    let page = logs.read(attempt, from, PAGE_BYTES).await?;
    if page.records.is_empty() {
        return Ok(None);
    }
    let at_end = page.next_seq > page.last_seq;
    let bytes = render(page.records).await?;
    Ok(Some((LivePage { bytes, next_seq: page.next_seq }, at_end)))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use chrono::DateTime;
    use solstice_model::RecordBody;
    use solstice_model::id::new_id;

    use super::*;

    #[tokio::test]
    async fn many_followers_cost_one_rendering_per_batch() {
        let dir = tempfile::tempdir().unwrap();
        let logs = JobLogs::open(dir.path()).unwrap();
        let (live, attempt, rendered) = (LiveLogs::default(), new_id(), AtomicUsize::new(0));
        let render = |records: Vec<Record>| {
            rendered.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Ok(Bytes::from(format!("{}", records.len()))))
        };
        for batch in 0..10_u64 {
            let note = |seq| Record {
                seq,
                at: DateTime::UNIX_EPOCH,
                body: RecordBody::Note { text: "x".to_owned() },
            };
            let (from, to) = (batch * 3 + 1, batch * 3 + 3);
            logs.append(attempt, &(from..=to).map(note).collect::<Vec<_>>()).await.unwrap();
            for _ in 0..50 {
                let page = live.page(&logs, attempt, from, to, render).await.unwrap().unwrap();
                assert_eq!((&page.bytes[..], page.next_seq), (&b"3"[..], to + 1));
            }
        }
        assert_eq!(rendered.load(Ordering::SeqCst), 10);
        assert!(live.page(&logs, attempt, 31, 30, render).await.unwrap().is_none());
    }
}
