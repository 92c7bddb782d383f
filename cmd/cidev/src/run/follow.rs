//! Follows a run to its end.

use futures::future::join_all;
use solstice_api::user::{JobDetail, RunStatus};
use solstice_joblog::JobLogs;
use solstice_model::{AttemptId, JobId, JobState, RunId};
use solstice_server::Server;
use tokio::sync::watch;

use super::plan::ACTOR;
use super::screen::{Cursor, Screen};
use super::{Ended, RunError};

/// How much of a log is read at once.
const PAGE_BYTES: usize = 256 * 1024;

/// Shows every job of the run until all are over. Ctrl-C cancels them; a second
/// one waits for nothing.
pub(crate) async fn run(
    server: &Server,
    run: RunId,
    screen: &Screen,
) -> Result<(Ended, Vec<JobDetail>), RunError> {
    let store = server.store();
    let lost = || RunError::part("read the run");
    let jobs = store.run(run).await.map_err(lost())?.jobs;
    let following = join_all(jobs.iter().map(|job| follow(server, job.id, screen)));
    tokio::pin!(following);
    let mut interrupted = false;
    let details = loop {
        tokio::select! {
            details = &mut following => break details,
            stop = tokio::signal::ctrl_c() => {
                if interrupted || stop.is_err() {
                    return Ok((Ended::Interrupted, Vec::new()));
                }
                interrupted = true;
                let cancelled = store.cancel_run(run, ACTOR.to_owned(), chrono::Utc::now()).await;
                cancelled.map_err(RunError::part("cancel the run"))?;
            }
        }
    };
    let details: Vec<JobDetail> = details.into_iter().collect::<Result<_, _>>()?;
    screen.summary(&details);
    let status = store.run(run).await.map_err(lost())?.run.status;
    let ended = match status {
        _ if interrupted => Ended::Interrupted,
        RunStatus::Succeeded => Ended::Succeeded,
        RunStatus::InfraFailed => Ended::NotRun,
        RunStatus::Cancelled => Ended::Interrupted,
        RunStatus::Failed
        | RunStatus::WaitingForApproval
        | RunStatus::Queued
        | RunStatus::Running => Ended::Failed,
    };
    Ok((ended, details))
}

/// What was shown of a job's current attempt.
struct Shown {
    attempt: AttemptId,
    next_seq: u64,
    durable: watch::Receiver<u64>,
    cursor: Cursor,
}

/// Shows one job until it is over.
async fn follow(server: &Server, job: JobId, screen: &Screen) -> Result<JobDetail, RunError> {
    let (store, logs) = (server.store(), server.logs());
    let mut changes = store.job_changes();
    let (mut state, mut shown): (Option<JobState>, Option<Shown>) = (None, None);
    loop {
        let detail = store.job(job).await.map_err(RunError::part("read the job"))?;
        let attempt = detail.attempts.last();
        if let Some(attempt) =
            attempt.filter(|it| shown.as_ref().is_none_or(|known| known.attempt != it.id))
        {
            if let Some(lost) = detail.attempts.iter().rev().nth(1).and_then(|it| it.lost.as_ref())
            {
                screen.note(&detail.job.name, &format!("tried again: {lost}"));
            }
            let durable = logs.follow(attempt.id).await.map_err(RunError::part("read the log"))?;
            let cursor = Cursor::default();
            shown = Some(Shown { attempt: attempt.id, next_seq: 1, durable, cursor });
        }
        if let Some(shown) = &mut shown {
            show(logs, &detail, shown, screen).await?;
        }
        if state.as_ref() != Some(&detail.job.state) {
            screen.state(&detail);
            state = Some(detail.job.state.clone());
        }
        if detail.job.state.is_finished() {
            return Ok(detail);
        }
        wait(&mut changes, shown.as_mut()).await;
    }
}

/// Resolves when there may be something new.
async fn wait(changes: &mut tokio::sync::broadcast::Receiver<JobId>, shown: Option<&mut Shown>) {
    let written = async {
        match shown {
            // A log that is closed says nothing more; the job's state does.
            Some(shown) => match shown.durable.changed().await {
                Ok(()) => {}
                Err(_) => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = written => {}
        // Any job's change, or too many of them: looking is cheap.
        _ = changes.recv() => {}
    }
}

async fn show(
    logs: &JobLogs,
    detail: &JobDetail,
    shown: &mut Shown,
    screen: &Screen,
) -> Result<(), RunError> {
    loop {
        let page = logs.read(shown.attempt, shown.next_seq, PAGE_BYTES).await;
        let page = page.map_err(RunError::part("read the log"))?;
        for record in &page.records {
            screen.record(&detail.spec, record, &mut shown.cursor);
        }
        shown.next_seq = page.next_seq;
        if page.records.is_empty() || page.next_seq > page.last_seq {
            return Ok(());
        }
    }
}
