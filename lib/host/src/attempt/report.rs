//! Brings the server's view of an attempt to this host's view of it.
//!
//! What the server is to know follows from the attempt's stage, so nothing is
//! queued: after an outage the latest report is sent, and a phase that nobody
//! heard of is jumped, which the job's state machine allows.

use slog::{debug, warn};
use solstice_api::host::HostReport;
use solstice_log::keys;

use super::Attempt;
use crate::backoff::Backoff;
use crate::server::{Server, ServerError};
use crate::settings::Limits;
use crate::stage::Ending;

/// Reports until the attempt is over and the server knows how. Cancel safe.
pub(crate) async fn keep_informed(attempt: &Attempt, server: &Server, limits: &Limits) {
    let mut standing = attempt.watch();
    let mut source = attempt.source.subscribe();
    let mut backoff = Backoff::new(limits.retry_min, limits.retry_max);
    let mut told: Option<HostReport> = None;
    loop {
        let stage = standing.borrow_and_update().stage.clone();
        let before = source.borrow_and_update().phases();
        let report = stage.report(before).map(|report| match (&told, report) {
            // How far something is that nobody has heard of means little.
            (None, HostReport::Progress { .. }) => HostReport::Starting,
            (_, report) => report,
        });
        let Some(report) = report.filter(|report| told.as_ref() != Some(report)) else {
            if stage.is_over() {
                return;
            }
            tokio::select! {
                changed = standing.changed() => changed.expect("the attempt holds the sender"),
                changed = source.changed() => changed.expect("the attempt holds the sender"),
            }
            continue;
        };
        match server.report(attempt.id(), &report).await {
            Ok(()) => {
                backoff.reset();
                told = Some(note(attempt, report));
            }
            Err(ServerError::Over) => {
                attempt.end(Ending::Unwanted).await;
                return;
            }
            Err(ServerError::Away { why }) => {
                debug!(attempt.log, "the report must wait"; keys::REASON => why);
                wait(&mut standing, &mut backoff).await;
            }
            Err(ServerError::Unauthorized { .. }) => wait(&mut standing, &mut backoff).await,
            Err(error) => {
                warn!(attempt.log, "the server does not take a report";
                    keys::ERROR => solstice_log::chain(&error));
                told = Some(note(attempt, report));
            }
        }
    }
}

/// Notes what the server has been told.
fn note(attempt: &Attempt, report: HostReport) -> HostReport {
    if let HostReport::Running { .. } = report {
        attempt.informed.send_replace(true);
    }
    report
}

/// Waits for the next try, or for news that make this report an old one.
async fn wait(
    standing: &mut tokio::sync::watch::Receiver<crate::ledger::Standing>,
    backoff: &mut Backoff,
) {
    tokio::select! {
        () = tokio::time::sleep(backoff.pause()) => {}
        changed = standing.changed() => changed.expect("the attempt holds the sender"),
    }
}
