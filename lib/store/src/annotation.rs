//! Remarks on places in the source: found once for each attempt that is over.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use solstice_model::annotation::MAX_ANNOTATIONS;
use solstice_model::{
    Annotation, AnnotationCounts, AttemptId, JobId, JobName, JobSpec, RepoName, RunId,
};

use crate::column::{Columns as _, json, limit, millis, text};
use crate::describe::JobView;
use crate::error::StoreError;
use crate::report;
use crate::store::Store;
use crate::transition::{load, run_view};
use crate::view::MAX_PAGE;
use crate::writer::Tx;

/// An attempt that is over and was not looked through yet.
#[derive(Clone, Debug, PartialEq)]
pub struct UnannotatedAttempt {
    /// Its id.
    pub id: AttemptId,
    /// The job.
    pub job: JobId,
    /// What it was to do.
    pub spec: JobSpec,
    /// The repository.
    pub repository: RepoName,
}

/// The most annotations of one attempt that a run's list looks at.
const MAX_OF_ATTEMPT: i64 = 200;

/// A remark on a place in the source, by one of a run's jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunAnnotation {
    /// The job.
    pub job: JobId,
    /// Its name.
    pub name: JobName,
    /// The remark.
    pub annotation: Annotation,
}

impl Store {
    /// What tools had to say in the last attempts of a run's jobs, the worst first,
    /// at most so much of it.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn run_annotations(
        &self,
        run: RunId,
        at_most: usize,
    ) -> Result<Vec<RunAnnotation>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT path, line, end_line, \"column\", level, title, message, job.id, \
                       job.name FROM job JOIN attempt ON attempt.job = job.id \
                       JOIN annotation ON annotation.attempt = attempt.id \
                       WHERE job.run = ?1 AND job.replaced_by IS NULL AND attempt.number = \
                       (SELECT max(number) FROM attempt WHERE attempt.job = job.id) \
                       AND annotation.position < ?2 ORDER BY \
                       CASE level WHEN 'failure' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, \
                       job.position, annotation.position LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            let page = params![text(run), MAX_OF_ATTEMPT, limit(at_most, MAX_PAGE)];
            let rows = statement.query_map(page, |row| {
                Ok(RunAnnotation {
                    job: row.word(7)?,
                    name: row.word(8)?,
                    annotation: annotation(row)?,
                })
            })?;
            rows.map(|row| Ok(row?)).collect()
        })
        .await
    }

    /// Attempts that are over and not annotated, those that ended first in front.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn unannotated_attempts(
        &self,
        at_most: usize,
    ) -> Result<Vec<UnannotatedAttempt>, StoreError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT attempt.id, job.id, job.spec, repository.name FROM attempt \
                 JOIN job ON job.id = attempt.job \
                 JOIN repository ON repository.id = job.repository \
                 WHERE ended_at IS NOT NULL AND annotated_at IS NULL ORDER BY ended_at LIMIT ?1",
            )?;
            let rows = statement.query_map([limit(at_most, MAX_PAGE)], |row| {
                Ok(UnannotatedAttempt {
                    id: row.word(0)?,
                    job: row.word(1)?,
                    spec: row.data(2)?,
                    repository: row.word(3)?,
                })
            })?;
            rows.map(|row| Ok(row?)).collect()
        })
        .await
    }

    /// Notes what was found in all that an attempt left, in this order; `omitted`
    /// is how much more there was. If it is the job's last attempt and there is
    /// anything, the job's check is told again. An attempt that is annotated stays
    /// as it is; says whether this was the first time.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] if there are more than
    /// [`MAX_ANNOTATIONS`] or the attempt is not over.
    pub async fn annotate(
        &self,
        attempt: AttemptId,
        annotations: Vec<Annotation>,
        omitted: u32,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        if annotations.len() > MAX_ANNOTATIONS {
            let why = format!("an attempt has at most {MAX_ANNOTATIONS}");
            return Err(StoreError::conflict("annotations", why));
        }
        self.write(move |tx| annotate(tx, attempt, &annotations, omitted, now)).await
    }

    /// What tools had to say in an attempt, in the order in which it was found,
    /// and how much more there was than is kept.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn annotations(
        &self,
        attempt: AttemptId,
    ) -> Result<(Vec<Annotation>, u32), StoreError> {
        self.read(move |connection| {
            let omitted = connection
                .prepare_cached("SELECT annotations_omitted FROM attempt WHERE id = ?1")?
                .query_row([text(attempt)], |row| row.get(0))
                .optional()?
                .ok_or_else(|| StoreError::not_found("attempt", attempt))?;
            let mut statement = connection.prepare_cached(
                "SELECT path, line, end_line, \"column\", level, title, message FROM annotation \
                 WHERE attempt = ?1 ORDER BY position",
            )?;
            let rows = statement.query_map([text(attempt)], annotation)?;
            let annotations: Vec<Annotation> = rows.collect::<Result<_, _>>()?;
            Ok((annotations, omitted))
        })
        .await
    }
}

