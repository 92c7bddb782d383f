//! Requests that bear a key: done once, however often they come.
//!
//! A key is claimed before the request is worked on, marked as done in the very
//! transaction that does it, and gets its answer afterwards. So a process may be
//! killed at any of these points: what was not done may be done by the next one,
//! and what was done is never done again, even if its answer is lost.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{OptionalExtension as _, params};

use crate::column::millis;
use crate::error::StoreError;
use crate::store::Store;
use crate::writer::Tx;

/// How long a key is remembered.
const LIFE: TimeDelta = TimeDelta::hours(24);

/// The most keys of one caller, and of all; the oldest that are answered make room.
const MAX_OF_ONE: i64 = 1_000;
const MAX_KEYS: i64 = 20_000;

/// A key that was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(i64);

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// Nothing: the caller is to do it now.
    New(KeyId),
    /// It was done, with this answer.
    Answered(KeyId, String),
    /// Somebody is doing it.
    UnderWay,
    /// It was used for another request.
    Reused,
    /// It was done, but its answer was lost.
    Lost,
}

/// A request with a key. All of it are hashes or names.
#[derive(Clone, Debug)]
pub struct KeyedRequest {
    /// Who sent it.
    pub who: String,
    /// The hash of the key.
    pub key: String,
    /// The hash of what is asked for.
    pub request: String,
    /// Who works on it: a name that no other process has.
    pub process: String,
}

impl Store {
    /// Claims a key, or says what became of it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if the caller has too many that are under way.
    pub async fn claim_key(
        &self,
        it: KeyedRequest,
        now: DateTime<Utc>,
    ) -> Result<Claimed, StoreError> {
        self.write(move |tx| {
            tx.prepare_cached("DELETE FROM request_key WHERE begun_at <= ?1")?
                .execute([millis(now - LIFE)])?;
            match known(tx, &it)? {
                Some(Known { request, .. }) if request != it.request => Ok(Claimed::Reused),
                Some(Known { id, answer: Some(answer), .. }) => {
                    Ok(Claimed::Answered(KeyId(id), answer))
                }
                Some(known) if known.process.as_ref() == Some(&it.process) => Ok(Claimed::UnderWay),
                Some(known) if known.done => Ok(Claimed::Lost),
                Some(known) => {
                    // Whoever began has ended without doing it.
                    tx.prepare_cached("UPDATE request_key SET process = ?2 WHERE id = ?1")?
                        .execute(params![known.id, it.process])?;
                    Ok(Claimed::New(KeyId(known.id)))
                }
                None => insert(tx, &it, now).map(Claimed::New),
            }
        })
        .await
    }

    /// Keeps the answer to a request that was done.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn answer_key(&self, key: KeyId, answer: String) -> Result<(), StoreError> {
        self.write(move |tx| {
            let sql = "UPDATE request_key SET answer = ?2, done = 1 WHERE id = ?1";
            tx.prepare_cached(sql)?.execute(params![key.0, answer])?;
            Ok(())
        })
        .await
    }

    /// Gives a key back after a failure: if nothing was done, it may be tried again.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn release_key(&self, key: KeyId) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.prepare_cached("DELETE FROM request_key WHERE id = ?1 AND done = 0")?
                .execute([key.0])?;
            tx.prepare_cached("UPDATE request_key SET process = NULL WHERE id = ?1")?
                .execute([key.0])?;
            Ok(())
        })
        .await
    }
}

/// Marks what a key stands for as done, within the transaction that does it.
pub(crate) fn done(tx: &Tx<'_>, key: KeyId) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE request_key SET done = 1 WHERE id = ?1")?.execute([key.0])?;
    Ok(())
}

struct Known {
    id: i64,
    request: String,
    process: Option<String>,
    done: bool,
    answer: Option<String>,
}

fn known(tx: &Tx<'_>, it: &KeyedRequest) -> Result<Option<Known>, StoreError> {
    let sql = "SELECT id, request, process, done, answer FROM request_key \
               WHERE who = ?1 AND key = ?2";
    let found = tx.prepare_cached(sql)?.query_row(params![it.who, it.key], |row| {
        Ok(Known {
            id: row.get(0)?,
            request: row.get(1)?,
            process: row.get(2)?,
            done: row.get(3)?,
            answer: row.get(4)?,
        })
    });
    Ok(found.optional()?)
}

fn insert(tx: &Tx<'_>, it: &KeyedRequest, now: DateTime<Utc>) -> Result<KeyId, StoreError> {
    for (condition, max) in [("who = ?1", MAX_OF_ONE), ("?1 = ?1", MAX_KEYS)] {
        let sql = format!(
            "DELETE FROM request_key WHERE id IN (SELECT id FROM request_key \
             WHERE {condition} AND answer IS NOT NULL ORDER BY id DESC LIMIT -1 OFFSET ?2)"
        );
        tx.prepare_cached(&sql)?.execute(params![it.who, max - 1])?;
    }
    let sql = "SELECT count(*) FROM request_key WHERE who = ?1";
    let held: i64 = tx.prepare_cached(sql)?.query_row([&it.who], |row| row.get(0))?;
    if held >= 2 * MAX_OF_ONE {
        return Err(StoreError::conflict("idempotency key", "too many are under way"));
    }
    tx.prepare_cached(
        "INSERT INTO request_key (who, key, request, begun_at, process) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![it.who, it.key, it.request, millis(now), it.process])?;
    Ok(KeyId(tx.last_insert_rowid()))
}
