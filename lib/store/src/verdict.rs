//! How deliveries end: as runs, or with a reason (invariant I2).

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, params};
use solstice_forge::Event;
use solstice_model::{DeliveryId, ForgeName};

use crate::column::{Columns as _, millis, text};
use crate::error::StoreError;
use crate::make_run::{self, NewRun, RunMade};
use crate::store::Store;
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
                "UPDATE delivery SET tries = tries + 1, next_try_at = ?2, reason = ?3 \
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

    /// Makes the runs of a delivery, their jobs and the first wish for each
    /// check, together with its verdict (invariant I2). A run that is there
    /// already (same repository, ref, commit, kind of event and file) is not
    /// made again.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] if the delivery has
    /// its verdict, there is no run, or a run has no jobs, two of one name, or
    /// needs that lead nowhere or in a circle.
    pub async fn finish_delivery_with_runs(
        &self,
        id: DeliveryId,
        event: Event,
        runs: Vec<NewRun>,
        now: DateTime<Utc>,
    ) -> Result<Vec<RunMade>, StoreError> {
        self.write(move |tx| {
            let forge = must_wait(tx, id)?;
            if runs.is_empty() {
                return Err(StoreError::conflict("delivery", "no run came of it"));
            }
            let made = make_run::make(tx, &forge, &event, runs, now)?;
            for run in &made {
                tx.prepare_cached("INSERT OR IGNORE INTO delivery_run VALUES (?1, ?2)")?
                    .execute(params![text(id), text(run.run)])?;
            }
            finish(tx, id, "runs", None, now)?;
            Ok(made)
        })
        .await
    }
}

/// Makes sure that the delivery has no verdict; gives its forge.
fn must_wait(tx: &Tx<'_>, id: DeliveryId) -> Result<ForgeName, StoreError> {
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

fn finish(
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
