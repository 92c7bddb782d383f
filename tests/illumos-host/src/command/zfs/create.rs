//! `zfs create`, `zfs clone`, `zfs snapshot`.
//!
//! omniosorg/illumos-omnios usr/src/cmd/zfs/zfs_main.c (`zfs_do_create`,
//! `zfs_do_clone`, `zfs_do_snapshot`); illumos-gate
//! usr/src/lib/libzfs/common/libzfs_dataset.c (`zfs_create`, `zfs_clone`,
//! `zfs_snapshot_nvl`), usr/src/uts/common/fs/zfs/zfs_ioctl.c
//! (`zfs_secpolicy_create_clone`, `zfs_secpolicy_snapshot_perms`).

use std::collections::BTreeSet;

use super::data;
use super::name::{Expected, too_deep};
use super::number;
use super::session::{Done, End, Session};
use super::settings::{For, Settings, VOLBLOCKSIZE, letter};
use super::space;
use super::state::{Dataset, Kind, Snapshot, dataset_of};

/// `zfs create [-p] [-o …] FILESYSTEM`, `zfs create [-ps] [-b …] [-o …] -V SIZE VOLUME`.
pub(super) fn create(session: &mut Session<'_>, arguments: &[String]) -> Done {
    let missing = |_| "missing size argument".to_owned();
    let given = session.options(arguments, "V:b:so:p", Some(missing))?;
    let volume = given.last('V');
    let size = volume.map(|text| bytes_or_fail(session, text, "size")).transpose()?;
    let block =
        given.last('b').map(|text| bytes_or_fail(session, text, "block size")).transpose()?;
    let mut settings = session.parse_settings(given.all('o'), 1)?;
    if volume.is_none() && (given.has('s') || given.has('b')) {
        return session.usage("'-s' and '-b' can only be used when creating a volume");
    }
    let kind = if volume.is_some() { Kind::Volume } else { Kind::Filesystem };
    let name = match given.operands {
        [name] => name.as_str(),
        [] if volume.is_some() => return session.usage("missing volume argument"),
        [] => return session.usage("missing filesystem argument"),
        _ => return session.usage("too many arguments"),
    };
    if given.has('p') {
        return session.not_simulated("zfs create -p");
    }
    if let Some(block) = block {
        settings.insert("volblocksize".to_owned(), block.to_string());
    }
    let thick = size.is_some() && !given.has('s');
    if thick {
        let pool = name.split('/').next().unwrap_or(name);
        if !session.state.pools.contains_key(pool) {
            return session.fail(format!("cannot open '{pool}': no such pool"));
        }
    }
    let what = format!("cannot create '{name}'");
    let settings = checked_for_new(session, name, &settings, kind, &what)?;
    match size {
        None => new_filesystem(session, name, settings),
        Some(size) => new_volume(session, name, size, thick, given.has('b'), settings),
    }
}

fn bytes_or_fail(session: &mut Session<'_>, text: &str, of: &str) -> Done<u64> {
    number::parse(text).or_else(|why| session.fail(format!("bad volume {of} '{text}': {why}")))
}

/// What `zfs_create` looks at before it asks the kernel.
fn checked_for_new(
    session: &mut Session<'_>,
    name: &str,
    settings: &Settings,
    kind: Kind,
    what: &str,
) -> Done<Settings> {
    session.check_new(name, Expected::Dataset, what)?;
    session.check_parent(name)?;
    if session.state.datasets.contains_key(name) {
        return session.fail(format!("{what}: dataset already exists"));
    }
    let target = For { kind: letter(kind), volume: None, what };
    let settings = session.check_settings(settings, target)?;
    if too_deep(name) {
        return session.fail(format!("{what}: maximum name nesting depth exceeded"));
    }
    Ok(settings)
}

/// Whether the caller may make this dataset with these properties.
fn may_create(session: &Session<'_>, name: &str, settings: &Settings) -> bool {
    let parent = name.rsplit_once('/').map_or(name, |(parent, _)| parent);
    session.may(parent, "create")
        && session.may(parent, "mount")
        && session.may_set(name, settings.keys().map(String::as_str))
}

