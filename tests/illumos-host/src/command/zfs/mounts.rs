//! File systems at their mountpoints: directories of the state, bound there.
//!
//! illumos-gate usr/src/lib/libzfs/common/libzfs_mount.c (`zfs_mount`,
//! `zfs_unmount`, `remove_mountpoint`).

use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::data::{self, DataError};
use super::session::{Done, Session};
use super::state::{Dataset, Kind, State};

impl State {
    /// The value of `mountpoint`, and the dataset where it was set, if anywhere.
    pub(super) fn mountpoint(&self, name: &str) -> (String, Option<String>) {
        let mut at = name;
        loop {
            if let Some(set) = self.datasets.get(at).and_then(|d| d.properties.get("mountpoint")) {
                let below = &name[at.len()..];
                let path = match set.as_str() {
                    "none" | "legacy" => set.clone(),
                    "/" if !below.is_empty() => below.to_owned(),
                    path => format!("{path}{below}"),
                };
                return (path, Some(at.to_owned()));
            }
            match at.rsplit_once('/') {
                Some((parent, _)) => at = parent,
                None => return (format!("/{name}"), None),
            }
        }
    }

    /// Where a file system is to be mounted by itself, if anywhere.
    pub(super) fn mounts_at(&self, name: &str) -> Option<Utf8PathBuf> {
        let dataset = self.datasets.get(name)?;
        let canmount = dataset.properties.get("canmount").is_none_or(|value| value == "on");
        let (path, _) = self.mountpoint(name);
        let mounts = dataset.kind == Kind::Filesystem && canmount && path.starts_with('/');
        mounts.then(|| path.into())
    }

    /// Where a file system is mounted now, if it is.
    pub(super) fn mounted_at(&self, dataset: &Dataset) -> Option<Utf8PathBuf> {
        if dataset.kind != Kind::Filesystem {
            return None;
        }
        let data = format!("/filesystems/{}", dataset.transaction);
        mount_table().into_iter().find(|(root, _)| root.ends_with(&data)).map(|(_, path)| path)
    }
}

/// What is mounted: the directory within its file system, and where.
/// proc_pid_mountinfo(5), Linux.
fn mount_table() -> Vec<(String, Utf8PathBuf)> {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let line = |line: &str| {
        let mut fields = line.split(' ').skip(3);
        Some((unescaped(fields.next()?), unescaped(fields.next()?).into()))
    };
    text.lines().filter_map(line).collect()
}

fn unescaped(field: &str) -> String {
    field.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
}

/// Binds a file system's directory at a mountpoint that is there.
pub(super) fn bind(dataset: &Dataset, at: &Utf8Path) -> Result<(), DataError> {
    let data = data::filesystem(dataset.transaction);
    fs::create_dir_all(&data).map_err(DataError::new("make", &data))?;
    let (source, target) = (data.as_std_path(), at.as_std_path());
    mount(Some(source), target, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .map_err(DataError::new("mount", at))
}

/// Mounts every file system that mounts by itself, what is above before what is below.
pub(super) fn mount_all(state: &State) -> Result<(), DataError> {
    let of = |name: &String| Some((state.mounts_at(name)?, name.clone()));
    let mut all: Vec<(Utf8PathBuf, String)> = state.datasets.keys().filter_map(of).collect();
    all.sort();
    for (path, name) in all {
        fs::create_dir_all(&path).map_err(DataError::new("make", &path))?;
        bind(&state.datasets[&name], &path)?;
    }
    Ok(())
}

impl Session<'_> {
    /// `zfs_mount`, if the file system mounts by itself.
    pub(super) fn mount(&mut self, name: &str) -> Done {
        let Some(path) = self.state.mounts_at(name) else { return Ok(()) };
        if !self.caller.has("sys_mount") {
            // Directories are root's here, so he cannot make one in another.
            return match path.exists() {
                true => self.not_simulated("mounting by an ordinary user on what is there"),
                false => self.fail(format!("cannot mount '{path}': failed to create mountpoint")),
            };
        }
        let made = fs::create_dir_all(&path).map_err(DataError::new("make", &path));
        self.data(made)?;
        let empty = fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_none());
        if !empty {
            return self.fail(format!("cannot mount '{path}': directory is not empty"));
        }
        let mounted = bind(&self.state.datasets[name], &path);
        self.data(mounted)
    }

    /// `zfs_unmount`, if it is mounted.
    pub(super) fn unmount(&mut self, name: &str, force: bool) -> Done {
        let dataset = &self.state.datasets[name];
        let Some(path) = self.state.mounted_at(dataset) else { return Ok(()) };
        if !self.caller.has("sys_mount") {
            return self.not_simulated("unmounting by an ordinary user");
        }
        let flags = if force { MntFlags::MNT_DETACH } else { MntFlags::empty() };
        match umount2(path.as_std_path(), flags) {
            Ok(()) => Ok(()),
            // As illumos' strerror(3C) has it.
            Err(nix::errno::Errno::EBUSY) => {
                self.fail(format!("cannot unmount '{path}': Device busy"))
            }
            Err(error) => {
                let failed = Err(DataError::new("unmount", &path)(io::Error::from(error)));
                self.data(failed)
            }
        }
    }
}
