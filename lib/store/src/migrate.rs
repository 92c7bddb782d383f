//! The schema's versions: numbered files that only go forward, each tried on a
//! populated database by the tests. `PRAGMA user_version` says how far a
//! database has come.

use rusqlite::{Connection, TransactionBehavior};

use crate::error::StoreError;

/// Every migration, in order; the first makes version 1. A file that has been
/// released is never edited again.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_pull_requests_reruns_artifacts.sql"),
    include_str!("../migrations/0003_approvals_annotations_ledger.sql"),
    include_str!("../migrations/0004_sight_audit.sql"),
];

/// Brings the schema up to date, each step in a transaction of its own.
pub(crate) fn up(connection: &mut Connection) -> Result<(), StoreError> {
    apply(connection, MIGRATIONS)
}

fn apply(connection: &mut Connection, migrations: &[&str]) -> Result<(), StoreError> {
    let found = version(connection)?;
    let known = u32::try_from(migrations.len()).expect("there are few migrations");
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    // A table that is made anew leaves those that refer to it hanging meanwhile; the
    // setting is of no effect inside a transaction.
    connection.pragma_update(None, "foreign_keys", false)?;
    for (number, migration) in (1..).zip(migrations).filter(|(number, _)| *number > found) {
        step(connection, number, migration)?;
    }
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(())
}

/// Says whether the schema is the one that this program knows.
pub(crate) fn check(connection: &Connection) -> Result<(), StoreError> {
    let found = version(connection)?;
    let known = u32::try_from(MIGRATIONS.len()).expect("there are few migrations");
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(StoreError::Newer { found, known }),
        std::cmp::Ordering::Less => {
            let why = format!("it has version {found}, and version {known} is needed");
            Err(StoreError::conflict("database", why))
        }
    }
}

fn version(connection: &Connection) -> Result<u32, StoreError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

fn step(connection: &mut Connection, number: u32, sql: &str) -> Result<(), StoreError> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(sql)?;
    if tx.prepare("PRAGMA foreign_key_check")?.exists([])? {
        let why = format!("version {number} would leave rows that refer to nothing");
        return Err(StoreError::Corrupt { why });
    }
    tx.pragma_update(None, "user_version", number)?;
    tx.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows as a program of each version wrote them; one entry per migration.
    const POPULATED: &[&str] = &[
        include_str!("../migrations/populated/0001.sql"),
        include_str!("../migrations/populated/0002.sql"),
        include_str!("../migrations/populated/0003.sql"),
        include_str!("../migrations/populated/0004.sql"),
    ];

    /// The tables, each with the version that brought it.
    const TABLES: [(&str, usize); 19] = [
        ("repository", 1),
        ("delivery", 1),
        ("run", 1),
        ("delivery_run", 1),
        ("job", 1),
        ("need", 1),
        ("attempt", 1),
        ("step", 1),
        ("event", 1),
        ("report", 1),
        ("host", 1),
        ("token", 1),
        ("artifact", 2),
        ("annotation", 3),
        ("seen_head", 3),
        ("image_use", 4),
        ("session", 4),
        ("audit", 4),
        ("request_key", 4),
    ];

    fn populated(version: usize) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        apply(&mut connection, &MIGRATIONS[..version]).unwrap();
        connection.execute_batch(&format!("BEGIN; {} COMMIT;", POPULATED[version - 1])).unwrap();
        connection
    }

    /// How many rows the tables of a version have.
    fn rows(connection: &Connection, version: usize) -> Vec<i64> {
        let count = |(table, _): &(&str, usize)| {
            let sql = format!("SELECT count(*) FROM {table}");
            connection.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        TABLES.iter().filter(|(_, since)| *since <= version).map(count).collect()
    }

    fn is_sound(connection: &Connection) {
        let check: String =
            connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
        let mut broken = connection.prepare("PRAGMA foreign_key_check").unwrap();
        assert!(!broken.exists([]).unwrap());
    }

    #[test]
    fn a_populated_database_of_each_version_comes_up_to_date() {
        assert_eq!(POPULATED.len(), MIGRATIONS.len(), "each version has its populated database");
        for version in 1..=MIGRATIONS.len() {
            let mut connection = populated(version);
            let before = rows(&connection, version);
            assert!(before.iter().all(|rows| *rows > 0), "every table has rows: {before:?}");
            up(&mut connection).unwrap();
            assert_eq!(rows(&connection, version), before);
            let sql = "SELECT 1 FROM run WHERE (outcome IS NULL) <> (finished_at IS NULL)";
            assert!(!connection.prepare(sql).unwrap().exists([]).unwrap(), "each end is told");
            is_sound(&connection);
        }
    }

    #[test]
    fn a_migration_runs_once_and_keeps_what_is_there() {
        let mut connection = populated(1);
        let before = rows(&connection, 1);
        let next = "ALTER TABLE host ADD COLUMN arch TEXT NOT NULL DEFAULT 'x86_64';";
        let migrations = [MIGRATIONS[0], next];
        apply(&mut connection, &migrations).unwrap();
        apply(&mut connection, &migrations).unwrap();
        assert_eq!(version(&connection).unwrap(), 2);
        assert_eq!(rows(&connection, 1), before);
        let older = apply(&mut connection, &migrations[..1]);
        assert!(matches!(older, Err(StoreError::Newer { found: 2, known: 1 })), "{older:?}");
    }

    #[test]
    fn of_two_reports_of_one_check_the_newer_run_s_is_kept() {
        let mut connection = populated(1);
        // The same commit at another ref, with the same workflow.
        let run = "01a1fc2b-ffff-7655-9c9c-6de3e832e150";
        connection
            .execute_batch(&format!(
                "INSERT INTO run SELECT '{run}', repository, event, 'refs/heads/next', commit_sha, \
                 title, actor, file, workflow, context, problem, created_at, finished_at \
                 FROM run WHERE problem IS NULL; \
                 INSERT INTO job SELECT 'x' || id, '{run}', position, name, runs_on, spec, state, \
                 data, queued_at, claimed_at, started_at, finished_at FROM job; \
                 INSERT INTO report (run, job, desired, desired_version, next_try_at) \
                 SELECT '{run}', 'x' || job, desired, 1, next_try_at FROM report \
                 WHERE job IS NOT NULL;"
            ))
            .unwrap();
        up(&mut connection).unwrap();
        is_sound(&connection);
        let kept: (i64, i64) = connection
            .query_row("SELECT count(*), sum(run = ?1) FROM report", [run], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(kept, (4, 3), "and the broken workflow's, which is not of the new ref");
        let open = "SELECT count(*) FROM report WHERE desired_version <= sent_version";
        let settled: i64 = connection.query_row(open, [], |row| row.get(0)).unwrap();
        assert_eq!(settled, 0, "what is to be shown now has not been sent");
    }

    #[test]
    fn a_migration_that_leaves_rows_hanging_is_undone() {
        let mut connection = populated(1);
        let broken = "DELETE FROM job;";
        let refused = apply(&mut connection, &[MIGRATIONS[0], broken]);
        assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
        assert_eq!(version(&connection).unwrap(), 1);
        is_sound(&connection);
    }

    #[test]
    fn a_migration_that_fails_leaves_the_version_before_it() {
        let mut connection = populated(1);
        let before = rows(&connection, 1);
        let broken = "DELETE FROM token; ALTER TABLE nowhere ADD COLUMN x TEXT;";
        assert!(apply(&mut connection, &[MIGRATIONS[0], broken]).is_err());
        assert_eq!(version(&connection).unwrap(), 1);
        assert_eq!(rows(&connection, 1), before);
    }
}
