//! ZFS: zfs(8) and, as far as room goes, zpool(8).
//!
//! The subcommands, options and messages are those of illumos; each module
//! names the file and the function that it follows. What no source tells is not
//! guessed: the command ends with exit code 70 and says so.

mod change;
mod create;
mod data;
mod delegation;
mod destroy;
mod holds;
mod list;
mod mounts;
mod name;
mod number;
mod property;
mod session;
mod settings;
mod space;
mod state;
mod time;
mod usage;
mod value;
mod zpool;

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use self::session::{Done, Session};
use crate::command::rbac::Caller;
use crate::faults::BROKEN;
use crate::{Reply, World, state_dir};

pub use delegation::Grant;
pub use state::{Dataset, Kind, NoSuchPool, Pool, Snapshot, State};

type Subcommand = fn(&mut Session<'_>, &[String]) -> Done;

const ZFS: &[(&str, Subcommand)] = &[
    ("allow", delegation::allow),
    ("clone", create::clone),
    ("create", create::create),
    ("destroy", destroy::destroy),
    ("get", list::get),
    ("hold", holds::hold),
    ("holds", holds::holds),
    ("inherit", change::inherit),
    ("list", list::list),
    ("promote", change::promote),
    ("release", holds::release),
    ("rename", change::rename),
    ("set", change::set),
    ("snapshot", create::snapshot),
    ("unallow", delegation::unallow),
];

/// zfs.
pub fn zfs(arguments: &[String]) -> Reply {
    with_session(|session| run_zfs(session, arguments))
}

fn run_zfs(session: &mut Session<'_>, arguments: &[String]) -> Done {
    let Some((called, rest)) = arguments.split_first() else {
        return session.usage("missing command");
    };
    // Other names of the same (zfs_main.c, main).
    let name = match called.as_str() {
        "-?" => {
            session.out += &usage::of("");
            return Ok(());
        }
        "umount" => "unmount",
        "recv" => "receive",
        "snap" => "snapshot",
        other => other,
    };
    let Some((known, _)) =
        usage::LINES.iter().find(|(known, _)| !name.is_empty() && *known == name)
    else {
        return session.usage(format!("unrecognized command '{called}'"));
    };
    session.subcommand = known;
    match ZFS.iter().find(|(simulated, _)| simulated == known) {
        Some((_, run)) => run(session, rest),
        None => session.not_simulated(&format!("zfs {known}")),
    }
}

/// zpool.
pub fn zpool(arguments: &[String]) -> Reply {
    with_session(|session| match arguments.split_first() {
        Some((name, rest)) if name == "list" => zpool::list(session, rest),
        _ => session.not_simulated("zpool but list"),
    })
}

fn with_session(run: impl FnOnce(&mut Session<'_>) -> Done) -> Reply {
    let reply = World::with(state_dir(), |world| Session::new(world).reply(run));
    reply.unwrap_or_else(|error| Reply::fail(BROKEN, format!("{error}")))
}

/// Mounts the file systems when the host starts.
///
/// # Errors
///
/// If one cannot be mounted.
pub fn start(world: &mut World) -> io::Result<()> {
    mounts::mount_all(&world.zfs).map_err(io::Error::other)
}

/// The file that holds a volume's data; `/dev/zvol/{dsk,rdsk}/NAME` is the same.
pub fn volume_file(name: &str) -> Utf8PathBuf {
    data::volume(name)
}

/// The file system that is mounted at a path, as `zfs list -o name PATH` finds it.
pub fn dataset_mounted_at(world: &World, path: &Utf8Path) -> Option<String> {
    let mut all = world.zfs.datasets.iter();
    let at = |dataset: &Dataset| world.zfs.mounted_at(dataset).is_some_and(|at| at == path);
    all.find(|(_, dataset)| at(dataset)).map(|(name, _)| name.clone())
}

/// Makes a file system and mounts it, as root, for a command of root's that
/// does so through libzfs (`zoneadm install`): with `sharenfs` and `sharesmb`
/// off, as illumos-gate usr/src/cmd/zoneadm/zfs.c (`create_zfs_zonepath`) has it.
///
/// # Errors
///
/// What zfs would have said.
pub fn create_filesystem_for(world: &mut World, name: &str) -> Result<(), String> {
    let arguments = ["create", "-o", "sharenfs=off", "-o", "sharesmb=off", name];
    as_root(world, &arguments)
}

/// Destroys a dataset with all that is below it and its snapshots, as root: `zfs destroy -r`.
///
/// # Errors
///
/// What zfs would have said. Part of it may be gone then.
pub fn destroy_tree(world: &mut World, name: &str) -> Result<(), String> {
    as_root(world, &["destroy", "-r", name])
}

fn as_root(world: &mut World, arguments: &[&str]) -> Result<(), String> {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let root = Caller::root(world);
    let mut session = Session::new(world);
    session.caller = root;
    let reply = session.reply(|session| run_zfs(session, &arguments));
    if reply.code == 0 { Ok(()) } else { Err(reply.stderr) }
}
