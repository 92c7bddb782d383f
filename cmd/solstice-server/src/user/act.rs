//! What people do to runs and jobs: start, approve, cancel, run once more.

use dropshot::HttpError;
use slog::info;
use solstice_api::user::{Host, Job, Run, RunCreate};
use solstice_engine::{close_logs, start_by_hand};
use solstice_log::keys;
use solstice_model::{HostName, JobId, RunId};
use solstice_store::{Actor, RerunJobs, Transitioned};

use crate::context::Context;
use crate::error::{from_start, from_store};

/// Starts what may be started by hand.
pub(super) async fn start(
    context: &Context,
    by: Actor,
    wanted: RunCreate,
) -> Result<Vec<Run>, HttpError> {
    let now = context.clock.now();
    let repository = wanted.repository.clone();
    let started = start_by_hand(&context.store, &context.forges, wanted, by.clone(), now).await;
    let mut runs = Vec::new();
    for run in started.map_err(from_start)? {
        info!(context.log, "run started by hand"; keys::RUN => %run,
            keys::REPOSITORY => %repository, keys::REASON => &by.name);
        runs.push(context.store.run(run).await.map_err(from_store)?.run);
    }
    Ok(runs)
}

/// Cancels what is not finished of a run; gives the jobs that this ended.
pub(crate) async fn cancel_run(
    context: &Context,
    by: Actor,
    run: RunId,
) -> Result<Vec<JobId>, HttpError> {
    let now = context.clock.now();
    let jobs = context.store.cancel_run(run, by.clone(), now).await.map_err(from_store)?;
    if !jobs.is_empty() {
        info!(context.log, "run cancelled"; keys::RUN => %run, keys::REASON => by.name);
    }
    for job in &jobs {
        close_logs(&context.store, &context.logs, *job).await;
    }
    Ok(jobs)
}

/// Lets a run, and what waits with it, go on; gives the runs that this let go on.
pub(crate) async fn approve(
    context: &Context,
    by: Actor,
    run: RunId,
) -> Result<Vec<RunId>, HttpError> {
    let now = context.clock.now();
    let approved = context.store.approve(run, by.clone(), now).await.map_err(from_store)?;
    for run in &approved {
        info!(context.log, "run approved"; keys::RUN => %run, keys::REASON => &by.name);
    }
    Ok(approved)
}

/// Cancels a job.
pub(crate) async fn cancel_job(context: &Context, by: Actor, job: JobId) -> Result<(), HttpError> {
    let now = context.clock.now();
    let moved = context.store.cancel(job, by.clone(), now).await.map_err(from_store)?;
    if let Transitioned::Moved(_) = moved {
        info!(context.log, "job cancelled"; keys::JOB => %job, keys::REASON => by.name);
    }
    close_logs(&context.store, &context.logs, job).await;
    Ok(())
}

/// Runs jobs of a run once more; gives the new ones.
pub(crate) async fn rerun(
    context: &Context,
    by: Actor,
    run: RunId,
    which: RerunJobs,
) -> Result<Vec<Job>, HttpError> {
    let now = context.clock.now();
    let new = context.store.rerun(run, which, by.clone(), now).await.map_err(from_store)?;
    info!(context.log, "jobs run once more"; keys::RUN => %run,
        keys::COUNT => new.len(), keys::REASON => by.name);
    let jobs = context.store.run(run).await.map_err(from_store)?.jobs;
    Ok(jobs.into_iter().filter(|job| new.contains(&job.id)).collect())
}

/// Runs a job, and those that need it, once more.
pub(crate) async fn rerun_job(
    context: &Context,
    by: Actor,
    job: JobId,
) -> Result<Vec<Job>, HttpError> {
    let run = context.store.job(job).await.map_err(from_store)?.run.id;
    rerun(context, by, run, RerunJobs::Job(job)).await
}

/// Lets a host drain, or take jobs again.
pub(crate) async fn set_draining(
    context: &Context,
    by: Actor,
    host: HostName,
    draining: bool,
) -> Result<Host, HttpError> {
    let now = context.clock.now();
    let host = context.store.set_draining(host, draining, by, now, context.lease).await;
    let host = host.map_err(from_store)?;
    let state = if draining { "draining" } else { "taking jobs" };
    info!(context.log, "host changed"; keys::HOST => %host.name, keys::STATE => state);
    Ok(host)
}
