//! What compilers and tests have said in attempts that are over.

mod reports;
mod scan;

use std::sync::Arc;

use async_trait::async_trait;
use slog::{Logger, debug, error, warn};
use solstice_annotate::{Findings, Workspace};
use solstice_artifact::ArtifactStore;
use solstice_joblog::{JobLogs, LogError};
use solstice_log::{chain, keys};
use solstice_model::AttemptId;
use solstice_store::{Store, StoreError, UnannotatedAttempt};

use self::reports::Wanted;
use self::scan::Scan;
use crate::clock::Clock;
use crate::driver::{Activation, Next};

/// Where the agent unpacks the source in a guest: folder `src` below `--work /work`.
const SOURCE: &str = "/work/src";

/// How many attempts are asked for at once.
const BATCH: usize = 8;

/// How much of a log is read at once, in bytes.
const PAGE_BYTES: usize = 512 * 1024;

/// How much of a log is looked through at its beginning, and as much at its end,
/// in bytes of its records. Most logs are shorter than both.
const HALF_BYTES: u64 = 32 * 1024 * 1024;

/// Looks through the output and the test reports of each attempt that is over,
/// once, and writes down what they say of the source. What cannot be read says
/// nothing. After a crash an attempt that was not written down is looked through
/// again, with the same result.
pub struct Annotate {
    /// Where the attempts are.
    pub store: Store,
    /// What they printed.
    pub logs: JobLogs,
    /// What they left.
    pub artifacts: ArtifactStore,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where to say what went wrong.
    pub log: Logger,
}

#[async_trait]
impl Activation for Annotate {
    async fn activate(&self) -> Next {
        if let Err(error) = self.annotate_all().await {
            error!(self.log, "cannot annotate attempts"; keys::ERROR => chain(&error));
        }
        Next::Idle
    }
}

impl Annotate {
    async fn annotate_all(&self) -> Result<(), StoreError> {
        loop {
            let attempts = self.store.unannotated_attempts(BATCH).await?;
            if attempts.is_empty() {
                return Ok(());
            }
            for attempt in attempts {
                let id = attempt.id;
                let (annotations, omitted) = self.look_through(attempt).await?.into_annotations();
                debug!(self.log, "attempt annotated";
                    keys::ATTEMPT => %id, keys::COUNT => annotations.len());
                self.store.annotate(id, annotations, omitted, self.clock.now()).await?;
            }
        }
    }

    async fn look_through(&self, attempt: UnannotatedAttempt) -> Result<Findings, StoreError> {
        let workspace = Workspace::new(SOURCE).of_repository(attempt.repository.as_str());
        let wanted = Wanted::of(&attempt.spec, SOURCE);
        let scan = Scan::new(&attempt.spec, &workspace);
        let (scan, read) = self.read_log(attempt.id, scan).await;
        if let Err(error) = read {
            warn!(self.log, "cannot look through a log";
                keys::ATTEMPT => %attempt.id, keys::ERROR => chain(&error));
        }
        let mut findings = scan.end();
        if !wanted.is_empty() {
            let artifacts = self.store.artifacts_of(attempt.id).await?;
            let files = (&self.artifacts, attempt.id);
            reports::read(files, wanted.among(artifacts), &workspace, &mut findings, &self.log)
                .await;
        }
        Ok(findings)
    }

    /// Feeds a log to `scan`: all of it, or its beginning and its end.
    async fn read_log(&self, attempt: AttemptId, scan: Scan) -> (Scan, Result<(), LogError>) {
        let (scan, next) = self.read_part(attempt, scan, 1, HALF_BYTES).await;
        let next = match next {
            Ok(Some(next)) => next,
            Ok(None) => return (scan, Ok(())),
            Err(error) => return (scan, Err(error)),
        };
        let end = match self.logs.tail(attempt, u64::MAX, HALF_BYTES).await {
            Ok(place) => place.seq,
            Err(error) => return (scan, Err(error)),
        };
        let scan = if end > next { scan.skip() } else { scan };
        // What is counted here is not quite what a log counts: this goes to its end.
        let (scan, next) = self.read_part(attempt, scan, next.max(end), 2 * HALF_BYTES).await;
        (scan, next.map(|_| ()))
    }

    /// Feeds a part of a log to `scan`; gives where to go on, if it has more.
    async fn read_part(
        &self,
        attempt: AttemptId,
        mut scan: Scan,
        mut next: u64,
        mut room: u64,
    ) -> (Scan, Result<Option<u64>, LogError>) {
        loop {
            let page = match self.logs.read(attempt, next, PAGE_BYTES).await {
                Ok(page) => page,
                Err(error) => return (scan, Err(error)),
            };
            if page.records.is_empty() {
                return (scan, Ok(None));
            }
            let read: u64 = page.records.iter().map(scan::size).sum();
            next = page.next_seq;
            let work = tokio::task::spawn_blocking(move || scan.records(&page.records));
            scan = work.await.expect("looking through output does not panic, see its tests");
            if read > room {
                return (scan, Ok(Some(next)));
            }
            room -= read;
        }
    }
}

#[cfg(test)]
mod tests;
