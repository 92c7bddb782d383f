//! Hosts: what they said of themselves when they were last heard.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use solstice_api::host::{HostImage, Phase};
use solstice_api::user::{AuditAction, Host, Image};
use solstice_model::{HostName, JobId, Label, SizeName};

use crate::audit::{Actor, note};
use crate::column::{Columns as _, json, millis};
use crate::error::StoreError;
use crate::image;
use crate::store::Store;

/// The most labels of one host that are kept.
const MAX_LABELS: usize = 256;

/// The most sizes of machine of one host that are kept.
const MAX_SIZES: usize = 64;

/// The most golden images of one host that are kept.
const MAX_IMAGES: usize = 256;

/// The most hosts that are listed.
const MAX_HOSTS: i64 = 1024;

/// Of how many machines of a host the phases are told.
const MAX_MACHINES: i64 = 20;

/// What a host says of itself.
#[derive(Clone, Debug, Default)]
pub struct HostNote {
    /// The labels that it offers.
    pub labels: Vec<Label>,
    /// How many more machines it has room for.
    pub room: u32,
    /// The sizes of machine that it can make.
    pub sizes: Vec<SizeName>,
    /// The golden images that it has.
    pub images: Vec<HostImage>,
}

/// How long the last machines of a host took to come up, in the mean.
#[derive(Clone, Debug)]
pub struct HostPhases {
    /// The host.
    pub host: HostName,
    /// Of how many machines.
    pub machines: usize,
    /// Where the time went.
    pub phases: Vec<Phase>,
}

impl Store {
    /// Writes down what a host reported.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn note_host(
        &self,
        name: HostName,
        note: HostNote,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let HostNote { mut labels, room, mut sizes, mut images } = note;
        labels.sort();
        labels.dedup();
        labels.truncate(MAX_LABELS);
        sizes.sort();
        sizes.dedup();
        sizes.truncate(MAX_SIZES);
        images.sort_by(|a, b| a.name.cmp(&b.name));
        images.dedup_by(|a, b| a.name == b.name);
        images.truncate(MAX_IMAGES);
        self.write(move |tx| {
            image::seen(tx, &name, &images, now)?;
            tx.prepare_cached(
                "INSERT INTO host (name, labels, room, seen_at, sizes, images) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                 ON CONFLICT (name) DO UPDATE SET labels = excluded.labels, \
                 room = excluded.room, sizes = excluded.sizes, images = excluded.images, \
                 seen_at = max(seen_at, excluded.seen_at)",
            )?
            .execute(params![
                name.as_str(),
                json(&labels),
                room,
                millis(now),
                json(&sizes),
                json(&images)
            ])?;
            Ok(())
        })
        .await
    }

    /// Lets a host drain, or take jobs again; gives what is known of it.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn set_draining(
        &self,
        name: HostName,
        draining: bool,
        by: impl Into<Actor>,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Host, StoreError> {
        let by = by.into();
        self.write(move |tx| {
            tx.prepare_cached("UPDATE host SET draining = ?2 WHERE name = ?1")?
                .execute(params![name.as_str(), draining])?;
            // It may have jobs to take now.
            tx.changed();
            let found = hosts(tx, Some(&name), now, lease)?.pop();
            let found = found.ok_or_else(|| StoreError::not_found("host", &name))?;
            let action = if draining { AuditAction::HostDrain } else { AuditAction::HostResume };
            note(tx, &by, action, Some(format!("host:{name}")), None, now)?;
            Ok(found)
        })
        .await
    }

    /// Every host that ever reported, by name. Those that did so within `lease`
    /// are online.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn hosts(
        &self,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Vec<Host>, StoreError> {
        self.read(move |connection| hosts(connection, None, now, lease)).await
    }

    /// How long the last machines of each host took to come up, in the mean; of
    /// hosts that have made some.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn host_phases(&self) -> Result<Vec<HostPhases>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT name, (SELECT json_group_array(json(phases)) FROM \
                       (SELECT phases FROM attempt WHERE host = host.name \
                       AND running_at IS NOT NULL ORDER BY id DESC LIMIT ?1)) \
                       FROM host ORDER BY name LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([MAX_MACHINES, MAX_HOSTS], |row| {
                Ok((row.word(0)?, row.data::<Vec<Vec<Phase>>>(1)?))
            })?;
            let mut found = Vec::new();
            for row in rows {
                let (host, attempts) = row?;
                let machines = attempts.len();
                found.push(HostPhases { host, machines, phases: means(attempts) });
            }
            Ok(found)
        })
        .await
    }

    /// The golden images of all hosts, by name, and who has them. One whose hosts
    /// do not agree on its digest or its labels is there more than once.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn images(&self) -> Result<Vec<Image>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT name, images FROM host ORDER BY name LIMIT ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([MAX_HOSTS], |row| Ok((row.word(0)?, row.data(1)?)))?;
            let mut found: Vec<Image> = Vec::new();
            for row in rows {
                let (host, images): (HostName, Vec<HostImage>) = row?;
                for image in images {
                    match found.iter_mut().find(|known| known.image == image) {
                        Some(known) => known.hosts.push(host.clone()),
                        None => found.push(Image { image, hosts: vec![host.clone()] }),
                    }
                }
            }
            found.sort_by(|a, b| a.image.name.cmp(&b.image.name));
            Ok(found)
        })
        .await
    }
}

pub(crate) fn hosts(
    connection: &Connection,
    name: Option<&HostName>,
    now: DateTime<Utc>,
    lease: Duration,
) -> Result<Vec<Host>, StoreError> {
    let sql = "SELECT name, labels, room, seen_at, draining, sizes, images FROM host \
               WHERE ?1 IS NULL OR name = ?1 ORDER BY name LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let name = name.map(HostName::as_str);
    let rows = statement.query_map(params![name, MAX_HOSTS], |row| {
        let seen_at = row.time(3)?;
        Ok(Host {
            name: row.word(0)?,
            labels: row.data(1)?,
            room: row.get(2)?,
            seen_at,
            jobs: Vec::new(),
            draining: row.get(4)?,
            online: seen_at + lease >= now,
            sizes: row.data(5)?,
            images: row.data(6)?,
        })
    })?;
    let mut hosts: Vec<Host> = rows.collect::<Result<_, _>>()?;
    let mut jobs = jobs(connection)?;
    for host in &mut hosts {
        host.jobs = jobs.remove(&host.name).unwrap_or_default();
    }
    Ok(hosts)
}

/// What hosts work on: one query, however many they are.
fn jobs(connection: &Connection) -> Result<HashMap<HostName, Vec<JobId>>, StoreError> {
    let sql = "SELECT host, job FROM attempt WHERE ended_at IS NULL ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| Ok((row.word(0)?, row.word(1)?)))?;
    let mut jobs: HashMap<HostName, Vec<JobId>> = HashMap::new();
    for row in rows {
        let (host, job) = row?;
        jobs.entry(host).or_default().push(job);
    }
    Ok(jobs)
}

/// The means of the phases, in the order in which they were first told.
fn means(attempts: Vec<Vec<Phase>>) -> Vec<Phase> {
    let mut sums: Vec<(Phase, u64)> = Vec::new();
    for phase in attempts.into_iter().flatten() {
        match sums.iter_mut().find(|(known, _)| known.name == phase.name) {
            Some((sum, times)) => {
                sum.took_ms = sum.took_ms.saturating_add(phase.took_ms);
                *times += 1;
            }
            None => sums.push((phase, 1)),
        }
    }
    let mean = |(sum, times): (Phase, u64)| Phase { took_ms: sum.took_ms / times, ..sum };
    sums.into_iter().map(mean).collect()
}