fn new_filesystem(session: &mut Session<'_>, name: &str, settings: Settings) -> Done {
    let what = format!("cannot create '{name}'");
    if !may_create(session, name, &settings) {
        return session.fail(format!("{what}: permission denied"));
    }
    let transaction = session.state.next_transaction();
    let dataset = Dataset::filesystem(now(), transaction);
    session.state.datasets.insert(name.to_owned(), dataset);
    if let Err(why) = session.apply(name, settings) {
        session.state.datasets.remove(name);
        return session.fail(format!("{what}: {}", for_new(&why)));
    }
    let mounted = session.mount(name);
    if let Err(End::Code(1)) = mounted {
        session.complain("filesystem successfully created, but not mounted");
    }
    mounted
}

fn new_volume(
    session: &mut Session<'_>,
    name: &str,
    size: u64,
    thick: bool,
    block_by_option: bool,
    mut settings: Settings,
) -> Done {
    let what = format!("cannot create '{name}'");
    let block = settings.remove("volblocksize").and_then(|text| text.parse().ok());
    let block: u64 = block.unwrap_or(VOLBLOCKSIZE);
    settings.remove("volsize");
    if size == 0 {
        return session.fail(format!("{what}: volume size cannot be zero"));
    }
    // Rounded up since illumos issue 15514, but to the block size only where
    // that was given by -b or not at all.
    let rounded_to = if block_by_option { block } else { VOLBLOCKSIZE };
    let size = size.next_multiple_of(rounded_to);
    if !size.is_multiple_of(block) {
        let why = "volume size must be a multiple of volume block size";
        return session.fail(format!("{what}: {why}"));
    }
    let mut needed: BTreeSet<&str> = BTreeSet::new();
    if thick {
        // What OpenZFS was seen to ask for; -s needs none of them.
        needed.extend(["refreservation", "reservation", "volsize"]);
        let whole = space::reservation(size, block).to_string();
        settings.entry("refreservation".to_owned()).or_insert(whole);
    }
    if !may_create(session, name, &settings) || !session.may_set(name, needed) {
        return session.fail(format!("{what}: permission denied"));
    }
    let transaction = session.state.next_transaction();
    let path = data::volume(name);
    let made = data::create(&path, size);
    session.data(made)?;
    let dataset = Dataset::volume(now(), transaction, size, block);
    session.state.datasets.insert(name.to_owned(), dataset);
    if let Err(why) = session.apply(name, settings) {
        return undo(session, name, &format!("{what}: {}", for_new(&why)));
    }
    Ok(())
}

/// A reservation that does not fit is told otherwise of a new dataset.
fn for_new(why: &str) -> &str {
    match why {
        "size is greater than available space" => "out of space",
        other => other,
    }
}

/// Takes back a volume that could not get its properties.
fn undo(session: &mut Session<'_>, name: &str, line: &str) -> Done {
    session.state.datasets.remove(name);
    let removed = data::remove(&data::volume(name));
    session.data(removed)?;
    session.fail(line)
}

/// `zfs clone [-p] [-o …] SNAPSHOT DATASET`.
pub(super) fn clone(session: &mut Session<'_>, arguments: &[String]) -> Done {
    let given = session.options(arguments, "o:p", None)?;
    let settings = session.parse_settings(given.all('o'), 1)?;
    let (origin, name) = match given.operands {
        [origin, name] => (origin.as_str(), name.as_str()),
        [] => return session.usage("missing source dataset argument"),
        [_] => return session.usage("missing target dataset argument"),
        _ => return session.usage("too many arguments"),
    };
    session.open(origin, Expected::Snapshot)?;
    if given.has('p') {
        if session.state.datasets.contains_key(name) {
            return Ok(());
        }
        return session.not_simulated("zfs clone -p, but of what is there already");
    }
    let what = format!("cannot create '{name}'");
    session.check_new(name, Expected::Dataset, &what)?;
    session.check_parent(name)?;
    let parent = &session.state.datasets[dataset_of(origin)];
    if parent.kind != Kind::Volume {
        return session.not_simulated("clones of file systems");
    }
    let (volsize, block) = (snapshot_of(session, origin).volsize, parent.volblocksize);
    let target = For { kind: 'v', volume: Some((volsize, block)), what: &what };
    let settings = session.check_settings(&settings, target)?;
    if !session.may(origin, "clone") || !may_create(session, name, &settings) {
        return session.fail(format!("{what}: permission denied"));
    }
    if session.state.datasets.contains_key(name) {
        return session.fail(format!("{what}: dataset already exists"));
    }
    if name.split('/').next() != origin.split(['/', '@']).next() {
        return session.fail(format!("{what}: source and target pools differ"));
    }
    if too_deep(name) {
        return session.fail(format!("{what}: maximum name nesting depth exceeded"));
    }
    new_clone(session, origin, name, block, settings)
}

