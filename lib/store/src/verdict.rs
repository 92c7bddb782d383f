//! How deliveries end: as runs, or with a reason (invariant I2).

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, params};
use solstice_api::user::AuditAction;
use solstice_forge::{Event, Push};
use solstice_model::{CommitSha, DeliveryId, EventKind, ForgeName, JobId, RepoName, RunId};

use crate::audit::{Actor, note};
use crate::column::{Columns as _, millis, text};
use crate::error::StoreError;
use crate::head;
use crate::make_run::{self, NewRun, NewRuns, Origin, RunMade};
use crate::store::Store;
use crate::withdraw;
use crate::writer::Tx;

/// The longest reason that is kept, in bytes.
const MAX_REASON_BYTES: usize = 8 * 1024;

/// Why a delivery starts no runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is of no concern to us.
    Ignored {
        /// Why, for people.
        reason: String,
    },
    /// It cannot be understood.
    Rejected {
        /// Why, for people.
        reason: String,
    },
}

impl Store {
    /// Leaves a delivery waiting until `next_try_at`, because its forge does not answer.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] if it has its verdict.
    pub async fn postpone_delivery(
        &self,
        id: DeliveryId,
        next_try_at: DateTime<Utc>,
        reason: String,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            must_wait(tx, id)?;
            tx.prepare_cached(
                "UPDATE delivery SET tries = tries + 1, begun = 0, next_try_at = ?2, reason = ?3 \
                 WHERE id = ?1",
            )?
            .execute(params![text(id), millis(next_try_at), cut(reason)])?;
            Ok(())
        })
        .await
    }

    /// Records why a delivery starts no runs (invariant I2).
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] if it has its verdict.
    pub async fn finish_delivery(
        &self,
        id: DeliveryId,
        verdict: Verdict,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            must_wait(tx, id)?;
            match verdict {
                Verdict::Ignored { reason } => finish(tx, id, "ignored", Some(reason), now),
                Verdict::Rejected { reason } => finish(tx, id, "rejected", Some(reason), now),
            }
        })
        .await
    }

    /// Records why the event of a delivery starts no runs (invariant I2). It was
    /// heard all the same: no look at the forge is to find it once more.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] if it has its verdict.
    pub async fn ignore_event(
        &self,
        id: DeliveryId,
        event: Event,
        reason: String,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            let forge = must_wait(tx, id)?;
            head::hear(tx, &forge, &event, now)?;
            finish(tx, id, "ignored", Some(reason), now)
        })
        .await
    }

    /// Makes the runs of a delivery, their jobs and the first wish for each
    /// check, together with its verdict (invariant I2). A run that is there
    /// already (same repository, ref, commit, kind of event and file) is not
    /// made again. What is unfinished at older commits of the same pull request
    /// is cancelled if the runs supersede it.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] if the delivery has
    /// its verdict, the event starts nothing, there is no run, or a run has no
    /// jobs, two of one name, or needs that lead nowhere or in a circle.
    pub async fn finish_delivery_with_runs(
        &self,
        id: DeliveryId,
        event: Event,
        runs: impl Into<NewRuns>,
        now: DateTime<Utc>,
    ) -> Result<Vec<RunMade>, StoreError> {
        let NewRuns { runs, supersede } = runs.into();
        self.write(move |tx| {
            let forge = must_wait(tx, id)?;
            if runs.is_empty() {
                return Err(StoreError::conflict("delivery", "no run came of it"));
            }
            let origin = Origin::of(&forge, &event)
                .ok_or_else(|| StoreError::conflict("delivery", "its event starts no runs"))?;
            let made = make_run::make(tx, &origin, runs, now)?;
            for run in &made {
                tx.prepare_cached("INSERT OR IGNORE INTO delivery_run VALUES (?1, ?2)")?
                    .execute(params![text(id), text(run.run)])?;
            }
            if let (true, Some(pull_request)) = (supersede, &origin.pull_request) {
                let repository = &origin.push.repository.name;
                withdraw::older_commits(tx, &forge, repository, pull_request.number, now)?;
            }
            head::hear(tx, &forge, &event, now)?;
            finish(tx, id, "runs", None, now)?;
            Ok(made)
        })
        .await
    }

    /// Cancels what is unfinished of a pull request that was closed or a ref that
    /// was deleted, together with the delivery's verdict, which says how much
    /// that was. Gives the jobs.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] if the delivery has its
    /// verdict or the event is of another kind.
    pub async fn finish_delivery_with_cancellation(
        &self,
        id: DeliveryId,
        event: Event,
        now: DateTime<Utc>,
    ) -> Result<Vec<JobId>, StoreError> {
        self.write(move |tx| {
            let forge = must_wait(tx, id)?;
            let (what, cancelled) = withdraw::what_is_gone(tx, &forge, &event, now)?
                .ok_or_else(|| StoreError::conflict("delivery", "its event ends no runs"))?;
            let reason = match cancelled.len() {
                0 => format!("{what}; nothing of it was unfinished"),
                1 => format!("{what}; 1 job cancelled"),
                many => format!("{what}; {many} jobs cancelled"),
            };
            head::hear(tx, &forge, &event, now)?;
            finish(tx, id, "ignored", Some(reason), now)?;
            Ok(cancelled)
        })
        .await
    }

    /// Makes runs that somebody asked for: new ones, whatever is there already.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] as [`Store::finish_delivery_with_runs`].
    pub async fn make_runs_by_hand(
        &self,
        forge: ForgeName,
        head: Push,
        by: impl Into<Actor>,
        runs: Vec<NewRun>,
        now: DateTime<Utc>,
    ) -> Result<Vec<RunId>, StoreError> {
        if runs.is_empty() {
            return Err(StoreError::conflict("workflow", "there is none to start"));
        }
        let by = by.into();
        let push = Push { actor: by.name.clone(), ..head };
        self.write(move |tx| {
            let event = EventKind::Manual;
            let origin =
                Origin { forge: &forge, event, pull_request: None, base: None, push: &push };
            let made = make_run::make(tx, &origin, runs, now)?;
            for made in &made {
                let object = Some(format!("run:{}", made.run));
                note(tx, &by, AuditAction::RunStart, object, None, now)?;
            }
            Ok(made.into_iter().map(|made| made.run).collect())
        })
        .await
    }

    /// Notes which commit a delivery tells of, so that it is found by that.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn note_subject(
        &self,
        id: DeliveryId,
        repository: RepoName,
        commit: CommitSha,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.prepare_cached(
                "UPDATE delivery SET repository = ?2, commit_sha = ?3 WHERE id = ?1",
            )?
            .execute([text(id), text(repository), text(commit)])?;
            Ok(())
        })
        .await
    }

    /// Notes that the interpretation of a delivery begins, and gives how often it
    /// had begun without coming to an end: a body that kills the process is to be
    /// given up at some time.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] if it has its verdict.
    pub async fn begin_delivery_try(&self, id: DeliveryId) -> Result<u32, StoreError> {
        self.write(move |tx| {
            must_wait(tx, id)?;
            let sql = "UPDATE delivery SET begun = begun + 1 WHERE id = ?1 RETURNING begun - 1";
            Ok(tx.prepare_cached(sql)?.query_row([text(id)], |row| row.get(0))?)
        })
        .await
    }
}

/// Makes sure that the delivery has no verdict; gives its forge.
pub(crate) fn must_wait(tx: &Tx<'_>, id: DeliveryId) -> Result<ForgeName, StoreError> {
    let (forge, verdict) = tx
        .prepare_cached("SELECT forge, verdict FROM delivery WHERE id = ?1")?
        .query_row([text(id)], |row| Ok((row.word(0)?, row.get::<_, String>(1)?)))
        .optional()?
        .ok_or_else(|| StoreError::not_found("delivery", id))?;
    if verdict != "waiting" {
        let why = format!("{id} has the verdict {verdict} already");
        return Err(StoreError::conflict("delivery", why));
    }
    Ok(forge)
}

pub(crate) fn finish(
    tx: &Tx<'_>,
    id: DeliveryId,
    verdict: &'static str,
    reason: Option<String>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE delivery SET verdict = ?2, reason = ?3, finished_at = ?4 WHERE id = ?1",
    )?
    .execute(params![text(id), verdict, reason.map(cut), millis(now)])?;
    tx.changed();
    Ok(())
}

/// Cuts a text for people to what is kept of it.
pub(crate) fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_REASON_BYTES));
    text
}