/// Reads a row that begins with these columns: path, line, end_line, column, level,
/// title, message.
pub(crate) fn annotation(row: &Row<'_>) -> rusqlite::Result<Annotation> {
    Ok(Annotation {
        path: row.get(0)?,
        line: row.get(1)?,
        end_line: row.get(2)?,
        column: row.get(3)?,
        level: row.kind(4)?,
        title: row.get(5)?,
        message: row.get(6)?,
    })
}

fn annotate(
    tx: &Tx<'_>,
    attempt: AttemptId,
    annotations: &[Annotation],
    omitted: u32,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let (job, over, annotated): (JobId, bool, bool) = tx
        .prepare_cached(
            "SELECT job, ended_at IS NOT NULL, annotated_at IS NOT NULL FROM attempt WHERE id = ?1",
        )?
        .query_row([text(attempt)], |row| Ok((row.word(0)?, row.get(1)?, row.get(2)?)))
        .optional()?
        .ok_or_else(|| StoreError::not_found("attempt", attempt))?;
    if !over {
        return Err(StoreError::conflict("attempt", format!("{attempt} is not over")));
    }
    if annotated {
        return Ok(false);
    }
    insert(tx, attempt, annotations)?;
    let counts = AnnotationCounts::of(annotations);
    tx.prepare_cached(
        "UPDATE attempt SET annotated_at = ?2, annotations_omitted = ?3, annotation_counts = ?4 \
         WHERE id = ?1",
    )?
    .execute(params![text(attempt), millis(now), omitted, json(&counts)])?;
    if !annotations.is_empty() {
        tell_again(tx, attempt, job, counts, now)?;
        tx.job_changed(job);
    }
    Ok(true)
}

fn insert(tx: &Tx<'_>, attempt: AttemptId, annotations: &[Annotation]) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO annotation (attempt, position, path, line, end_line, \"column\", level, \
         title, message) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for (position, one) in (0_i64..).zip(annotations) {
        statement.execute(params![
            text(attempt),
            position,
            one.path,
            one.line,
            one.end_line,
            one.column,
            one.level.name(),
            one.title,
            one.message
        ])?;
    }
    Ok(())
}

/// Makes the check due once more, if the job is over and this was its last attempt.
fn tell_again(
    tx: &Tx<'_>,
    attempt: AttemptId,
    job: JobId,
    annotations: AnnotationCounts,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let loaded = load(tx, job)?;
    if !loaded.state.is_finished() || !is_last(tx, attempt)? {
        return Ok(());
    }
    let view = JobView {
        id: job,
        spec: &loaded.spec,
        state: &loaded.state,
        attempts: loaded.attempts,
        step: None,
        annotations,
    };
    let wish = tx.describe.job(&run_view(tx, loaded.run)?, &view);
    report::wish_anew(tx, job, &wish, now)
}

/// Whether no attempt of its job began later.
fn is_last(connection: &Connection, attempt: AttemptId) -> Result<bool, StoreError> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM attempt AS later WHERE later.job = attempt.job \
               AND later.number > attempt.number) FROM attempt WHERE id = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([text(attempt)], |row| row.get(0))?)
}
