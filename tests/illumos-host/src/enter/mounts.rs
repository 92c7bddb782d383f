//! The file systems of the host: a root of its own in which everything that
//! the machine has is bound, so that anything can be added and nothing is
//! changed.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use camino::{Utf8Path, Utf8PathBuf};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::EnterError;
use crate::command::PROGRAMS;

/// Where the simulator's program is found inside.
pub(super) const PROGRAM: &str = "/usr/lib/illumos-host/program";

/// Builds the host's root for the state in `dir` and makes it this process's.
pub(super) fn build(dir: &Utf8Path) -> Result<(), EnterError> {
    let here = std::env::current_dir();
    let exe = super::program();
    lay_out(dir)
        .map_err(|e| EnterError::new(format!("cannot use the state directory {dir}"), e))?;
    private().map_err(|e| EnterError::new("cannot keep mounts to the host itself", e))?;

    // Unbindable: what is bound from the machine must not contain it.
    let root = dir.join("root");
    tmpfs(&root)?;
    change(&root, MsFlags::MS_UNBINDABLE)?;
    mirror(Utf8Path::new("/"), &root, &["dev", "etc", "proc", "run", "usr"])?;
    devices(dir, &root)?;
    run(dir, &root)?;
    let changes = dir.join("changes");
    tmpfs(&changes)?;
    programs(&changes)?;
    overlay("usr", &changes, &root)?;
    bind(&exe, &inside(&root, PROGRAM))?;
    make_dir(&changes.join("etc/zones"))?;
    overlay("etc", &changes, &root)?;
    bind(&dir.join("zones"), &root.join("etc/zones"))?;
    make_dir(&root.join("proc"))?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mounted("proc", &root.join("proc"), "proc", flags, None)?;

    enter(&root)?;
    // Where the caller was may be hidden now; then anywhere will do.
    let _hidden = here.and_then(std::env::set_current_dir);
    Ok(())
}

/// The parts of the state directory that are mounted somewhere.
fn lay_out(dir: &Utf8Path) -> io::Result<()> {
    for part in ["changes", "filesystems", "root", "volumes", "zones"] {
        fs::create_dir_all(dir.join(part))?;
    }
    Ok(())
}

fn private() -> nix::Result<()> {
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>)
}

/// Binds every entry of `from` in `to`, which is empty, but for `left_out`.
fn mirror(from: &Utf8Path, to: &Utf8Path, left_out: &[&str]) -> Result<(), EnterError> {
    let unreadable = |e| EnterError::new(format!("cannot read {from}"), e);
    for entry in from.read_dir_utf8().map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if left_out.contains(&entry.file_name()) {
            continue;
        }
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_symlink() {
            let link = fs::read_link(source).and_then(|points| symlink(points, &target));
            link.map_err(|e| EnterError::new(format!("cannot copy the link {source}"), e))?;
        } else if kind.is_dir() {
            make_dir(&target)?;
            bind(source, &target)?;
        } else {
            make_file(&target)?;
            bind(source, &target)?;
        }
    }
    Ok(())
}

/// `/dev`: the machine's, terminals of our own, and the volumes.
fn devices(dir: &Utf8Path, root: &Utf8Path) -> Result<(), EnterError> {
    let dev = root.join("dev");
    make_dir(&dev)?;
    mirror(Utf8Path::new("/dev"), &dev, &["ptmx", "pts", "zvol"])?;
    make_dir(&dev.join("pts"))?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let options = "newinstance,ptmxmode=0666,mode=0620";
    mounted("devpts", &dev.join("pts"), "devpts", flags, Some(options))?;
    let terminals = symlink("pts/ptmx", dev.join("ptmx"));
    terminals.map_err(|e| EnterError::new("cannot make /dev/ptmx", e))?;
    for kind in ["dsk", "rdsk"] {
        let target = dev.join("zvol").join(kind);
        make_dir(&target)?;
        bind(&dir.join("volumes"), &target)?;
    }
    Ok(())
}

