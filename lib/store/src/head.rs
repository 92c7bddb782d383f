//! Where refs were when they were last heard of, so that what no webhook told of is found.
//!
//! Branches and pull requests of repositories that have had runs. A delivery that
//! got its verdict tells of one ref, a look at the forge ([`Store::note_standing`])
//! of all. The first look at a repository finds nothing: nobody wants builds of
//! all of its old branches.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, params};
use solstice_api::user::DeliverySource;
use solstice_forge::{Event, MAX_STANDING, MergeGroup, PullRequest, Push, Repository, Standing};
use solstice_model::{CommitSha, DeliveryId, ForgeName, GitRef, RepoName, Sha256Digest};

use crate::column::{Columns as _, limit, millis};
use crate::delivery::{Packed, Row, insert};
use crate::error::StoreError;
use crate::store::Store;
use crate::view::MAX_PAGE;
use crate::writer::Tx;

/// The longest id of a delivery of our own that is readable, in bytes.
const MAX_FORGE_ID_BYTES: usize = 200;

impl Store {
    /// The repositories of a forge that have had a run since `active_since` and
    /// were not looked at since `looked_before`, the longest ago first.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn repositories_to_sweep(
        &self,
        forge: ForgeName,
        active_since: DateTime<Utc>,
        looked_before: DateTime<Utc>,
        at_most: usize,
    ) -> Result<Vec<RepoName>, StoreError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT name FROM repository WHERE forge = ?1 \
                 AND (swept_at IS NULL OR swept_at < ?3) \
                 AND EXISTS (SELECT 1 FROM run WHERE run.repository = repository.id \
                 AND run.created_at >= ?2) ORDER BY swept_at NULLS FIRST, id LIMIT ?4",
            )?;
            let page = params![
                forge.as_str(),
                millis(active_since),
                millis(looked_before),
                limit(at_most, MAX_PAGE)
            ];
            let rows = statement.query_map(page, |row| row.word(0))?;
            rows.map(|row| Ok(row?)).collect()
        })
        .await
    }

    /// When a repository of a forge was last looked at.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn last_sweep(&self, forge: ForgeName) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT max(swept_at) FROM repository WHERE forge = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_row([forge.as_str()], |row| row.maybe_time(0))?)
        })
        .await
    }

    /// Takes what a repository holds now: every ref that is new or elsewhere than
    /// when it was last heard of, or is gone while something runs for it, becomes a
    /// delivery of our own, in the same transaction. Gives those deliveries.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn note_standing(
        &self,
        forge: ForgeName,
        repository: RepoName,
        standing: Standing,
        now: DateTime<Utc>,
    ) -> Result<Vec<DeliveryId>, StoreError> {
        self.write(move |tx| {
            let (id, first) = repository_row(tx, &forge, &repository)?
                .ok_or_else(|| StoreError::not_found("repository", &repository))?;
            let known = known(tx, id)?;
            let mut taken = forget_the_gone(tx, id, &forge, &known, &standing, now)?;
            for event in events(standing, &known) {
                let Some(News::At(head)) = news(&event) else { continue };
                set_private(tx, id, head.repository.private)?;
                if head.before.as_ref() == Some(&head.commit) {
                    continue;
                }
                note(tx, id, head, now)?;
                if !first {
                    let what = format!("{}:{}", head.git_ref, head.commit);
                    taken.extend(take(tx, &forge, &repository, &what, &event, now)?);
                }
            }
            looked(tx, id, now)?;
            Ok(taken)
        })
        .await
    }

    /// Notes that a repository could not be looked at, so that others have their
    /// turn first. One that never was stays so.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn note_no_standing(
        &self,
        forge: ForgeName,
        repository: RepoName,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            if let Some((id, false)) = repository_row(tx, &forge, &repository)? {
                looked(tx, id, now)?;
            }
            Ok(())
        })
        .await
    }
}

