//! `zfs set`, `zfs inherit`, `zfs rename`, `zfs promote`.
//!
//! omniosorg/illumos-omnios usr/src/cmd/zfs/zfs_main.c (`zfs_do_set`,
//! `zfs_do_inherit`, `zfs_do_rename`, `zfs_do_promote`); illumos-gate
//! usr/src/lib/libzfs/common/libzfs_dataset.c (`zfs_prop_set_list`,
//! `zfs_prop_inherit`, `zfs_rename`, `zfs_promote`),
//! usr/src/uts/common/fs/zfs/zfs_ioctl.c (`zfs_secpolicy_*`).

use std::collections::BTreeSet;

use super::data;
use super::name::{Expected, user_property};
use super::property::{self, Form};
use super::session::{Done, End, Session};
use super::settings::{For, Settings, letter};
use super::state::{Kind, is_below};

/// `zfs set PROPERTY=VALUE … DATASET …`.
pub(super) fn set(session: &mut Session<'_>, arguments: &[String]) -> Done {
    if let Some(option) = arguments.first().and_then(|first| first.strip_prefix('-')) {
        return session
            .usage(format!("invalid option '{}'", option.chars().next().unwrap_or('\0')));
    }
    let first = match arguments {
        [] => return session.usage("missing arguments"),
        [only] if !only.contains('=') => {
            return session.usage("missing property=value argument(s)");
        }
        [_] => return session.usage("missing dataset name(s)"),
        _ => arguments.iter().position(|argument| !argument.contains('=')),
    };
    let Some(first) = first else { return session.usage("missing dataset name(s)") };
    let (settings, names) = arguments.split_at(first);
    if names.iter().any(|name| name.contains('=')) {
        return session.usage("invalid argument order");
    }
    let settings = session.parse_settings(settings.iter().map(String::as_str), 255)?;
    let mut ended = Ok(());
    for name in opened(session, names, &mut ended) {
        keep_worst(&mut ended, set_one(session, &name, &settings));
    }
    ended
}

/// The names that can be opened, in the order in which they are worked on.
fn opened(session: &mut Session<'_>, names: &[String], ended: &mut Done) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in names {
        match session.open(name, Expected::Any) {
            Ok(()) => drop(found.insert(name.clone())),
            Err(end) => keep_worst(ended, Err(end)),
        }
    }
    found
}

fn keep_worst(ended: &mut Done, this: Done) {
    if let Err(End::Code(code)) = this
        && ended.as_ref().map_or_else(|End::Code(worst)| code > *worst, |()| true)
    {
        *ended = this;
    }
}

fn set_one(session: &mut Session<'_>, name: &str, settings: &Settings) -> Done {
    let what = format!("cannot set property for '{name}'");
    let dataset = session.state.datasets.get(name);
    let kind = dataset.map_or('s', |dataset| letter(dataset.kind));
    let volume = dataset.filter(|dataset| dataset.kind == Kind::Volume);
    let volume = volume.map(|volume| (volume.volsize, volume.volblocksize));
    let settings = session.check_settings(settings, For { kind, volume, what: &what })?;
    if !session.may_set(name, settings.keys().map(String::as_str)) {
        return session.fail(format!("{what}: permission denied"));
    }
    if let Some((dataset, snapshot)) = name.split_once('@') {
        let found = session.state.snapshot_mut(dataset, snapshot).expect("it was opened");
        found.properties.extend(settings);
        return Ok(());
    }
    let moves = settings.contains_key("mountpoint") || settings.contains_key("canmount");
    if moves && !session.state.children(name).is_empty() {
        return session.not_simulated("moving file systems with something below them");
    }
    if moves {
        session.unmount(name, false)?;
    }
    if let Err(why) = session.apply(name, settings) {
        return session.fail(format!("{what}: {why}"));
    }
    if moves { session.mount(name) } else { Ok(()) }
}

/// `zfs inherit PROPERTY DATASET …`.
pub(super) fn inherit(session: &mut Session<'_>, arguments: &[String]) -> Done {
    let given = session.options(arguments, "rS", None)?;
    let (property, names) = match given.operands {
        [] => return session.usage("missing property argument"),
        [_] => return session.usage("missing dataset argument"),
        [property, names @ ..] => (property.as_str(), names),
    };
    if given.has('r') || given.has('S') {
        return session.not_simulated("zfs inherit with options");
    }
    if let Some(found) = property::find(property) {
        if found.readonly() {
            return session.fail(format!("{property} property is read-only"));
        }
        if !found.inherits() {
            session.complain(format!("'{property}' property cannot be inherited"));
            if found.form == Form::Bytes {
                session.complain(format!("use 'zfs set {property}=none' to clear"));
                session.complain(format!(
                    "use 'zfs inherit -S {property}' to revert to received value"
                ));
            }
            return Err(End::Code(1));
        }
        if found.form == Form::Path {
            return session.not_simulated("inheriting a mountpoint");
        }
    } else if !user_property(property) {
        return session.usage(format!("invalid property '{property}'"));
    }
    let mut ended = Ok(());
    for name in opened(session, names, &mut ended) {
        keep_worst(&mut ended, inherit_one(session, &name, property));
    }
    ended
}

fn inherit_one(session: &mut Session<'_>, name: &str, property: &str) -> Done {
    if !session.may_set(name, [property]) {
        return session.fail(format!("cannot inherit {property} for '{name}': permission denied"));
    }
    let properties = match name.split_once('@') {
        Some((dataset, snapshot)) => {
            &mut session.state.snapshot_mut(dataset, snapshot).expect("it was opened").properties
        }
        None => &mut session.state.datasets.get_mut(name).expect("it was opened").properties,
    };
    properties.remove(property::find(property).map_or(property, |found| found.name));
    Ok(())
}

