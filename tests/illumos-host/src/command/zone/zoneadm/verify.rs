//! Whether a configuration can be had on this host.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;

use camino::{Utf8Path, Utf8PathBuf};

use super::super::config::{Config, Kind};
use super::super::store::Stage;
use super::super::strerror;
use super::Administration;
use crate::command::links::Class;
use crate::{Reply, World, WorldError, state_dir};

/// What verification found.
pub(super) struct Verified {
    /// With what it prints, warnings too.
    pub(super) reply: Reply,
}

impl Verified {
    /// The warnings, if there was nothing else.
    pub(super) fn into_passed(self) -> Result<String, Reply> {
        if self.reply.code == 0 { Ok(self.reply.stderr) } else { Err(self.reply) }
    }
}

impl Administration<'_> {
    pub(super) fn verified(&self) -> Result<Reply, WorldError> {
        Ok(self.verify(true)?.reply)
    }

    /// Verifies the zone. `may_be_absent`: whether its path need not be there yet.
    pub(super) fn verify(&self, may_be_absent: bool) -> Result<Verified, WorldError> {
        let zone = self.zone;
        let mut reply = Reply::ok();
        let Some(config) = self.store.config(zone) else {
            let text = format!("zoneadm: {zone}: Invalid document");
            return Ok(Verified { reply: Reply::fail(1, text) });
        };
        let path = Utf8Path::new(&config.zonepath);
        if let Err(text) = self.verify_path(path, may_be_absent) {
            reply.stderr +=
                &format!("{text}\ncould not verify zonepath {path} because of the above errors.\n");
            reply.code = 1;
        }
        for fs in config.of_kind(Kind::Fs) {
            let (dir, special) = (fs.get("dir"), fs.get("special"));
            if let Err(error) = fs::metadata(special) {
                let reason = strerror(&error);
                reply.stderr +=
                    &format!("could not verify fs {dir}: could not access {special}: {reason}\n");
                reply.code = 1;
            }
        }
        reply.stderr += &World::with(state_dir(), |world| warnings(world, &config))?;
        if reply.code != 0 {
            reply.stderr += &format!("zoneadm: zone {zone} failed to verify\n");
        }
        Ok(Verified { reply })
    }

    fn verify_path(&self, path: &Utf8Path, may_be_absent: bool) -> Result<(), String> {
        let reason =
            |path: &Utf8Path, error: &io::Error| format!("zoneadm: {path}: {}", strerror(error));
        match resolved(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && may_be_absent => {}
            Err(error) => return Err(reason(path, &error)),
            Ok(true) => {}
            Ok(false) => return Err(format!("zoneadm: {path}: Resolved path mismatch")),
        }
        let parent = path.parent().unwrap_or(path);
        match resolved(parent) {
            Err(error) => return Err(reason(parent, &error)),
            Ok(true) => {}
            Ok(false) => return Err(format!("zoneadm: {parent}: Resolved path mismatch")),
        }
        let found = fs::metadata(parent).map_err(|error| reason(parent, &error))?;
        owned_by_root_alone(parent, &found)?;
        self.overlap(path)
    }

    /// Whether another installed zone is above or below.
    fn overlap(&self, path: &Utf8Path) -> Result<(), String> {
        for entry in self.store.entries() {
            let other = Utf8PathBuf::from(&entry.zonepath);
            let apart = !path.starts_with(&other) && !other.starts_with(path);
            if entry.name != self.zone && entry.stage != Stage::Configured && !apart {
                return Err(format!(
                    "{} zonepath ({path}) and {} zonepath ({other}) overlap.",
                    self.zone, entry.name
                ));
            }
        }
        Ok(())
    }
}

/// Whether a path is there without a symbolic link on the way.
fn resolved(path: &Utf8Path) -> io::Result<bool> {
    Ok(path.canonicalize_utf8()? == path)
}

fn owned_by_root_alone(path: &Utf8Path, found: &Metadata) -> Result<(), String> {
    let problems = [
        (!found.is_dir(), "is not a directory."),
        (found.uid() != 0, "must be owned by root."),
        (found.mode() & 0o200 == 0, "must be owner writable."),
        (found.mode() & 0o020 != 0, "must not be group writable."),
        (found.mode() & 0o002 != 0, "must not be world writable."),
    ];
    let found: Vec<String> = problems
        .iter()
        .filter(|(wrong, _)| *wrong)
        .map(|(_, text)| format!("{path} {text}"))
        .collect();
    if found.is_empty() { Ok(()) } else { Err(found.join("\n")) }
}

/// What may keep the zone from booting, but not from anything else.
fn warnings(world: &World, config: &Config) -> String {
    let mut text = String::new();
    for link in config.links() {
        let known = world.links.active(link).ok();
        let known = known.filter(|link| matches!(link.class, Class::Vnic { .. }));
        let problem = match known.map(|link| link.zone.as_deref()) {
            None => ": object not found".to_owned(),
            Some(Some(zone)) if zone != config.name => {
                format!(" which is used by the non-global zone '{zone}'.")
            }
            Some(_) if world.links.plumbed(link) => " which is used in the global zone.".to_owned(),
            Some(_) => continue,
        };
        text += &format!("WARNING: skipping network interface '{link}'{problem}\n");
    }
    text
}