/// What an event says of where a ref is.
enum News<'e> {
    /// There.
    At(&'e Push),
    /// Nowhere any more.
    Gone(&'e Repository, String),
}

impl News<'_> {
    fn repository(&self) -> &Repository {
        match self {
            News::At(push) => &push.repository,
            News::Gone(repository, _) => repository,
        }
    }
}

fn news(event: &Event) -> Option<News<'_>> {
    match event {
        // What no look at the forge tells of need not be remembered: tags.
        Event::Push(push) | Event::MergeGroup(MergeGroup { head: push, .. }) => {
            push.git_ref.branch().map(|_| News::At(push))
        }
        Event::PullRequest(told) => Some(News::At(&told.head)),
        Event::PullRequestClosed { repository, number, .. } => {
            Some(News::Gone(repository, format!("refs/pull/{number}/head")))
        }
        Event::RefDeleted { repository, git_ref, .. } => {
            Some(News::Gone(repository, git_ref.to_string()))
        }
        Event::CheckRequest(_) => None,
    }
}

/// Notes where an event says that a ref is, and what it says of the repository: one
/// that is private now is out of sight at once. Of a repository without runs
/// nothing is noted.
pub(crate) fn hear(
    tx: &Tx<'_>,
    forge: &ForgeName,
    event: &Event,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(news) = news(event) else { return Ok(()) };
    let repository = news.repository();
    let Some((id, _)) = repository_row(tx, forge, &repository.name)? else { return Ok(()) };
    // An event may be old. That it was public then does not show it to everybody now.
    if repository.private {
        set_private(tx, id, true)?;
    }
    match news {
        News::At(push) => note(tx, id, push, now),
        News::Gone(_, git_ref) => forget(tx, id, &git_ref),
    }
}

fn set_private(tx: &Tx<'_>, repository: i64, private: bool) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE repository SET private = ?2 WHERE id = ?1 AND private <> ?2")?
        .execute(params![repository, private])?;
    Ok(())
}

fn note(tx: &Tx<'_>, repository: i64, head: &Push, now: DateTime<Utc>) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO seen_head (repository, git_ref, commit_sha, seen_at) \
         VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET \
         commit_sha = excluded.commit_sha, seen_at = excluded.seen_at",
    )?
    .execute(params![repository, head.git_ref.as_str(), head.commit.as_str(), millis(now)])?;
    Ok(())
}

fn forget(tx: &Tx<'_>, repository: i64, git_ref: &str) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM seen_head WHERE repository = ?1 AND git_ref = ?2")?
        .execute(params![repository, git_ref])?;
    Ok(())
}