/// `zfs rename [-f] VOLUME VOLUME`.
pub(super) fn rename(session: &mut Session<'_>, arguments: &[String]) -> Done {
    let given = session.options(arguments, "prf", None)?;
    let (from, to) = match given.operands {
        [] => return session.usage("missing source dataset argument"),
        [_] => return session.usage("missing target dataset argument"),
        [from, to] => (from.as_str(), to.as_str()),
        _ => return session.usage("too many arguments"),
    };
    if given.has('r') && given.has('p') {
        return session.usage("-p and -r options are mutually exclusive");
    }
    if given.has('r') && !from.contains('@') {
        return session.usage("source dataset for recursive rename must be a snapshot");
    }
    session.open(from, Expected::Any)?;
    let volume = session.state.datasets.get(from).is_some_and(|d| d.kind == Kind::Volume);
    if !volume || given.has('r') || given.has('p') {
        return session.not_simulated("renaming anything but one volume");
    }
    if from == to {
        return Ok(());
    }
    let what = format!("cannot rename to '{to}'");
    session.check_new(to, Expected::Dataset, &what)?;
    session.check_parent(to)?;
    if from.split('/').next() != to.split('/').next() {
        return session.fail(format!("{what}: datasets must be within same pool"));
    }
    if is_below(to, from) {
        let why = "New dataset name cannot be a descendant of current dataset name";
        return session.fail(format!("{what}: {why}"));
    }
    move_volume(session, from, to)
}

fn move_volume(session: &mut Session<'_>, from: &str, to: &str) -> Done {
    let refused = |why: &str| format!("cannot rename '{from}': {why}");
    let parent = to.rsplit_once('/').map_or(to, |(parent, _)| parent);
    let may = [(from, "rename"), (from, "mount"), (parent, "create"), (parent, "mount")];
    if !may.into_iter().all(|(name, permission)| session.may(name, permission)) {
        return session.fail(refused("permission denied"));
    }
    if session.state.datasets.contains_key(to) {
        return session.fail(refused("dataset already exists"));
    }
    let renamed = data::rename(&data::volume(from), &data::volume(to));
    session.data(renamed)?;
    let dataset = session.state.datasets.remove(from).expect("it was opened");
    session.state.datasets.insert(to.to_owned(), dataset);
    let before = format!("{from}@");
    for dataset in session.state.datasets.values_mut() {
        if let Some(name) = dataset.origin.as_ref().and_then(|name| name.strip_prefix(&before)) {
            dataset.origin = Some(format!("{to}@{name}"));
        }
    }
    Ok(())
}

/// `zfs promote CLONE`.
pub(super) fn promote(session: &mut Session<'_>, arguments: &[String]) -> Done {
    if let Some(option) = arguments.first().and_then(|first| first.strip_prefix('-')) {
        return session
            .usage(format!("invalid option '{}'", option.chars().next().unwrap_or('\0')));
    }
    let name = match arguments {
        [name] => name.as_str(),
        [] => return session.usage("missing clone filesystem argument"),
        _ => return session.usage("too many arguments"),
    };
    session.open_dataset(name)?;
    let refused = |why: &str| format!("cannot promote '{name}': {why}");
    let Some(origin) = session.state.datasets[name].origin.clone() else {
        return session.fail(refused("not a cloned filesystem"));
    };
    let may = [(name, "promote"), (name, "mount"), (origin.as_str(), "promote")];
    if !may.into_iter().all(|(name, permission)| session.may(name, permission)) {
        return session.fail(refused("permission denied"));
    }
    let (parent, snapshot) = origin.split_once('@').expect("an origin is a snapshot");
    let older = &session.state.datasets[parent].snapshots;
    let count = older.iter().position(|found| found.name == snapshot).map_or(0, |at| at + 1);
    let own = &session.state.datasets[name].snapshots;
    let conflict = older[..count].iter().find(|old| own.iter().any(|new| new.name == old.name));
    if let Some(conflict) = conflict {
        let why = format!("conflicting snapshot '{}' from parent '{parent}'", conflict.name);
        return session.fail(refused(&why));
    }
    swap(session, name, parent, &origin, count);
    Ok(())
}

/// The clone gets the snapshots up to its origin, and the parent becomes its clone.
fn swap(session: &mut Session<'_>, name: &str, parent: &str, origin: &str, count: usize) {
    let datasets = &mut session.state.datasets;
    let old = datasets.get_mut(parent).expect("an origin has a dataset");
    let moved: Vec<_> = old.snapshots.drain(..count).collect();
    let shared = moved.last().map_or(0, |snapshot| snapshot.referenced);
    let before =
        old.origin.replace(format!("{name}@{}", origin.split('@').next_back().unwrap_or("")));
    let before_shared = std::mem::replace(&mut old.shared, shared);
    let names: BTreeSet<String> = moved.iter().map(|s| format!("{parent}@{}", s.name)).collect();
    let clone = datasets.get_mut(name).expect("it was opened");
    clone.origin = before;
    clone.shared = before_shared;
    clone.snapshots.splice(0..0, moved);
    for dataset in datasets.values_mut() {
        if let Some(of) = dataset.origin.as_mut().filter(|of| names.contains(*of)) {
            *of = of.replacen(parent, name, 1);
        }
    }
}
