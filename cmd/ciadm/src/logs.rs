//! `ciadm logs`: what a job wrote.

use clap::Args;
use serde_json::json;
use solstice_api::user::RecordsPage;
use solstice_model::JobId;

use crate::failure::Failure;
use crate::follow::{self, usual_look};
use crate::output;
use crate::paint::{Look, Painter};
use crate::session::{Access, Session};
use crate::which;

/// Records of one request.
const PAGE: u32 = 10_000;

/// `ciadm logs`.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The job: its id, the last eight digits of it, or RUN/NAME
    job: String,
    /// Go on until the job has ended; exit 1 if it failed
    #[arg(long, short, conflicts_with_all = ["attempt", "tail"])]
    follow: bool,
    /// Of this attempt, from 1; the last one if left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    attempt: Option<u32>,
    /// Only so many lines from the end
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    tail: Option<u32>,
    /// Every byte as it was written, without headings
    #[arg(long, conflicts_with = "json")]
    raw: bool,
    #[command(flatten)]
    access: Access,
}

impl Logs {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let session = self.access.open()?;
        let job = which::job(&session, &self.job).await?;
        let look = if self.raw { Look::Raw } else { usual_look() };
        if self.follow {
            return follow::follow(&session, &[job], look).await;
        }
        if session.json {
            self.document(&session, job).await
        } else {
            self.lines(&session, job, look).await
        }
    }

    async fn lines(&self, session: &Session, job: JobId, look: Look) -> Result<(), Failure> {
        let detail = session.answer(session.client.job_view(&job).await).await?;
        let names = detail.spec.steps.into_iter().map(|step| step.name).collect();
        let mut painter = Painter::new(names, look);
        let mut pages = Pages::new(self, job);
        while let Some(page) = pages.next(session).await? {
            let bytes: Vec<u8> =
                page.records.iter().flat_map(|record| painter.take(record)).collect();
            output::bytes(&bytes);
        }
        Ok(())
    }

    /// One document, written as it comes: a log may be larger than memory.
    async fn document(&self, session: &Session, job: JobId) -> Result<(), Failure> {
        let mut pages = Pages::new(self, job);
        let (mut first, mut over) = (true, false);
        while let Some(page) = pages.next(session).await? {
            if first {
                output::print(&format!(
                    "{{\"job\":{},\"attempt\":{},\"records\":[",
                    json!(job),
                    json!(page.attempt)
                ));
            }
            for (index, record) in page.records.iter().enumerate() {
                let comma = if first && index == 0 { "" } else { "," };
                output::print(&format!("{comma}\n{}", json!(record)));
            }
            (first, over) = (false, page.over);
        }
        if first {
            output::print(&format!("{{\"job\":{},\"attempt\":null,\"records\":[", json!(job)));
        }
        output::line(&format!("],\"over\":{over}}}"));
        Ok(())
    }
}

/// The pages of a log.
struct Pages<'a> {
    wanted: &'a Logs,
    job: JobId,
    from: Option<u64>,
    done: bool,
}

impl<'a> Pages<'a> {
    fn new(wanted: &'a Logs, job: JobId) -> Self {
        Self { wanted, job, from: None, done: false }
    }

    /// The next page; `None` after the last one.
    async fn next(&mut self, session: &Session) -> Result<Option<RecordsPage>, Failure> {
        if self.done {
            return Ok(None);
        }
        let tail = self.wanted.tail.filter(|_| self.from.is_none());
        let limit = if tail.is_some() { None } else { Some(PAGE) };
        let page = session
            .client
            .job_records(&self.job, self.wanted.attempt, self.from, limit, tail)
            .await;
        let page = session.answer(page).await?;
        self.done = page.records.is_empty() || page.next_seq > page.last_seq;
        self.from = Some(page.next_seq);
        Ok(Some(page))
    }
}
