//! Files that jobs left: what they are called, where they belong; not their bytes.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use solstice_api::agent::{MAX_ARTIFACT_PATH_BYTES, MAX_ARTIFACTS};
use solstice_api::user::Artifact;
use solstice_model::{AttemptId, HostName, JobId, JobName, Sha256Digest};

use crate::column::{Columns as _, millis, text};
use crate::error::StoreError;
use crate::lease::live;
use crate::store::Store;

/// The most files that one job is given of those that it needs.
const MAX_INPUTS: i64 = 100_000;

/// An artifact whose bytes are on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewArtifact {
    /// Its number, from 0, below [`MAX_ARTIFACTS`].
    pub index: u32,
    /// Its path from the source's root, or from `/` without that slash.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Sha256Digest,
}

/// A file that a job is given of one that it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// The job that left it.
    pub job: JobName,
    /// Its path, as the artifact's.
    pub path: String,
    /// The attempt that left it.
    pub attempt: AttemptId,
    /// Its number there.
    pub index: u32,
    /// Its size.
    pub bytes: u64,
}

impl Store {
    /// Notes an artifact of an attempt that is under way. One of the same number
    /// takes the place of what was noted before.
    ///
    /// # Errors
    ///
    /// [`StoreError::AttemptOver`] if the attempt is unknown, over or another
    /// host's; [`StoreError::Conflict`] if the number or the path is out of bounds.
    pub async fn note_artifact(
        &self,
        host: HostName,
        attempt: AttemptId,
        artifact: NewArtifact,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        check(&artifact)?;
        self.write(move |tx| {
            let info = live(tx, &host, attempt)?;
            tx.prepare_cached(
                "INSERT INTO artifact (attempt, position, path, bytes, sha256, stored_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (attempt, position) DO UPDATE SET \
                 path = excluded.path, bytes = excluded.bytes, sha256 = excluded.sha256, \
                 stored_at = excluded.stored_at",
            )?
            .execute(params![
                text(attempt),
                artifact.index,
                artifact.path,
                artifact.bytes,
                text(artifact.sha256),
                millis(now)
            ])?;
            tx.job_changed(info.job);
            Ok(())
        })
        .await
    }

    /// The artifacts of a job's last attempt, in order.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn artifacts(&self, job: JobId) -> Result<Vec<Artifact>, StoreError> {
        self.read(move |connection| {
            let Some(attempt) = last_attempt(connection, job)? else { return Ok(Vec::new()) };
            of_attempt(connection, attempt)
        })
        .await
    }

    /// The artifacts of any attempt, in order.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn artifacts_of(&self, attempt: AttemptId) -> Result<Vec<Artifact>, StoreError> {
        self.read(move |connection| of_attempt(connection, attempt)).await
    }

    /// One artifact of a job's last attempt.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn artifact(
        &self,
        job: JobId,
        index: u32,
    ) -> Result<(AttemptId, Artifact), StoreError> {
        self.read(move |connection| {
            let missing = || StoreError::not_found("artifact", index);
            let attempt = last_attempt(connection, job)?.ok_or_else(missing)?;
            let sql = format!("{ARTIFACT} WHERE attempt = ?1 AND position = ?2");
            let found = connection
                .prepare_cached(&sql)?
                .query_row(params![text(attempt), index], artifact)
                .optional()?;
            Ok((attempt, found.ok_or_else(missing)?))
        })
        .await
    }

    /// What an attempt is given: the artifacts that the last attempts of the jobs
    /// which its job needs have left and that were not removed, by job and number.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn inputs(&self, attempt: AttemptId) -> Result<Vec<InputFile>, StoreError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(INPUTS)?;
            let rows = statement.query_map(params![text(attempt), MAX_INPUTS], |row| {
                Ok(InputFile {
                    job: row.word(0)?,
                    path: row.get(1)?,
                    attempt: row.word(2)?,
                    index: row.get(3)?,
                    bytes: row.get(4)?,
                })
            })?;
            rows.map(|row| Ok(row?)).collect()
        })
        .await
    }
}

const ARTIFACT: &str = "SELECT position, path, bytes, sha256, artifacts_removed_at \
                        FROM artifact JOIN attempt ON attempt.id = artifact.attempt";

const INPUTS: &str = "SELECT needed.name, artifact.path, artifact.attempt, artifact.position, bytes \
     FROM attempt JOIN need ON need.job = attempt.job \
     JOIN job AS needed ON needed.id = need.needs \
     JOIN attempt AS last ON last.job = needed.id \
     JOIN artifact ON artifact.attempt = last.id \
     WHERE attempt.id = ?1 AND last.artifacts_removed_at IS NULL \
     AND last.number = (SELECT max(number) FROM attempt WHERE job = needed.id) \
     ORDER BY needed.position, artifact.position LIMIT ?2";

fn artifact(row: &Row<'_>) -> rusqlite::Result<Artifact> {
    Ok(Artifact {
        index: row.get(0)?,
        path: row.get(1)?,
        bytes: row.get(2)?,
        sha256: row.word(3)?,
        removed_at: row.maybe_time(4)?,
    })
}

fn of_attempt(connection: &Connection, attempt: AttemptId) -> Result<Vec<Artifact>, StoreError> {
    let sql = format!("{ARTIFACT} WHERE attempt = ?1 ORDER BY position");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([text(attempt)], artifact)?;
    rows.map(|row| Ok(row?)).collect()
}

/// The job's last attempt, if there was one.
fn last_attempt(connection: &Connection, job: JobId) -> Result<Option<AttemptId>, StoreError> {
    let sql = "SELECT (SELECT id FROM attempt WHERE attempt.job = job.id \
               ORDER BY number DESC LIMIT 1) FROM job WHERE id = ?1";
    connection
        .prepare_cached(sql)?
        .query_row([text(job)], |row| row.maybe_word(0))
        .optional()?
        .ok_or_else(|| StoreError::not_found("job", job))
}

/// A guest chose number and path.
fn check(artifact: &NewArtifact) -> Result<(), StoreError> {
    let bad = |why: String| Err(StoreError::conflict("artifact", why));
    if artifact.index >= MAX_ARTIFACTS {
        return bad(format!("an attempt has at most {MAX_ARTIFACTS}"));
    }
    let path = &artifact.path;
    if path.len() > MAX_ARTIFACT_PATH_BYTES {
        return bad(format!("its path is longer than {MAX_ARTIFACT_PATH_BYTES} bytes"));
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) || path.contains('\0') {
        return bad("no part of its path may be empty, . or .., or hold a NUL".to_owned());
    }
    Ok(())
}
