//! What is known of a check, read when it is sent: never in the store's transactions.

use slog::{Logger, debug};
use solstice_annotate::of_problem;
use solstice_forge::CheckDetails;
use solstice_joblog::JobLogs;
use solstice_log::{chain, keys};
use solstice_model::{AttemptId, JobId};
use solstice_store::{DueReport, Store, StoreError};

use super::details::{Material, of_broken_run, of_job};
use super::tail;

/// The details of what a wish is about. They may be newer than the wish; then the
/// next one follows.
///
/// # Errors
///
/// [`StoreError`] if the store cannot be read. A log that cannot be is left out.
pub(crate) async fn details(
    store: &Store,
    logs: &JobLogs,
    wish: &DueReport,
    log: &Logger,
) -> Result<CheckDetails, StoreError> {
    match wish.job {
        Some(job) => of(store, logs, wish, job, log).await,
        None => {
            let run = store.run(wish.run).await?.run;
            let annotations = of_problem(run.problem.as_deref().unwrap_or_default());
            Ok(of_broken_run(&wish.report, &run, annotations))
        }
    }
}

async fn of(
    store: &Store,
    logs: &JobLogs,
    wish: &DueReport,
    job: JobId,
    log: &Logger,
) -> Result<CheckDetails, StoreError> {
    let detail = store.job(job).await?;
    let last = detail.attempts.last().map(|attempt| attempt.id);
    let names = || detail.spec.steps.iter().map(|step| step.name.clone()).collect();
    let (tail, annotations, omitted) = match last {
        Some(attempt) => {
            let (annotations, omitted) = store.annotations(attempt).await?;
            (read_tail(logs, attempt, names(), log).await, annotations, omitted)
        }
        None => (String::new(), Vec::new(), 0),
    };
    let report = &wish.report;
    Ok(of_job(Material { report, detail: &detail, tail: &tail, annotations, omitted }))
}

async fn read_tail(
    logs: &JobLogs,
    attempt: AttemptId,
    step_names: Vec<String>,
    log: &Logger,
) -> String {
    match tail::read(logs, attempt, step_names).await {
        Ok(text) => tail::clean(&text),
        Err(error) => {
            debug!(log, "a report goes without its log";
                keys::ATTEMPT => %attempt, keys::ERROR => chain(&error));
            String::new()
        }
    }
}
