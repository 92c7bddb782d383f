//! `zfs destroy`.
//!
//! omniosorg/illumos-omnios usr/src/cmd/zfs/zfs_main.c (`zfs_do_destroy` and
//! what it calls: it stops at the first failure, and what was destroyed before
//! is gone); illumos-gate usr/src/lib/libzfs/common/libzfs_dataset.c
//! (`zfs_destroy`, `zfs_destroy_snaps_nvl`),
//! usr/src/uts/common/fs/zfs/dsl_destroy.c.

use super::data;
use super::name::Expected;
use super::number;
use super::session::{Done, End, Session};
use super::state::{Kind, dataset_of, is_below};

/// The options.
#[derive(Clone, Copy)]
struct How {
    recurse: bool,
    clones: bool,
    defer: bool,
    force: bool,
    dry: bool,
    verbose: bool,
    parsable: bool,
}

/// `zfs destroy [-fnpRrv] DATASET`, `zfs destroy [-dnpRrv] DATASET@NAME[,NAME…]`.
pub(super) fn destroy(session: &mut Session<'_>, arguments: &[String]) -> Done {
    let given = session.options(arguments, "vpndfrR", None)?;
    let how = How {
        recurse: given.has('r') || given.has('R'),
        clones: given.has('R'),
        defer: given.has('d'),
        force: given.has('f'),
        dry: given.has('n'),
        verbose: given.has('v') || given.has('p'),
        parsable: given.has('p'),
    };
    let name = match given.operands {
        [name] => name.as_str(),
        [] => return session.usage("missing dataset argument"),
        _ => return session.usage("too many arguments"),
    };
    match name.split_once('@') {
        Some((dataset, snapshots)) => destroy_snapshots(session, dataset, snapshots, how),
        None if name.contains('#') => session.not_simulated("bookmarks"),
        None => destroy_dataset(session, name, how),
    }
}

fn destroy_dataset(session: &mut Session<'_>, name: &str, how: How) -> Done {
    session.open(name, if how.defer { Expected::Snapshot } else { Expected::Dataset })?;
    if !how.recurse && !name.contains('/') {
        session.complain(format!(
            "cannot destroy '{name}': operation does not apply to pools\n\
             use 'zfs destroy -r {name}' to destroy all datasets in the pool\n\
             use 'zpool destroy {name}' to destroy the pool itself"
        ));
        return Err(End::Code(1));
    }
    let dependents = session.state.dependents(name);
    if !how.clones {
        check_dependents(session, name, &dependents, how)?;
    }
    let mut snapshots = Vec::new();
    for dependent in dependents.iter().map(String::as_str).chain([name]) {
        destroy_one(session, dependent, &mut snapshots, how)?;
    }
    remove_snapshots(session, &snapshots, how.defer)
}

/// `destroy_check_dependent` for each: what stands in the way without -r or -R.
fn check_dependents(session: &mut Session<'_>, target: &str, all: &[String], how: How) -> Done {
    let kind = kind_of(session, target);
    let mut first = true;
    for name in all {
        let (option, why) = match is_below(name, target) {
            true if how.recurse => continue,
            true => ("-r", "children"),
            // A clone somewhere else is told only where it alone is in the way.
            false if !how.recurse && !target.contains('@') => continue,
            false => ("-R", "dependent clones"),
        };
        if first {
            session.complain(format!("cannot destroy '{target}': {kind} has {why}"));
            session.complain(format!("use '{option}' to destroy the following datasets:"));
            first = false;
        }
        session.complain(name);
    }
    if first { Ok(()) } else { Err(End::Code(1)) }
}