/// `/run`, which is `/var/run` too: the machine's, the state, and zoneadmd's
/// directory, which is root's only (illumos-gate
/// usr/src/lib/libzonecfg/common/libzonecfg.c, zonecfg_grab_lock_file).
fn run(dir: &Utf8Path, root: &Utf8Path) -> Result<(), EnterError> {
    let run = root.join("run");
    make_dir(&run)?;
    mirror(Utf8Path::new("/run"), &run, &["illumos-host", "zones"])?;
    let state = run.join("illumos-host");
    make_dir(&state)?;
    bind_alone(dir, &state)?;
    let zones = run.join("zones");
    make_dir(&zones)?;
    let mode = fs::set_permissions(&zones, fs::Permissions::from_mode(0o700));
    mode.map_err(|e| EnterError::new("cannot make /var/run/zones root's only", e))
}

/// A writable view of one of the machine's directories; `changes` takes what is written.
fn overlay(name: &str, changes: &Utf8Path, root: &Utf8Path) -> Result<(), EnterError> {
    let (upper, work) = (changes.join(name), changes.join(format!("{name}.work")));
    let target = root.join(name);
    for dir in [&upper, &work, &target] {
        make_dir(dir)?;
    }
    let options = format!("lowerdir=/{name},upperdir={upper},workdir={work}");
    mounted("overlay", &target, "overlay", MsFlags::empty(), Some(&options))
}

/// Lays out this program in the places of illumos' commands, to be laid over
/// the machine's: in the machine's own directories only its root could.
fn programs(changes: &Utf8Path) -> Result<(), EnterError> {
    let program = inside(changes, PROGRAM);
    make_parent(&program)?;
    make_file(&program)?;
    let own = std::iter::once("/usr/bin/illumos-host");
    for path in PROGRAMS.iter().map(|(path, _)| *path).chain(own) {
        let path = inside(changes, path);
        make_parent(&path)?;
        let link = symlink(PROGRAM, &path);
        link.map_err(|e| EnterError::new(format!("cannot put a program at {path}"), e))?;
    }
    Ok(())
}

/// An absolute path of the host, as long as its root, or a part, is elsewhere.
fn inside(root: &Utf8Path, path: &str) -> Utf8PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// pivot_root(2) with the old root upon the new one, then away with the old.
fn enter(root: &Utf8Path) -> Result<(), EnterError> {
    std::env::set_current_dir(root)
        .and_then(|()| Ok(nix::unistd::pivot_root(".", ".")?))
        .and_then(|()| Ok(umount2(".", MntFlags::MNT_DETACH)?))
        .and_then(|()| std::env::set_current_dir("/"))
        .map_err(|e| EnterError::new(format!("cannot make {root} the root"), e))
}

fn tmpfs(target: &Utf8Path) -> Result<(), EnterError> {
    mounted("illumos-host", target, "tmpfs", MsFlags::empty(), Some("mode=0755"))
}

fn bind(source: &Utf8Path, target: &Utf8Path) -> Result<(), EnterError> {
    mounted(source.as_str(), target, "", MsFlags::MS_BIND | MsFlags::MS_REC, None)
}

/// Binds a directory without what is mounted below it.
fn bind_alone(source: &Utf8Path, target: &Utf8Path) -> Result<(), EnterError> {
    mounted(source.as_str(), target, "", MsFlags::MS_BIND, None)
}

fn change(target: &Utf8Path, flags: MsFlags) -> Result<(), EnterError> {
    mounted("none", target, "", flags, None)
}

fn mounted(
    source: &str,
    target: &Utf8Path,
    kind: &str,
    flags: MsFlags,
    options: Option<&str>,
) -> Result<(), EnterError> {
    mount(Some(source), target.as_std_path(), Some(kind), flags, options)
        .map_err(|e| EnterError::new(format!("cannot mount {source} at {target}"), e))
}

fn make_dir(path: &Utf8Path) -> Result<(), EnterError> {
    fs::create_dir_all(path).map_err(|e| EnterError::new(format!("cannot make {path}"), e))
}

fn make_parent(path: &Utf8Path) -> Result<(), EnterError> {
    path.parent().map_or(Ok(()), make_dir)
}

fn make_file(path: &Utf8Path) -> Result<(), EnterError> {
    fs::write(path, "").map_err(|e| EnterError::new(format!("cannot make {path}"), e))
}