fn snapshot_of<'a>(session: &'a Session<'_>, name: &str) -> &'a Snapshot {
    let (dataset, snapshot) = name.split_once('@').expect("it was opened as a snapshot");
    session.state.snapshot(dataset, snapshot).expect("it was opened")
}

fn new_clone(
    session: &mut Session<'_>,
    origin: &str,
    name: &str,
    block: u64,
    settings: Settings,
) -> Done {
    let snapshot = snapshot_of(session, origin);
    let (volsize, from) = (snapshot.volsize, data::snapshot(snapshot.transaction));
    let path = data::volume(name);
    let copied = data::copy(&from, &path, volsize);
    session.data(copied)?;
    let transaction = session.state.next_transaction();
    let mut dataset = Dataset::volume(now(), transaction, volsize, block);
    dataset.origin = Some(origin.to_owned());
    dataset.shared = data::allocated(&path);
    session.state.datasets.insert(name.to_owned(), dataset);
    match session.apply(name, settings) {
        Ok(()) => Ok(()),
        Err(why) => undo(session, name, &format!("cannot create '{name}': {}", for_new(&why))),
    }
}

/// `zfs snapshot [-r] [-o …] DATASET@NAME …`.
pub(super) fn snapshot(session: &mut Session<'_>, arguments: &[String]) -> Done {
    let given = session.options(arguments, "ro:", None)?;
    let settings = session.parse_settings(given.all('o'), 1)?;
    if given.operands.is_empty() {
        return session.usage("missing snapshot argument");
    }
    if given.has('r') {
        return session.not_simulated("zfs snapshot -r");
    }
    for name in given.operands {
        let Some((dataset, _)) = name.split_once('@') else { return session.bare_usage() };
        if session.open_dataset(dataset).is_err() {
            return session.bare_usage();
        }
    }
    let taken = take(session, given.operands, &settings);
    if taken.is_err() && given.operands.len() > 1 {
        session.complain("no snapshots were created");
    }
    taken
}

/// All of them or none, as one transaction.
fn take(session: &mut Session<'_>, names: &[String], settings: &Settings) -> Done {
    for name in names {
        session.check_new(name, Expected::Snapshot, &format!("cannot create snapshot '{name}'"))?;
    }
    let what = "cannot create snapshots ";
    let settings = session.check_settings(settings, For { kind: 's', volume: None, what })?;
    let properties = || settings.keys().map(String::as_str);
    let may = |name: &String| session.may(name, "snapshot") && session.may_set(name, properties());
    if !names.iter().all(may) {
        return session.fail(format!("{what}: permission denied"));
    }
    let mut failed = Ok(());
    for name in names {
        if let Some(why) = refused(session, name) {
            failed = session.fail(format!("cannot create snapshot '{name}': {why}"));
        }
    }
    failed?;
    names.iter().try_for_each(|name| new_snapshot(session, name, &settings))
}

/// Why the kernel refuses a snapshot, if it does.
fn refused(session: &Session<'_>, name: &str) -> Option<&'static str> {
    let (dataset, snapshot) = name.split_once('@')?;
    if session.state.snapshot(dataset, snapshot).is_some() {
        return Some("dataset already exists");
    }
    // What is reserved must then be there twice (dsl_dataset_snapshot_reserve_space).
    let found = session.state.datasets.get(dataset)?;
    let more = session.state.unique(dataset, found).min(found.number("refreservation"));
    (more > session.state.left(dataset)).then_some("out of space")
}

fn new_snapshot(session: &mut Session<'_>, name: &str, settings: &Settings) -> Done {
    let (dataset, snapshot) = name.split_once('@').expect("it was checked");
    let transaction = session.state.next_transaction();
    let found = &session.state.datasets[dataset];
    let (kind, volsize) = (found.kind, found.volsize);
    let referenced = session.state.referenced(dataset, found);
    if kind == Kind::Volume {
        let path = data::snapshot(transaction);
        let copied =
            data::copy(&data::volume(dataset), &path, volsize).and_then(|()| data::freeze(&path));
        session.data(copied)?;
    }
    let taken = Snapshot {
        name: snapshot.to_owned(),
        created: now(),
        transaction,
        volsize,
        referenced,
        properties: settings.clone(),
        holds: std::collections::BTreeMap::new(),
        deferred: false,
    };
    let found = session.state.datasets.get_mut(dataset).expect("it was opened");
    found.snapshots.push(taken);
    Ok(())
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or(0)
}
