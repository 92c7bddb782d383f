//! Deliveries: taken once and kept whole (invariant I1).

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, params};
use solstice_api::user::DeliverySource;
use solstice_model::{DeliveryId, ForgeName, id::new_id};

use crate::column::{Columns as _, json, limit, millis, text};
use crate::error::StoreError;
use crate::store::Store;
use crate::writer::Tx;

/// How hard bodies are compressed: they are JSON, and the handler waits.
const ZSTD_LEVEL: i32 = 1;

/// The most waiting deliveries that one look gives, since each brings its body.
const MAX_WAITING: usize = 32;

/// The most headers of a delivery that are kept.
pub const MAX_HEADERS: usize = 64;

/// The longest value of a header that is kept, in bytes.
pub const MAX_HEADER_BYTES: usize = 1024;

/// A genuine webhook request, not interpreted.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// The forge.
    pub forge: ForgeName,
    /// The forge's own id.
    pub forge_id: String,
    /// The kind of event, as the forge names it.
    pub event: String,
    /// Those of its headers that people may read, each name and value. What is
    /// more than [`MAX_HEADERS`] is not kept, what is longer than
    /// [`MAX_HEADER_BYTES`] is cut.
    pub headers: Vec<(String, String)>,
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
    /// Where it comes from.
    pub source: DeliverySource,
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
        let NewDelivery { forge, forge_id, event, headers, body, received_at } = new;
        let packed = tokio::task::spawn_blocking(move || Packed::new(&body)).await;
        let body = packed.map_err(|_| StoreError::Closed)??;
        self.write(move |tx| {
            let source = DeliverySource::Webhook;
            let (forge, forge_id, event) = (&forge, &forge_id, &event);
            let headers = &bounded(headers);
            let row = Row { forge, forge_id, event, source, headers, body, received_at };
            insert(tx, &row)
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
                "SELECT id, forge, forge_id, event, received_at, tries, body, body_bytes, source \
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
}

/// A body as it is kept.
pub(crate) struct Packed {
    zstd: Vec<u8>,
    /// Before compression.
    bytes: i64,
}

impl Packed {
    pub(crate) fn new(body: &[u8]) -> Result<Self, StoreError> {
        let bytes = i64::try_from(body.len()).expect("a body fits in memory");
        let zstd = zstd::bulk::compress(body, ZSTD_LEVEL)
            .map_err(|error| StoreError::conflict("delivery", error.to_string()))?;
        Ok(Self { zstd, bytes })
    }
}

/// What is known of a delivery as it is taken.
pub(crate) struct Row<'a> {
    pub(crate) forge: &'a ForgeName,
    pub(crate) forge_id: &'a str,
    pub(crate) event: &'a str,
    pub(crate) source: DeliverySource,
    pub(crate) headers: &'a [(String, String)],
    pub(crate) body: Packed,
    pub(crate) received_at: DateTime<Utc>,
}

/// Puts a delivery down, unless it is there.
pub(crate) fn insert(tx: &Tx<'_>, new: &Row<'_>) -> Result<Taken, StoreError> {
    let known = tx
        .prepare_cached("SELECT id FROM delivery WHERE forge = ?1 AND forge_id = ?2")?
        .query_row(params![new.forge.as_str(), new.forge_id], |row| row.word(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(Taken { id, repeat: true });
    }
    let id: DeliveryId = new_id();
    tx.prepare_cached(
        "INSERT INTO delivery (id, forge, forge_id, event, source, headers, received_at, \
         body, body_bytes, next_try_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?7)",
    )?
    .execute(params![
        text(id),
        new.forge.as_str(),
        new.forge_id,
        new.event,
        new.source.name(),
        json(&new.headers),
        millis(new.received_at),
        new.body.zstd,
        new.body.bytes
    ])?;
    tx.changed();
    Ok(Taken { id, repeat: false })
}

/// What is kept of headers.
fn bounded(mut headers: Vec<(String, String)>) -> Vec<(String, String)> {
    headers.truncate(MAX_HEADERS);
    for part in headers.iter_mut().flat_map(|(name, value)| [name, value]) {
        part.truncate(part.floor_char_boundary(MAX_HEADER_BYTES));
    }
    headers
}

fn waiting(row: &rusqlite::Row<'_>) -> rusqlite::Result<WaitingDelivery> {
    Ok(WaitingDelivery {
        id: row.word(0)?,
        forge: row.word(1)?,
        forge_id: row.get(2)?,
        event: row.get(3)?,
        source: row.kind(8)?,
        body: unpacked(row, 6)?,
        received_at: row.time(4)?,
        tries: row.get(5)?,
    })
}

/// The body in this column, whose size is in the next.
pub(crate) fn unpacked(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Vec<u8>> {
    let packed = row.get_ref(column)?.as_blob()?;
    zstd::bulk::decompress(packed, row.get(column + 1)?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, error.into())
    })
}
