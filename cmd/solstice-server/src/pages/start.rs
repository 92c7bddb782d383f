//! The start page: what runs, what waits and why, the newest runs.

use askama::Template;
use chrono::{DateTime, Utc};
use dropshot::HttpError;
use solstice_api::user::{Host, Queue, QueuedJob, WaitingJob, WorkingJob};
use solstice_display::duration;
use solstice_model::Role;
use solstice_store::RunQuery;

use super::filter::Filters;
use super::format::{Badge, iso, job_badge};
use super::nav::Section;
use super::runs::{RunList, list, repository_href};
use super::{Frame, Rqctx, query, reader, rendered};
use crate::user::queue;

/// The most jobs of each kind that are shown: the newest runs are to be seen, too.
const SHOWN: usize = 6;

/// Which job of what.
pub(super) struct WorkView {
    href: String,
    name: String,
    repository: String,
    repository_href: String,
    title: String,
    since: String,
    so_far: String,
}

impl WorkView {
    fn new(job: &QueuedJob, since: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let title = if job.title.trim().is_empty() { job.commit.short() } else { &job.title };
        Self {
            href: format!("/jobs/{}", job.id),
            name: job.name.to_string(),
            repository: job.repository.to_string(),
            repository_href: repository_href(&job.forge, &job.repository),
            title: title.to_owned(),
            since: iso(since),
            so_far: duration(now - since),
        }
    }
}

struct WorkingView {
    job: WorkView,
    badge: Badge,
    host: String,
    /// `step 2 of 5: Test`.
    step: String,
}

impl WorkingView {
    fn new(working: &WorkingJob, now: DateTime<Utc>) -> Self {
        let step = working.step.as_ref();
        Self {
            job: WorkView::new(&working.job, working.started_at.unwrap_or(working.claimed_at), now),
            badge: job_badge(&working.state),
            host: working.state.holding().map_or_else(String::new, |held| held.host.to_string()),
            step: step.map_or_else(String::new, |step| {
                format!("step {} of {}: {}", u64::from(step.index) + 1, step.of, step.name)
            }),
        }
    }
}

struct WaitingView {
    job: WorkView,
    why: String,
}

impl WaitingView {
    fn new(waiting: WaitingJob, now: DateTime<Utc>) -> Self {
        Self { job: WorkView::new(&waiting.job, waiting.queued_at, now), why: waiting.why }
    }
}

#[derive(Template)]
#[template(path = "start.html")]
struct StartPage {
    frame: Frame,
    /// Whether this is the first page, which shows more than runs.
    first: bool,
    working: Vec<WorkingView>,
    more_working: u64,
    waiting: Vec<WaitingView>,
    more_waiting: u64,
    /// How many hosts are online and how many there are; for operators.
    hosts: Option<(usize, usize)>,
    list: RunList,
}

pub(super) async fn render(rqctx: &Rqctx) -> Result<String, HttpError> {
    let principal = reader(rqctx).await?;
    let context = rqctx.context();
    let first = query(rqctx, "before").is_none();
    let which = RunQuery { sight: principal.sight.clone(), ..RunQuery::default() };
    let list = list(rqctx, which, &Filters::new("/", [])).await?;
    let (queue, hosts) = match first {
        true => queue::look(context, principal.sight.clone(), SHOWN, SHOWN).await?,
        false => (queue::nothing(), Vec::new()),
    };
    let now = context.clock.now();
    let online = |hosts: Vec<Host>| {
        let online = hosts.iter().filter(|host| host.online).count();
        (online, hosts.len())
    };
    let Queue { working, working_total, waiting, waiting_total } = queue;
    rendered(&StartPage {
        frame: Frame::new(context, Some(&principal)).at(Section::Runs),
        first,
        more_working: beyond(working_total, working.len()),
        working: working.iter().map(|job| WorkingView::new(job, now)).collect(),
        more_waiting: beyond(waiting_total, waiting.len()),
        waiting: waiting.into_iter().map(|job| WaitingView::new(job, now)).collect(),
        hosts: principal.may(Role::Operator).then(|| online(hosts)),
        list,
    })
}

/// How many are not shown.
fn beyond(total: u64, shown: usize) -> u64 {
    total.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX))
}
