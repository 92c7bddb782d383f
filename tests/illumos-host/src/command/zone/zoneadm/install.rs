//! `zoneadm install` and `zoneadm uninstall`, with what the bhyve brand does then.
//!
//! Source: illumos-gate usr/src/cmd/zoneadm/zfs.c (#create_zfs_zonepath);
//! omniosorg/pkg5 src/brand/bhyve/{createzone,uninstall}, src/brand/ipkg/common.ksh.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};

use camino::{Utf8Path, Utf8PathBuf};

use super::super::config::Config;
use super::super::door::{self, Request};
use super::super::store::Stage;
use super::super::{not_simulated, strerror};
use super::{Administration, refused};
use crate::command::zfs;
use crate::{Reply, World, WorldError, state_dir};

/// What the brand makes below a zone's root.
const DIRECTORIES: [&str; 8] = ["dev", "etc", "usr", "sbin", "lib", "var/run", "tmp", "var/tmp"];

impl Administration<'_> {
    pub(super) fn install(&self) -> Result<Reply, WorldError> {
        let Some(config) = self.store.config(self.zone) else {
            return Ok(refused(self.zone, "Invalid document"));
        };
        if config.brand != "bhyve" {
            return Ok(not_simulated(&format!("installing a zone of the brand {}", config.brand)));
        }
        let warnings = match self.verify(true)?.into_passed() {
            Ok(warnings) => warnings,
            Err(reply) => return Ok(reply),
        };
        // This one may be waited for; the world's lock only for a moment.
        let _lock = match self.store.zone_lock(self.zone) {
            Ok(lock) => lock,
            Err(error) => return Ok(refused(self.zone, strerror(&error))),
        };
        let done = World::with(state_dir(), |world| self.install_locked(world, &config))?;
        let mut reply = done.unwrap_or_else(|error| refused(self.zone, strerror(&error)));
        reply.stderr = warnings + &reply.stderr;
        Ok(reply)
    }

    fn install_locked(&self, world: &mut World, config: &Config) -> io::Result<Reply> {
        if self.stage() != Stage::Configured {
            return Ok(refused(self.zone, "is already installed."));
        }
        let path = Utf8Path::new(&config.zonepath);
        let (mut reply, dataset) = make_path(world, path)?;
        self.store.set_stage(self.zone, Stage::Incomplete)?;
        if dataset.is_none() {
            reply.stderr += &format!("ERROR: Could not find parent dataset for {path}\n");
            reply.code = 1;
            return Ok(reply);
        }
        let uuid = self.store.entry(self.zone).map(|entry| entry.uuid).unwrap_or_default();
        fill(&Utf8PathBuf::from(config.root()), &uuid)?;
        self.store.set_stage(self.zone, Stage::Installed)?;
        Ok(reply)
    }

    pub(super) fn uninstall(&self) -> Result<Reply, WorldError> {
        match self.arguments {
            [] if rustix::termios::isatty(io::stdin()) => {
                return Ok(not_simulated("zoneadm's questions at a terminal"));
            }
            [] => {
                let text = "Input not from terminal and -F not specified: uninstall not done.";
                return Ok(refused(self.zone, text));
            }
            [force] if force == "-F" => {}
            words => return Ok(not_simulated(&format!("zoneadm uninstall {}", words.join(" ")))),
        }
        if door::is_open(self.store, self.zone) {
            // Only a notice for whoever is at the console.
            let _said =
                door::call(self.store, self.zone, Request::Uninstalling, &mut String::new());
        }
        let _lock = match self.store.zone_lock(self.zone) {
            Ok(lock) => lock,
            Err(error) => return Ok(refused(self.zone, strerror(&error))),
        };
        let done = World::with(state_dir(), |world| self.uninstall_locked(world))?;
        Ok(done.unwrap_or_else(|error| refused(self.zone, strerror(&error))))
    }

    fn uninstall_locked(&self, world: &mut World) -> io::Result<Reply> {
        let Some(entry) = self.store.entry(self.zone) else {
            return Ok(refused(self.zone, "No such zone configured"));
        };
        self.store.set_stage(self.zone, Stage::Incomplete)?;
        let path = Utf8Path::new(&entry.zonepath);
        if let Some(dataset) = zfs::dataset_mounted_at(world, path)
            && let Err(stderr) = zfs::destroy_tree(world, &dataset)
        {
            return Ok(Reply { stderr, code: 1, ..Reply::default() });
        }
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.store.set_stage(self.zone, Stage::Configured)?;
        Ok(Reply::ok())
    }
}

/// Makes a zone's path, a dataset of its own if one is mounted at its parent.
fn make_path(world: &mut World, path: &Utf8Path) -> io::Result<(Reply, Option<String>)> {
    let mut reply = Reply::ok();
    let mut dataset = zfs::dataset_mounted_at(world, path);
    let parent = path.parent().and_then(|parent| zfs::dataset_mounted_at(world, parent));
    if let (None, false, Some(parent)) = (&dataset, path.exists(), parent) {
        let name = format!("{parent}/{}", path.file_name().unwrap_or_default());
        match zfs::create_filesystem_for(world, &name) {
            Ok(()) => {
                reply.stdout += "A ZFS file system has been created for this zone.\n";
                dataset = Some(name);
            }
            // zoneadm goes on with a directory.
            Err(text) => reply.stderr += &text,
        }
    }
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mode = fs::metadata(path)?.permissions().mode() & 0o777;
            if mode != 0o700 && reply.stdout.is_empty() {
                reply.stdout += &format!("{path}: changing permissions to 0700.\n");
            }
        }
        made => made?,
    }
    fs::set_permissions(path, Permissions::from_mode(0o700))?;
    Ok((reply, dataset))
}

/// What the brand puts into a new zone.
fn fill(root: &Utf8Path, uuid: &str) -> io::Result<()> {
    for dir in DIRECTORIES {
        fs::create_dir_all(root.join(dir))?;
    }
    fs::set_permissions(root, Permissions::from_mode(0o755))?;
    fs::write(root.join("etc/passwd"), "root:x:0:0:Super-User:/root:/sbin/sh\n")?;
    fs::write(root.join("etc/uuid"), format!("{uuid}\n"))
}
