//! Deliveries as people look at them, and those that somebody has interpreted again.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, params};
use solstice_api::user::{AuditAction, Delivery, DeliveryDetail, Header};
use solstice_model::{DeliveryId, ForgeName, RunId};

use crate::audit::{Actor, note};
use crate::column::{Columns as _, json, limit, millis, text};
use crate::delivery::unpacked;
use crate::error::StoreError;
use crate::select::Conditions;
use crate::store::Store;
use crate::view::MAX_PAGE;

/// Which deliveries are asked for; all unless it says more.
#[derive(Clone, Debug, Default)]
pub struct DeliveryQuery {
    /// Of this verdict: `waiting`, `runs`, `acted`, `ignored` or `rejected`.
    pub verdict: Option<String>,
    /// Of this forge.
    pub forge: Option<ForgeName>,
}

impl Store {
    /// Deliveries, newest first, those before `before` if it is given.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn deliveries(
        &self,
        before: Option<DeliveryId>,
        at_most: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.deliveries_of(DeliveryQuery::default(), before, at_most).await
    }

    /// The deliveries that are asked for, newest first, those before `before` if it
    /// is given.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn deliveries_of(
        &self,
        which: DeliveryQuery,
        before: Option<DeliveryId>,
        at_most: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.read(move |connection| {
            let mut all = Conditions::default();
            all.and_some(|verdict| format!("verdict = {verdict}"), which.verdict);
            all.and_some(|forge| format!("forge = {forge}"), which.forge.map(text));
            all.and_some(|before| format!("id < {before}"), before.map(text));
            let most = all.bind(limit(at_most, MAX_PAGE));
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {DELIVERY} FROM delivery WHERE {} ORDER BY id DESC LIMIT {most}",
                all.sql()
            ))?;
            let rows = statement.query_map(all.values(), without_runs)?;
            let mut deliveries: Vec<Delivery> = rows.collect::<Result<_, _>>()?;
            set_runs(connection, &mut deliveries)?;
            Ok(deliveries)
        })
        .await
    }

    /// A delivery.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn delivery(&self, id: DeliveryId) -> Result<Delivery, StoreError> {
        self.read(move |connection| {
            let mut delivery = connection
                .prepare_cached(&format!("SELECT {DELIVERY} FROM delivery WHERE id = ?1"))?
                .query_row([text(id)], without_runs)
                .optional()?
                .ok_or_else(|| StoreError::not_found("delivery", id))?;
            set_runs(connection, std::slice::from_mut(&mut delivery))?;
            Ok(delivery)
        })
        .await
    }

    /// A delivery with its headers and what was done with it.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn delivery_detail(&self, id: DeliveryId) -> Result<DeliveryDetail, StoreError> {
        self.read(move |connection| {
            let mut detail = connection
                .prepare_cached(&format!(
                    "SELECT {DELIVERY}, headers, body_bytes, body_removed_at, tries, \
                     finished_at, replayed_by FROM delivery WHERE id = ?1"
                ))?
                .query_row([text(id)], detail_without_runs)
                .optional()?
                .ok_or_else(|| StoreError::not_found("delivery", id))?;
            set_runs(connection, std::slice::from_mut(&mut detail.delivery))?;
            Ok(detail)
        })
        .await
    }

    /// The body of a delivery as it came.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] if it was removed.
    pub async fn delivery_body(&self, id: DeliveryId) -> Result<Vec<u8>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT body, body_bytes, body_removed_at IS NULL FROM delivery \
                       WHERE id = ?1";
            connection
                .prepare_cached(sql)?
                .query_row([text(id)], |row| {
                    let kept: bool = row.get(2)?;
                    kept.then(|| unpacked(row, 0)).transpose()
                })
                .optional()?
                .ok_or_else(|| StoreError::not_found("delivery", id))?
                .ok_or_else(|| StoreError::conflict("delivery", GONE))
        })
        .await
    }

    /// Lets a delivery wait for its verdict once more, on somebody's wish. Its
    /// runs stay; what is interpreted again makes none that is there already.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] if its body was removed,
    /// or if it still waits.
    pub async fn replay(
        &self,
        id: DeliveryId,
        by: impl Into<Actor>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let by = by.into();
        self.write(move |tx| {
            let sql = "SELECT verdict = 'waiting', body_removed_at IS NULL FROM delivery \
                       WHERE id = ?1";
            let (waits, kept): (bool, bool) = tx
                .prepare_cached(sql)?
                .query_row([text(id)], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?
                .ok_or_else(|| StoreError::not_found("delivery", id))?;
            if waits {
                return Err(StoreError::conflict("delivery", "it still waits for its verdict"));
            }
            if !kept {
                return Err(StoreError::conflict("delivery", GONE));
            }
            tx.prepare_cached(
                "UPDATE delivery SET verdict = 'waiting', reason = NULL, finished_at = NULL, \
                 tries = 0, begun = 0, next_try_at = ?2, replays = replays + 1, \
                 replayed_by = ?3 WHERE id = ?1",
            )?
            .execute(params![text(id), millis(now), by.name])?;
            let object = Some(format!("delivery:{id}"));
            note(tx, &by, AuditAction::DeliveryReplay, object, None, now)?;
            tx.changed();
            Ok(())
        })
        .await
    }
}

/// Why a body cannot be had.
const GONE: &str = "its body was removed, as the configuration's retention says";

const DELIVERY: &str = "id, forge, forge_id, event, received_at, verdict, reason, source, replays";

fn without_runs(row: &rusqlite::Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: row.word(0)?,
        forge: row.word(1)?,
        forge_id: row.get(2)?,
        event: row.get(3)?,
        source: row.kind(7)?,
        received_at: row.time(4)?,
        verdict: row.get(5)?,
        reason: row.get(6)?,
        replays: row.get(8)?,
        runs: Vec::new(),
    })
}

fn detail_without_runs(row: &rusqlite::Row<'_>) -> rusqlite::Result<DeliveryDetail> {
    let headers: Vec<(String, String)> = row.data(9)?;
    Ok(DeliveryDetail {
        delivery: without_runs(row)?,
        headers: headers.into_iter().map(|(name, value)| Header { name, value }).collect(),
        body_bytes: row.get(10)?,
        body_removed_at: row.maybe_time(11)?,
        tries: row.get(12)?,
        finished_at: row.maybe_time(13)?,
        replayed_by: row.get(14)?,
    })
}

fn set_runs(connection: &Connection, deliveries: &mut [Delivery]) -> Result<(), StoreError> {
    let ids = deliveries.iter().map(|delivery| delivery.id).collect();
    let mut runs = runs_of(connection, ids)?;
    for delivery in deliveries {
        delivery.runs = runs.remove(&delivery.id).unwrap_or_default();
    }
    Ok(())
}

/// The runs that came of deliveries: one query, however many they are.
pub(crate) fn runs_of(
    connection: &Connection,
    deliveries: Vec<DeliveryId>,
) -> Result<HashMap<DeliveryId, Vec<RunId>>, StoreError> {
    let sql = "SELECT delivery, run FROM json_each(?1) AS wanted \
               JOIN delivery_run ON delivery = wanted.value ORDER BY run";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([json(&deliveries)], |row| Ok((row.word(0)?, row.word(1)?)))?;
    let mut of: HashMap<DeliveryId, Vec<RunId>> = HashMap::new();
    for row in rows {
        let (delivery, run) = row?;
        of.entry(delivery).or_default().push(run);
    }
    Ok(of)
}
