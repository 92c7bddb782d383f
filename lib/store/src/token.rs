//! Tokens: names, roles and hashes; never a secret (invariant I7).

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, Row, params};
use solstice_api::user::{AuditAction, AuditVia, TokenInfo};
use solstice_model::{Role, TokenHash};

use crate::audit::{Actor, note};
use crate::column::{Columns as _, millis};
use crate::error::StoreError;
use crate::store::Store;

/// The longest name of a token, in bytes.
const MAX_NAME_BYTES: usize = 100;

/// The most tokens that are listed.
const MAX_TOKENS: i64 = 10_000;

impl Store {
    /// As [`Store::create_token_by`], by the server itself.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn create_token(
        &self,
        name: String,
        role: Role,
        hash: TokenHash,
        now: DateTime<Utc>,
    ) -> Result<TokenInfo, StoreError> {
        let by = Actor::new("server", AuditVia::Server);
        self.create_token_by(by, name, role, hash, now).await
    }

    /// Writes a new token's hash under its name.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if the name is taken, empty or too long.
    pub async fn create_token_by(
        &self,
        by: Actor,
        name: String,
        role: Role,
        hash: TokenHash,
        now: DateTime<Utc>,
    ) -> Result<TokenInfo, StoreError> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
            let why = format!("a name has 1 to {MAX_NAME_BYTES} bytes and no control characters");
            return Err(StoreError::conflict("token", why));
        }
        self.write(move |tx| {
            let added = tx
                .prepare_cached(
                    "INSERT INTO token (name, role, hash, created_at) VALUES (?1, ?2, ?3, ?4) \
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![name, role.as_str(), hash.as_str(), millis(now)])?;
            if added == 0 {
                return Err(StoreError::conflict("token", format!("the name {name} is taken")));
            }
            let (object, detail) = (format!("token:{name}"), format!("role {}", role.as_str()));
            note(tx, &by, AuditAction::TokenCreate, Some(object), Some(detail), now)?;
            Ok(TokenInfo { name, role, created_at: now })
        })
        .await
    }

    /// Every token, by name.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn tokens(&self) -> Result<Vec<TokenInfo>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT name, role, created_at FROM token ORDER BY name LIMIT ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([MAX_TOKENS], info)?;
            rows.map(|row| Ok(row?)).collect()
        })
        .await
    }

    /// Makes a token, and the sessions that it began, useless.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn revoke_token(
        &self,
        name: String,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            match tx.prepare_cached("DELETE FROM token WHERE name = ?1")?.execute([&name])? {
                0 => Err(StoreError::not_found("token", name)),
                _ => {
                    let object = Some(format!("token:{name}"));
                    note(tx, &by, AuditAction::TokenRevoke, object, None, now)
                }
            }
        })
        .await
    }

    /// The token with this hash, if it is not revoked. A hash of 256 random bits
    /// can be looked up by an index: how long that takes helps nobody to guess.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn find_token(&self, hash: TokenHash) -> Result<Option<TokenInfo>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT name, role, created_at FROM token WHERE hash = ?1";
            Ok(connection.prepare_cached(sql)?.query_row([hash.as_str()], info).optional()?)
        })
        .await
    }

    /// Writes down that a token was used.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn touch_token(&self, name: String, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.write(move |tx| {
            let sql = "UPDATE token SET used_at = max(coalesce(used_at, 0), ?2) WHERE name = ?1";
            match tx.prepare_cached(sql)?.execute(params![name, millis(now)])? {
                0 => Err(StoreError::not_found("token", name)),
                _ => Ok(()),
            }
        })
        .await
    }
}

fn info(row: &Row<'_>) -> rusqlite::Result<TokenInfo> {
    Ok(TokenInfo { name: row.get(0)?, role: row.word(1)?, created_at: row.time(2)? })
}