/// A repository's row, and whether it was never looked at.
fn repository_row(
    tx: &Tx<'_>,
    forge: &ForgeName,
    repository: &RepoName,
) -> Result<Option<(i64, bool)>, StoreError> {
    let sql = "SELECT id, swept_at IS NULL FROM repository WHERE forge = ?1 AND name = ?2";
    let mut statement = tx.prepare_cached(sql)?;
    let row = statement
        .query_row([forge.as_str(), repository.as_str()], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(row.optional()?)
}

fn looked(tx: &Tx<'_>, repository: i64, now: DateTime<Utc>) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE repository SET swept_at = ?2 WHERE id = ?1")?
        .execute(params![repository, millis(now)])?;
    Ok(())
}

fn known(tx: &Tx<'_>, repository: i64) -> Result<BTreeMap<GitRef, CommitSha>, StoreError> {
    let sql = "SELECT git_ref, commit_sha FROM seen_head WHERE repository = ?1";
    let mut statement = tx.prepare_cached(sql)?;
    let rows = statement.query_map([repository], |row| Ok((row.word(0)?, row.word(1)?)))?;
    rows.map(|row| Ok(row?)).collect()
}

/// Forgets the refs that are not there any more, and takes a delivery for each for
/// which something still runs. A list that may be cut does not say so of any.
fn forget_the_gone(
    tx: &Tx<'_>,
    id: i64,
    forge: &ForgeName,
    known: &BTreeMap<GitRef, CommitSha>,
    standing: &Standing,
    now: DateTime<Utc>,
) -> Result<Vec<DeliveryId>, StoreError> {
    let branches: BTreeSet<&GitRef> = standing.branches.iter().map(|it| &it.git_ref).collect();
    let pull_requests: BTreeSet<&GitRef> =
        standing.pull_requests.iter().map(|it| &it.head.git_ref).collect();
    let mut taken = Vec::new();
    for git_ref in known.keys() {
        let told = if git_ref.branch().is_some() { &branches } else { &pull_requests };
        if told.len() >= MAX_STANDING || told.contains(git_ref) {
            continue;
        }
        forget(tx, id, git_ref.as_str())?;
        if runs_for(tx, id, git_ref)? {
            let repository = repository(tx, id)?;
            let name = repository.name.clone();
            // The same ref may come and go again.
            let what = format!("{git_ref}:gone:{}", millis(now));
            taken.extend(take(tx, forge, &name, &what, &gone(git_ref, repository), now)?);
        }
    }
    Ok(taken)
}

/// Whether something is not over yet that runs for this ref.
fn runs_for(tx: &Tx<'_>, repository: i64, git_ref: &GitRef) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM run WHERE repository = ?1 AND git_ref = ?2 AND finished_at IS NULL";
    Ok(tx.prepare_cached(sql)?.exists(params![repository, git_ref.as_str()])?)
}

fn repository(tx: &Tx<'_>, id: i64) -> Result<Repository, StoreError> {
    let sql = "SELECT name, clone_url, html_url, private FROM repository WHERE id = ?1";
    Ok(tx.prepare_cached(sql)?.query_row([id], |row| {
        Ok(Repository {
            name: row.word(0)?,
            clone_url: row.word(1)?,
            html_url: row.word(2)?,
            private: row.get(3)?,
        })
    })?)
}

/// What the webhook would have told of a ref that is gone. Who did it, nobody knows.
fn gone(git_ref: &GitRef, repository: Repository) -> Event {
    let actor = "somebody".to_owned();
    let number = git_ref.as_str().strip_prefix("refs/pull/");
    let number = number.and_then(|rest| rest.strip_suffix("/head")?.parse().ok());
    match number {
        Some(number) => Event::PullRequestClosed { repository, number, actor },
        None => Event::RefDeleted { repository, git_ref: git_ref.clone(), actor },
    }
}

/// What the webhooks would have told, with where each ref was before.
fn events(standing: Standing, known: &BTreeMap<GitRef, CommitSha>) -> impl Iterator<Item = Event> {
    let before = |mut head: Push| {
        head.before = known.get(&head.git_ref).cloned();
        head
    };
    let branches = standing.branches.into_iter().take(MAX_STANDING);
    let pull_requests = standing.pull_requests.into_iter().take(MAX_STANDING);
    branches.map(move |push| Event::Push(before(push))).chain(
        pull_requests
            .map(move |told| Event::PullRequest(PullRequest { head: before(told.head), ..told })),
    )
}

/// Takes a delivery of our own; `None` if there was the same before.
fn take(
    tx: &Tx<'_>,
    forge: &ForgeName,
    repository: &RepoName,
    what: &str,
    event: &Event,
    now: DateTime<Utc>,
) -> Result<Option<DeliveryId>, StoreError> {
    let mut forge_id = format!("sweep:{repository}:{what}");
    if forge_id.len() > MAX_FORGE_ID_BYTES {
        forge_id = format!("sweep:{}", Sha256Digest::of(forge_id.as_bytes()).hex());
    }
    let body = serde_json::to_vec(event).expect("an event is plain data");
    let taken = insert(
        tx,
        &Row {
            forge,
            forge_id: &forge_id,
            event: "sweep",
            source: DeliverySource::Sweep,
            headers: &[],
            body: Packed::new(&body)?,
            received_at: now,
        },
    )?;
    Ok((!taken.repeat).then_some(taken.id))
}
