//! Deliveries: taken once and kept whole (invariant I1).

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, params};
use solstice_api::user::Delivery;
use solstice_model::{DeliveryId, ForgeName, RunId, id::new_id};

use crate::column::{Columns as _, limit, millis, text};
use crate::error::StoreError;
use crate::store::Store;
use crate::view::MAX_PAGE;

/// How hard bodies are compressed: they are JSON, and the handler waits.
const ZSTD_LEVEL: i32 = 1;

/// The most waiting deliveries that one look gives, since each brings its body.
const MAX_WAITING: usize = 32;

/// A genuine webhook request, not interpreted.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// The forge.
    pub forge: ForgeName,
    /// The forge's own id.
    pub forge_id: String,
    /// The kind of event, as the forge names it.
    pub event: String,
    /// The body as it came.
    pub body: Vec<u8>,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

/// A delivery that is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Our id of it.
    pub id: DeliveryId,
    /// Whether it had been taken before.
    pub repeat: bool,
}

/// A delivery that has no verdict yet.
#[derive(Clone, Debug)]
pub struct WaitingDelivery {
    /// Our id of it.
    pub id: DeliveryId,
    /// The forge.
    pub forge: ForgeName,
    /// The forge's own id.
    pub forge_id: String,
    /// The kind of event, as the forge names it.
    pub event: String,
    /// The body as it came.
    pub body: Vec<u8>,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// How often it has been postponed.
    pub tries: u32,
}

impl Store {
    /// Puts a delivery on disk, once for each id of the forge's (invariant I1).
    ///
    /// # Errors
    ///
    /// Whatever the disk does; then the delivery is not taken.
    pub async fn take_delivery(&self, new: NewDelivery) -> Result<Taken, StoreError> {
        let NewDelivery { forge, forge_id, event, body, received_at } = new;
        let body_bytes = i64::try_from(body.len()).expect("a body fits in memory");
        let body = tokio::task::spawn_blocking(move || zstd::bulk::compress(&body, ZSTD_LEVEL))
            .await
            .map_err(|_| StoreError::Closed)?
            .map_err(|error| StoreError::conflict("delivery", error.to_string()))?;
        self.write(move |tx| {
            let known = tx
                .prepare_cached("SELECT id FROM delivery WHERE forge = ?1 AND forge_id = ?2")?
                .query_row(params![forge.as_str(), forge_id], |row| row.word(0))
                .optional()?;
            if let Some(id) = known {
                return Ok(Taken { id, repeat: true });
            }
            let id: DeliveryId = new_id();
            tx.prepare_cached(
                "INSERT INTO delivery (id, forge, forge_id, event, source, headers, received_at, \
                 body, body_bytes, next_try_at) \
                 VALUES (?1, ?2, ?3, ?4, 'webhook', '[]', ?5, ?6, ?7, ?5)",
            )?
            .execute(params![
                text(id),
                forge.as_str(),
                forge_id,
                event,
                millis(received_at),
                body,
                body_bytes
            ])?;
            tx.changed();
            Ok(Taken { id, repeat: false })
        })
        .await
    }

    /// The deliveries of one forge that wait and whose next try is due, oldest first.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn next_waiting_deliveries(
        &self,
        forge: ForgeName,
        now: DateTime<Utc>,
        at_most: usize,
    ) -> Result<Vec<WaitingDelivery>, StoreError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, forge, forge_id, event, received_at, tries, body, body_bytes \
                 FROM delivery WHERE verdict = 'waiting' AND next_try_at <= ?1 AND forge = ?3 \
                 ORDER BY next_try_at, id LIMIT ?2",
            )?;
            let page = params![millis(now), limit(at_most, MAX_WAITING), forge.as_str()];
            let rows = statement.query_map(page, waiting)?;
            rows.map(|row| Ok(row?)).collect()
        })
        .await
    }

    /// When the next waiting delivery of one forge is to be tried.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn next_delivery_try(
        &self,
        forge: ForgeName,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT min(next_try_at) FROM delivery \
                       WHERE verdict = 'waiting' AND forge = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_row([forge.as_str()], |row| row.maybe_time(0))?)
        })
        .await
    }

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
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "{DELIVERY} WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2"
            ))?;
            let rows = statement
                .query_map(params![before.map(text), limit(at_most, MAX_PAGE)], without_runs)?;
            let mut deliveries: Vec<Delivery> = rows.collect::<Result<_, _>>()?;
            for delivery in &mut deliveries {
                delivery.runs = runs_of(connection, delivery.id)?;
            }
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
                .prepare_cached(&format!("{DELIVERY} WHERE id = ?1"))?
                .query_row([text(id)], without_runs)
                .optional()?
                .ok_or_else(|| StoreError::not_found("delivery", id))?;
            delivery.runs = runs_of(connection, id)?;
            Ok(delivery)
        })
        .await
    }
}

const DELIVERY: &str =
    "SELECT id, forge, forge_id, event, received_at, verdict, reason FROM delivery";

fn waiting(row: &rusqlite::Row<'_>) -> rusqlite::Result<WaitingDelivery> {
    let packed = row.get_ref(6)?.as_blob()?;
    let body_bytes: usize = row.get(7)?;
    let body = zstd::bulk::decompress(packed, body_bytes).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(6, rusqlite::types::Type::Blob, error.into())
    })?;
    Ok(WaitingDelivery {
        id: row.word(0)?,
        forge: row.word(1)?,
        forge_id: row.get(2)?,
        event: row.get(3)?,
        body,
        received_at: row.time(4)?,
        tries: row.get(5)?,
    })
}

fn without_runs(row: &rusqlite::Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: row.word(0)?,
        forge: row.word(1)?,
        forge_id: row.get(2)?,
        event: row.get(3)?,
        received_at: row.time(4)?,
        verdict: row.get(5)?,
        reason: row.get(6)?,
        runs: Vec::new(),
    })
}

fn runs_of(
    connection: &rusqlite::Connection,
    delivery: DeliveryId,
) -> Result<Vec<RunId>, StoreError> {
    let sql = "SELECT run FROM delivery_run WHERE delivery = ?1 ORDER BY run";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([text(delivery)], |row| row.word(0))?;
    rows.map(|row| Ok(row?)).collect()
}
