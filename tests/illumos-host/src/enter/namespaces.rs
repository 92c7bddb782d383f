//! The process outside: makes the namespaces and waits for what is in them.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitCode, ExitStatus};

use camino::Utf8Path;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use super::EnterError;

/// Enters the host of `dir` and gives the exit code of `command`. This process
/// must have a single thread, and is good for nothing else afterwards.
///
/// # Errors
///
/// [`EnterError`] if the namespaces cannot be made.
pub fn here(dir: &Utf8Path, command: &[String]) -> Result<ExitCode, EnterError> {
    let dir = prepared(dir)?;
    divide()?;
    let signals = block().map_err(|e| EnterError::new("cannot block signals", e))?;
    let exe = std::env::current_exe();
    let exe = exe.map_err(|e| EnterError::new("cannot find this program", e))?;
    let mut init = Command::new(&exe);
    init.args(["enter-inside", dir.as_str(), "--"]).args(command);
    let mut init =
        init.spawn().map_err(|e| EnterError::new(format!("cannot start {}", exe.display()), e))?;
    let ended = wait(&mut init, &signals);
    ended.map(code).map_err(|e| EnterError::new("cannot wait for the host's first process", e))
}

/// The state directory, made if need be, by its one true path.
fn prepared(dir: &Utf8Path) -> Result<camino::Utf8PathBuf, EnterError> {
    let failed = |e| EnterError::new(format!("cannot use the state directory {dir}"), e);
    fs::create_dir_all(dir).map_err(failed)?;
    dir.canonicalize_utf8().map_err(failed)
}

fn divide() -> Result<(), EnterError> {
    let new = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWPID;
    let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
    if uid.is_root() {
        return unshare(new)
            .map_err(|e| EnterError::new("root may not make namespaces here (a container?)", e));
    }
    unshare(new | CloneFlags::CLONE_NEWUSER).map_err(|e| {
        EnterError::new("no user namespaces: allow them (user.max_user_namespaces) or be root", e)
    })?;
    let maps = [
        ("/proc/self/setgroups", "deny".to_owned()),
        ("/proc/self/uid_map", format!("0 {uid} 1")),
        ("/proc/self/gid_map", format!("0 {gid} 1")),
    ];
    for (path, map) in maps {
        let written = fs::write(path, map);
        written.map_err(|e| EnterError::new(format!("cannot write {path}"), e))?;
    }
    Ok(())
}

/// Blocks what is passed on from process to process towards the command, and
/// what says that a child ended, before there is a child, so that none is lost.
/// A terminal sends SIGINT and SIGQUIT to the command itself, so here they only
/// must not end those who wait for it.
pub(super) fn block() -> nix::Result<SigSet> {
    use Signal::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    let signals: SigSet = [SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM].into_iter().collect();
    signals.thread_block()?;
    Ok(signals)
}

fn wait(child: &mut Child, signals: &SigSet) -> io::Result<ExitStatus> {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id is an i32"));
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if let signal @ (Signal::SIGTERM | Signal::SIGHUP) = signals.wait()? {
            kill(pid, signal)?;
        }
    }
}

/// As a shell has it: 128 and its number for a signal.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
