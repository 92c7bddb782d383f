//! Sessions: who is signed in on the pages; hashes, never a secret (invariant I7).
//!
//! A session opens what its token or its user may do at the time of each
//! request: it keeps no role. It dies with its token, when it was not used for
//! [`IDLE`], and when it is as old as its kind may become.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{OptionalExtension as _, params};
use solstice_api::user::{AuditAction, TokenInfo};
use solstice_model::{ForgeName, TokenHash};

use crate::audit::{Actor, note};
use crate::column::{Columns as _, millis};
use crate::error::StoreError;
use crate::store::Store;
use crate::writer::Tx;

/// The most sessions of one token or user; the one longest unused makes room.
pub const MAX_SESSIONS_OF_ONE: usize = 20;

/// The most sessions of all, likewise.
const MAX_SESSIONS: i64 = 50_000;

/// How long a session may be unused.
const IDLE: TimeDelta = TimeDelta::days(7);

/// How long a session by a token lasts.
const BY_TOKEN: TimeDelta = TimeDelta::days(30);

/// How long a session of a forge's user lasts: somebody may have got another's
/// name meanwhile.
const BY_FORGE: TimeDelta = TimeDelta::days(7);

/// Uses closer together than this are one.
const USE_GRAIN: TimeDelta = TimeDelta::minutes(5);

/// Whose session it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionOf {
    /// Whoever has the token of this name.
    Token(String),
    /// A user of a forge, by their name there.
    User {
        /// The forge.
        forge: ForgeName,
        /// The user's name.
        login: String,
    },
}

/// A session that is good.
#[derive(Clone, Debug)]
pub enum Session {
    /// By a token, as it is now.
    Token(TokenInfo),
    /// As a user of a forge.
    User {
        /// The forge.
        forge: ForgeName,
        /// The user's name.
        login: String,
    },
}

impl Store {
    /// Begins a session, in the place of another that the same browser had.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] if the token was revoked meanwhile.
    pub async fn begin_session(
        &self,
        hash: TokenHash,
        of: SessionOf,
        replaces: Option<TokenHash>,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            if let Some(old) = replaces {
                end(tx, &old)?;
            }
            remove_expired(tx, now)?;
            let (token, forge, login) = match &of {
                SessionOf::Token(name) => (Some(name.as_str()), None, None),
                SessionOf::User { forge, login } => {
                    (None, Some(forge.as_str()), Some(login.as_str()))
                }
            };
            let added = tx
                .prepare_cached(
                    "INSERT INTO session (hash, token, forge, login, created_at, used_at) \
                     SELECT ?1, ?2, ?3, ?4, ?5, ?5 \
                     WHERE ?2 IS NULL OR EXISTS (SELECT 1 FROM token WHERE name = ?2)",
                )?
                .execute(params![hash.as_str(), token, forge, login, millis(now)])?;
            if added == 0 {
                return Err(StoreError::not_found("token", token.unwrap_or_default()));
            }
            make_room(tx, token, forge, login)?;
            note(tx, &by, AuditAction::SignIn, None, None, now)
        })
        .await
    }

    /// The session with this hash, if it is good now.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn find_session(
        &self,
        hash: TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<Session>, StoreError> {
        let found = self
            .read(move |connection| {
                let sql = "SELECT session.forge, session.login, session.used_at, token.name, \
                           token.role, token.created_at FROM session \
                           LEFT JOIN token ON token.name = session.token \
                           WHERE session.hash = ?1 AND session.used_at > ?2 \
                           AND session.created_at > iif(session.token IS NULL, ?3, ?4)";
                let key = params![
                    hash.as_str(),
                    millis(now - IDLE),
                    millis(now - BY_FORGE),
                    millis(now - BY_TOKEN)
                ];
                let found = connection.prepare_cached(sql)?.query_row(key, |row| {
                    let session = match row.maybe_word(0)? {
                        Some(forge) => Session::User { forge, login: row.get(1)? },
                        None => Session::Token(TokenInfo {
                            name: row.get(3)?,
                            role: row.word(4)?,
                            created_at: row.time(5)?,
                        }),
                    };
                    Ok((session, row.time(2)?))
                });
                Ok(found.optional()?.map(|(session, used)| (session, used, hash)))
            })
            .await?;
        let Some((session, used, hash)) = found else { return Ok(None) };
        if now - used > USE_GRAIN {
            self.use_session(hash, now).await?;
        }
        Ok(Some(session))
    }

    async fn use_session(&self, hash: TokenHash, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.write(move |tx| {
            let sql = "UPDATE session SET used_at = max(used_at, ?2) WHERE hash = ?1";
            tx.prepare_cached(sql)?.execute(params![hash.as_str(), millis(now)])?;
            Ok(())
        })
        .await
    }

    /// Ends a session; says whether there was one.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn end_session(
        &self,
        hash: TokenHash,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let was = end(tx, &hash)?;
            if was {
                note(tx, &by, AuditAction::SignOut, None, None, now)?;
            }
            Ok(was)
        })
        .await
    }

    /// Removes sessions that open nothing any more; says how many.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn remove_expired_sessions(&self, now: DateTime<Utc>) -> Result<usize, StoreError> {
        self.write(move |tx| remove_expired(tx, now)).await
    }
}

fn end(tx: &Tx<'_>, hash: &TokenHash) -> Result<bool, StoreError> {
    let sql = "DELETE FROM session WHERE hash = ?1";
    Ok(tx.prepare_cached(sql)?.execute([hash.as_str()])? > 0)
}

fn remove_expired(tx: &Tx<'_>, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let sql = "DELETE FROM session WHERE used_at <= ?1 \
               OR created_at <= iif(token IS NULL, ?2, ?3)";
    let ends = params![millis(now - IDLE), millis(now - BY_FORGE), millis(now - BY_TOKEN)];
    Ok(tx.prepare_cached(sql)?.execute(ends)?)
}

/// Ends those longest unused where there are too many.
fn make_room(
    tx: &Tx<'_>,
    token: Option<&str>,
    forge: Option<&str>,
    login: Option<&str>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "DELETE FROM session WHERE hash IN (SELECT hash FROM session \
         WHERE token IS ?1 AND forge IS ?2 AND login IS ?3 \
         ORDER BY used_at DESC, rowid DESC LIMIT -1 OFFSET ?4)",
    )?
    .execute(params![token, forge, login, MAX_SESSIONS_OF_ONE])?;
    tx.prepare_cached(
        "DELETE FROM session WHERE hash IN (SELECT hash FROM session \
         ORDER BY used_at DESC, rowid DESC LIMIT -1 OFFSET ?1)",
    )?
    .execute([MAX_SESSIONS])?;
    Ok(())
}
