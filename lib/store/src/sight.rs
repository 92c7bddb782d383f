//! What somebody may see: every repository, or the public ones and some more.
//!
//! A run or a job out of sight is told as one that never was, with the same
//! error, after the same one lookup. What somebody may see is known before the
//! lookup, so that the time of an answer says nothing either.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::{OptionalExtension as _, params};
use serde::Serialize;
use solstice_model::{ForgeName, JobId, RepoName, RunId};

use crate::column::{Columns as _, json, text};
use crate::error::StoreError;
use crate::store::Store;

/// The most private repositories that are told apart.
const MAX_PRIVATE: i64 = 5_000;

/// A repository's number in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RepositoryId(i64);

/// A repository that not everybody may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateRepository {
    /// Its number.
    pub id: RepositoryId,
    /// Where it is.
    pub forge: ForgeName,
    /// `owner/name`.
    pub name: RepoName,
}

/// What somebody may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sight {
    /// Every repository.
    #[default]
    Everything,
    /// The public repositories and these private ones.
    PublicAnd(Arc<BTreeSet<RepositoryId>>),
}

impl Sight {
    /// The public repositories.
    pub fn public() -> Self {
        Self::PublicAnd(Arc::default())
    }

    /// An SQL condition on a joined table `repository`; `parameter` is bound to
    /// [`Sight::parameter`].
    pub(crate) fn condition(parameter: &str) -> String {
        format!(
            "({parameter} IS NULL OR repository.private = 0 \
             OR repository.id IN (SELECT value FROM json_each({parameter})))"
        )
    }

    /// The numbers of the private ones as JSON; NULL for everything.
    pub(crate) fn parameter(&self) -> Option<String> {
        match self {
            Sight::Everything => None,
            Sight::PublicAnd(some) => Some(json(some.as_ref())),
        }
    }
}

impl Store {
    /// Says whether a run may be seen.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] if it may not, or is not there.
    pub async fn see_run(&self, run: RunId, sight: &Sight) -> Result<(), StoreError> {
        let sql = "SELECT 1 FROM run JOIN repository ON repository.id = run.repository \
                   WHERE run.id = ?1 AND";
        match self.sees(sql, text(run), sight).await? {
            true => Ok(()),
            false => Err(StoreError::not_found("run", run)),
        }
    }

    /// Says whether a job may be seen.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] if it may not, or is not there.
    pub async fn see_job(&self, job: JobId, sight: &Sight) -> Result<(), StoreError> {
        let sql = "SELECT 1 FROM job JOIN run ON run.id = job.run \
                   JOIN repository ON repository.id = run.repository WHERE job.id = ?1 AND";
        match self.sees(sql, text(job), sight).await? {
            true => Ok(()),
            false => Err(StoreError::not_found("job", job)),
        }
    }

    async fn sees(&self, sql: &'static str, id: String, sight: &Sight) -> Result<bool, StoreError> {
        let sight = sight.parameter();
        self.read(move |connection| {
            let sql = format!("{sql} {}", Sight::condition("?2"));
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_row(params![id, sight], |_| Ok(())).optional()?.is_some())
        })
        .await
    }

    /// The repositories that not everybody may see, by number.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn private_repositories(&self) -> Result<Vec<PrivateRepository>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT id, forge, name FROM repository WHERE private = 1 \
                       ORDER BY id LIMIT ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([MAX_PRIVATE], |row| {
                Ok(PrivateRepository {
                    id: RepositoryId(row.get(0)?),
                    forge: row.word(1)?,
                    name: row.word(2)?,
                })
            })?;
            rows.map(|row| Ok(row?)).collect()
        })
        .await
    }
}