fn kind_of(session: &Session<'_>, name: &str) -> &'static str {
    match session.state.datasets.get(name).map(|found| found.kind) {
        Some(Kind::Filesystem) => "filesystem",
        Some(Kind::Volume) => "volume",
        None => "snapshot",
    }
}

/// `destroy_callback`: snapshots are put aside, to go before the next dataset.
fn destroy_one(
    session: &mut Session<'_>,
    name: &str,
    snapshots: &mut Vec<String>,
    how: How,
) -> Done {
    tell(session, name, how);
    if how.dry || !name.contains('/') && !name.contains('@') {
        return Ok(());
    }
    if name.contains('@') {
        snapshots.push(name.to_owned());
        return Ok(());
    }
    remove_snapshots(session, &std::mem::take(snapshots), false)?;
    session.unmount(name, how.force)?;
    remove_dataset(session, name)
}

fn tell(session: &mut Session<'_>, name: &str, how: How) {
    if how.verbose {
        session.out += &match (how.parsable, how.dry) {
            (true, _) => format!("destroy\t{name}\n"),
            (false, true) => format!("would destroy {name}\n"),
            (false, false) => format!("will destroy {name}\n"),
        };
    }
}

/// `zfs_destroy` of a file system or a volume.
fn remove_dataset(session: &mut Session<'_>, name: &str) -> Done {
    let refused = |why: &str| format!("cannot destroy '{name}': {why}");
    if !session.may(name, "mount") || !session.may(name, "destroy") {
        return session.fail(refused("permission denied"));
    }
    let dataset = &session.state.datasets[name];
    let (kind, transaction) = (dataset.kind, dataset.transaction);
    if kind == Kind::Volume && data::is_open(&data::volume(name)) {
        return session.fail(refused("dataset is busy"));
    }
    let inherited = !dataset.properties.contains_key("mountpoint");
    let mountpoint = session.state.mounts_at(name).filter(|_| inherited);
    let removed = match kind {
        Kind::Volume => data::remove(&data::volume(name)),
        Kind::Filesystem => data::remove_tree(&data::filesystem(transaction)),
    };
    session.data(removed)?;
    if let Some(path) = mountpoint {
        // remove_mountpoint() minds nothing either.
        let _left = std::fs::remove_dir(path);
    }
    let gone = session.state.datasets.remove(name);
    reap_origin(session, gone.and_then(|dataset| dataset.origin))
}

/// A deferred snapshot goes with the last clone and hold.
fn reap_origin(session: &mut Session<'_>, origin: Option<String>) -> Done {
    match origin {
        Some(origin) => reap(session, &origin),
        None => Ok(()),
    }
}

/// Destroys a snapshot if it is only waiting for that.
pub(super) fn reap(session: &mut Session<'_>, name: &str) -> Done {
    let Some((dataset, snapshot)) = name.split_once('@') else { return Ok(()) };
    let found = session.state.snapshot(dataset, snapshot);
    let waits = found.is_some_and(|snapshot| snapshot.deferred && snapshot.holds.is_empty());
    match waits && session.state.clones(name).is_empty() {
        true => erase(session, name),
        false => Ok(()),
    }
}

fn destroy_snapshots(session: &mut Session<'_>, dataset: &str, wanted: &str, how: How) -> Done {
    session.open_dataset(dataset)?;
    if wanted.contains('%') {
        return session.not_simulated("ranges of snapshots");
    }
    let mut datasets = vec![dataset.to_owned()];
    if how.recurse {
        let below = session.state.datasets.keys().filter(|name| is_below(name, dataset));
        datasets.extend(below.cloned());
    }
    let mut names = Vec::new();
    for dataset in datasets {
        let wanted: Vec<&str> = wanted.split(',').collect();
        let of = &session.state.datasets[&dataset].snapshots;
        let chosen = of.iter().filter(|snapshot| wanted.contains(&snapshot.name.as_str()));
        names.extend(chosen.map(|snapshot| format!("{dataset}@{}", snapshot.name)));
    }
    if !how.clones && !how.defer {
        let mut checked = Ok(());
        for name in &names {
            let clones = session.state.dependents(name);
            checked = check_dependents(session, name, &clones, How { recurse: false, ..how })
                .and(checked);
        }
        checked?;
    }
    if names.is_empty() {
        return session.fail("could not find any snapshots to destroy; check snapshot names.");
    }
    if how.verbose {
        names.iter().for_each(|name| tell(session, name, how));
        tell_space(session, how);
    }
    if how.dry {
        return Ok(());
    }
    if how.clones {
        for name in names.clone() {
            destroy_clones(session, &name, how)?;
        }
    }
    remove_snapshots(session, &names, how.defer)
}

fn tell_space(session: &mut Session<'_>, how: How) {
    // What a snapshot alone refers to is not known here; see space.rs.
    let reclaimed = 0;
    session.out += &match (how.parsable, how.dry) {
        (true, _) => format!("reclaim\t{reclaimed}\n"),
        (false, true) => format!("would reclaim {}\n", number::nice(reclaimed)),
        (false, false) => format!("will reclaim {}\n", number::nice(reclaimed)),
    };
}

fn destroy_clones(session: &mut Session<'_>, snapshot: &str, how: How) -> Done {
    let mut snapshots = Vec::new();
    for name in session.state.dependents(snapshot) {
        destroy_one(session, &name, &mut snapshots, How { defer: false, ..how })?;
    }
    remove_snapshots(session, &snapshots, false)
}

/// `zfs_destroy_snaps_nvl`: all of them, or none and why.
fn remove_snapshots(session: &mut Session<'_>, names: &[String], defer: bool) -> Done {
    let may = |name: &String| session.may(name, "mount") && session.may(name, "destroy");
    if !names.iter().all(may) {
        return session.fail("cannot destroy snapshots: permission denied");
    }
    let mut failed = Ok(());
    for name in names.iter().filter(|_| !defer) {
        if let Some(why) = in_the_way(session, name) {
            failed = session.fail(format!("cannot destroy snapshot {name}: {why}"));
        }
    }
    failed?;
    for name in names {
        if defer && in_the_way(session, name).is_some() {
            let (dataset, snapshot) = name.split_once('@').expect("it is a snapshot");
            let found = session.state.snapshot_mut(dataset, snapshot);
            found.expect("it was found").deferred = true;
        } else {
            erase(session, name)?;
        }
    }
    Ok(())
}

fn in_the_way(session: &Session<'_>, name: &str) -> Option<&'static str> {
    let (dataset, snapshot) = name.split_once('@')?;
    let held = session.state.snapshot(dataset, snapshot)?.holds.is_empty();
    match (held, session.state.clones(name).is_empty()) {
        (false, _) => Some("dataset is busy"),
        (true, false) => Some("snapshot is cloned"),
        (true, true) => None,
    }
}

fn erase(session: &mut Session<'_>, name: &str) -> Done {
    let (dataset, snapshot) = name.split_once('@').expect("it is a snapshot");
    let found = session.state.snapshot(dataset, snapshot);
    let removed = found.map_or(Ok(()), |found| data::remove(&data::snapshot(found.transaction)));
    session.data(removed)?;
    let of = session.state.datasets.get_mut(dataset_of(name)).expect("a snapshot is of a dataset");
    of.snapshots.retain(|found| found.name != snapshot);
    Ok(())
}
