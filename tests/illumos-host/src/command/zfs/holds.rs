//! `zfs hold`, `zfs release`, `zfs holds`.
//!
//! omniosorg/illumos-omnios usr/src/cmd/zfs/zfs_main.c
//! (`zfs_do_hold_rele_impl`, `zfs_do_holds`); illumos-gate
//! usr/src/lib/libzfs/common/libzfs_dataset.c (`zfs_hold`, `zfs_release`).

use super::create::now;
use super::destroy::reap;
use super::name::Expected;
use super::session::{Done, End, Session};
use super::time;

/// Bytes of a tag (`ZAP_MAXNAMELEN`), with what ends it.
const TAG_MAX: usize = 256;

/// `zfs hold TAG SNAPSHOT …`.
pub(super) fn hold(session: &mut Session<'_>, arguments: &[String]) -> Done {
    each(session, arguments, "rt", |session, tag, name| {
        let refused = |why: &str| format!("cannot hold snapshot '{name}': {why}");
        let (dataset, snapshot) = name.split_once('@').unwrap_or((name, ""));
        if session.state.snapshot(dataset, snapshot).is_none() {
            return session.fail(refused("dataset does not exist"));
        }
        if !session.may(dataset, "hold") {
            return session.fail("cannot hold: permission denied");
        }
        if tag.len() >= TAG_MAX {
            return session.fail(refused("tag too long"));
        }
        let found = session.state.snapshot_mut(dataset, snapshot).expect("it was found");
        if found.holds.contains_key(tag) {
            return session.fail(refused("tag already exists on this dataset"));
        }
        found.holds.insert(tag.to_owned(), now());
        Ok(())
    })
}

/// `zfs release TAG SNAPSHOT …`.
pub(super) fn release(session: &mut Session<'_>, arguments: &[String]) -> Done {
    each(session, arguments, "r", |session, tag, name| {
        let refused = |why: &str| format!("cannot release hold from snapshot '{name}': {why}");
        let (dataset, snapshot) = name.split_once('@').unwrap_or((name, ""));
        let Some(found) = session.state.snapshot(dataset, snapshot) else {
            return session.fail(refused("dataset does not exist"));
        };
        if !found.holds.contains_key(tag) {
            return session.fail(refused("no such tag on this dataset"));
        }
        if !session.may(dataset, "release") {
            return session.fail("cannot release: permission denied");
        }
        let found = session.state.snapshot_mut(dataset, snapshot).expect("it was found");
        found.holds.remove(tag);
        reap(session, name)
    })
}

fn each(
    session: &mut Session<'_>,
    arguments: &[String],
    options: &str,
    one: impl Fn(&mut Session<'_>, &str, &str) -> Done,
) -> Done {
    let given = session.options(arguments, options, None)?;
    let [tag, names @ ..] = given.operands else { return session.bare_usage() };
    if names.is_empty() {
        return session.bare_usage();
    }
    if session.subcommand == "hold" && tag.starts_with('.') {
        return session.usage("tag may not start with '.'");
    }
    if given.has('r') || given.has('t') {
        return session.not_simulated("holds with options");
    }
    let mut ended = Ok(());
    for name in names {
        let this = match name.split_once('@') {
            None => session.fail(format!("'{name}' is not a snapshot")),
            Some((dataset, _)) => {
                session.open_dataset(dataset).and_then(|()| one(session, tag, name))
            }
        };
        if let Err(End::Code(code)) = this {
            ended = Err(End::Code(code));
        }
    }
    ended
}

/// `zfs holds -H SNAPSHOT …`.
pub(super) fn holds(session: &mut Session<'_>, arguments: &[String]) -> Done {
    let given = session.options(arguments, "rH", None)?;
    if given.operands.is_empty() {
        return session.bare_usage();
    }
    if given.has('r') || !given.has('H') {
        return session.not_simulated("zfs holds but with -H alone");
    }
    let (mut ended, mut found) = (Ok(()), false);
    for name in given.operands {
        let opened = match name.contains('@') {
            true => session.open(name, Expected::Snapshot),
            false => session.fail(format!("'{name}' is not a snapshot")),
        };
        if opened.is_err() {
            ended = opened;
            continue;
        }
        found = true;
        let (dataset, snapshot) = name.split_once('@').expect("it has one");
        let held = session.state.snapshot(dataset, snapshot).expect("it was opened");
        for (tag, since) in &held.holds {
            session.out += &format!("{name}\t{tag}\t{}\n", time::shown(*since));
        }
    }
    if !found {
        session.out += "no datasets available\n";
    }
    ended
}
