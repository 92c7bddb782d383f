//! What runs and what waits, with the reasons.

use dropshot::HttpError;
use solstice_api::user::{Host, Queue, WaitingJob};
use solstice_model::JobName;
use solstice_store::Sight;

use crate::context::Context;
use crate::error::from_store;

/// The most jobs of each kind that one answer has.
const MAX_JOBS: usize = 200;

/// The most needs that a reason names.
const MAX_NAMED: usize = 3;

/// What runs and what waits, as far as somebody may see it.
pub(crate) async fn view(context: &Context, sight: Sight) -> Result<Queue, HttpError> {
    look(context, sight, MAX_JOBS, MAX_JOBS).await.map(|(queue, _)| queue)
}

/// The first of what runs and of what waits, and the hosts.
pub(crate) async fn look(
    context: &Context,
    sight: Sight,
    working: usize,
    waiting: usize,
) -> Result<(Queue, Vec<Host>), HttpError> {
    let mut queue = context.store.queue(sight, working, waiting).await.map_err(from_store)?;
    let hosts = context.store.hosts(context.clock.now(), context.lease).await;
    let hosts = hosts.map_err(from_store)?;
    for job in &mut queue.waiting {
        job.why = why(job, &hosts);
    }
    Ok((queue, hosts))
}

/// No jobs at all.
pub(crate) fn nothing() -> Queue {
    Queue { working: Vec::new(), working_total: 0, waiting: Vec::new(), waiting_total: 0 }
}

/// What a job waits for, in one line for people.
fn why(job: &WaitingJob, hosts: &[Host]) -> String {
    let WaitingJob { runs_on, size, place, needs, approval, .. } = job;
    if *approval {
        return "until somebody approves of its commit".to_owned();
    }
    if !needs.is_empty() {
        return format!("for {}", named(needs));
    }
    let online: Vec<&Host> = hosts.iter().filter(|host| host.online).collect();
    let offers: Vec<&&Host> = online.iter().filter(|host| host.labels.contains(runs_on)).collect();
    if offers.is_empty() {
        return format!("for a host: none that is online offers {runs_on}");
    }
    let fits = |host: &&&Host| size.as_ref().is_none_or(|size| host.sizes.contains(size));
    let fitting: Vec<_> = offers.into_iter().filter(fits).collect();
    if let (Some(size), true) = (size, fitting.is_empty()) {
        return format!("for a host: none that offers {runs_on} makes machines of size {size}");
    }
    if fitting.iter().all(|host| host.draining) {
        return format!("for a host: all that offer {runs_on} take no jobs now");
    }
    match place {
        Some(1) => format!("for room: next in the queue for {runs_on}"),
        Some(place) => format!("for room: number {place} in the queue for {runs_on}"),
        None => format!("for a machine with {runs_on}"),
    }
}

/// Some of the names, and how many there are besides.
fn named(needs: &[JobName]) -> String {
    let names: Vec<&str> = needs.iter().take(MAX_NAMED).map(JobName::as_str).collect();
    match needs.len().saturating_sub(MAX_NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
