//! The audit log: written together with what it tells of, removed by age alone.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, Row, params};
use solstice_api::user::{AuditAction, AuditEntry, AuditQuery, AuditVia};

use crate::column::{Columns as _, limit, millis};
use crate::error::StoreError;
use crate::once::{self, KeyId};
use crate::store::Store;
use crate::view::MAX_PAGE;
use crate::writer::Tx;

/// The longest name, object or detail that is kept, in characters.
const MAX_CHARS: usize = 300;

/// The most refused sign-ins of one hour that are kept: anybody can make them.
const MAX_REFUSED: i64 = 200;

/// Somebody who does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Their name: a token's, or `user@forge`.
    pub name: String,
    /// How they showed who they are.
    pub via: AuditVia,
    /// Where they are.
    pub remote: Option<IpAddr>,
    /// The id of the request by which they do it.
    pub request: Option<String>,
    /// The key that makes a repeat of the request harmless.
    pub key: Option<KeyId>,
}

impl Actor {
    /// Somebody of this name.
    pub fn new(name: impl Into<String>, via: AuditVia) -> Self {
        Self { name: name.into(), via, remote: None, request: None, key: None }
    }
}

impl From<String> for Actor {
    /// The server, for somebody of this name.
    fn from(name: String) -> Self {
        Self::new(name, AuditVia::Server)
    }
}

/// Writes down what somebody did, within the transaction that does it.
pub(crate) fn note(
    tx: &Tx<'_>,
    by: &Actor,
    action: AuditAction,
    object: Option<String>,
    detail: Option<String>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let cut = |text: &str| -> String { text.chars().take(MAX_CHARS).collect() };
    tx.prepare_cached(
        "INSERT INTO audit (at, who, via, action, object, detail, remote, request) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        millis(now),
        cut(&by.name),
        by.via.as_str(),
        action.as_str(),
        object.as_deref().map(cut),
        detail.as_deref().map(cut),
        by.remote.map(|address| address.to_string()),
        by.request,
    ])?;
    match by.key {
        Some(key) => once::done(tx, key),
        None => Ok(()),
    }
}

impl Store {
    /// Writes down what somebody did elsewhere than in the store. Of sign-ins that
    /// were refused only so many in an hour: anybody can make those.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn note(
        &self,
        by: Actor,
        action: AuditAction,
        object: Option<String>,
        detail: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            if action == AuditAction::SignInRefused && refused(tx, now)? >= MAX_REFUSED {
                return Ok(());
            }
            note(tx, &by, action, object, detail, now)
        })
        .await
    }

    /// What was done, newest first, before the entry of this number.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn audit(
        &self,
        which: AuditQuery,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(move |connection| {
            // Each has an index that gives the order too.
            let mut sql = "SELECT id, at, who, via, action, object, detail, remote, request \
                           FROM audit WHERE id < ?1"
                .to_owned();
            for (given, condition) in [
                (which.who.is_some(), " AND who = ?2"),
                (which.action.is_some(), " AND action = ?3"),
                (which.object.is_some(), " AND object = ?4"),
            ] {
                if given {
                    sql.push_str(condition);
                }
            }
            sql.push_str(" ORDER BY id DESC LIMIT ?5");
            let before = before.and_then(|id| i64::try_from(id).ok()).unwrap_or(i64::MAX);
            let mut statement = connection.prepare_cached(&sql)?;
            let action = which.action.map(AuditAction::as_str);
            let key = params![before, which.who, action, which.object, limit(max, MAX_PAGE)];
            let rows = statement.query_map(key, entry)?;
            rows.map(|row| Ok(row?)).collect()
        })
        .await
    }

    /// Removes what was done before this time; says how many entries that were.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn remove_audit(&self, before: DateTime<Utc>) -> Result<usize, StoreError> {
        self.write(move |tx| {
            // Numbers grow with time: the first that stays ends the search.
            let sql = "DELETE FROM audit WHERE id < coalesce( \
                       (SELECT id FROM audit WHERE at >= ?1 ORDER BY id LIMIT 1), \
                       (SELECT max(id) + 1 FROM audit))";
            Ok(tx.prepare_cached(sql)?.execute([millis(before)])?)
        })
        .await
    }
}

/// How many sign-ins were refused within an hour.
fn refused(connection: &Connection, now: DateTime<Utc>) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM (SELECT at FROM audit WHERE action = ?1 \
               ORDER BY id DESC LIMIT ?2) WHERE at > ?3";
    let since = millis(now - TimeDelta::hours(1));
    let key = params![AuditAction::SignInRefused.as_str(), MAX_REFUSED, since];
    Ok(connection.prepare_cached(sql)?.query_row(key, |row| row.get(0))?)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        id: row.get(0)?,
        at: row.time(1)?,
        who: row.get(2)?,
        via: row.kind(3)?,
        action: row.kind(4)?,
        object: row.get(5)?,
        detail: row.get(6)?,
        remote: row.get(7)?,
        request: row.get(8)?,
    })
}
