//! The first process inside: builds the host, starts the command, and buries
//! what the host's daemons leave.

use std::convert::Infallible;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use camino::Utf8Path;
use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::{EnterError, mounts, namespaces};
use crate::{
    World,
    command::{links, smf, zfs, zone},
    state_dir,
};

/// Builds the host in the namespaces that this process was born into, runs
/// `command` in it and gives its exit code; when this process ends the system
/// ends all others of the host.
///
/// # Errors
///
/// [`EnterError`] if the host cannot be built or the command not be started.
pub fn inside(dir: &Utf8Path, command: &[String]) -> Result<ExitCode, EnterError> {
    // Blocked already by the process outside: to the first process of a
    // namespace a signal that it neither blocks nor handles is lost.
    let signals = namespaces::block().map_err(|e| EnterError::new("cannot block signals", e))?;
    // Whoever kills the process outside means the host.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .map_err(|e| EnterError::new("cannot be tied to the process outside", e))?;
    mounts::build(dir)?;
    loopback()?;
    let start = |world: &mut World| {
        smf::start(world);
        zone::start(world);
        links::start(world)?;
        zfs::start(world)
    };
    World::with(state_dir(), start)
        .map_err(io::Error::other)
        .and_then(|started| started)
        .map_err(|e| EnterError::new("cannot mount the datasets", e))?;
    // The command, by way of `run`: it inherits what is blocked here.
    let child = Command::new(mounts::PROGRAM).arg("enter-run").args(command).spawn();
    let child =
        child.map_err(|e| EnterError::new(format!("cannot execute {}", mounts::PROGRAM), e))?;
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id is an i32"));
    loop {
        if let Some(code) = bury(pid) {
            return Ok(ExitCode::from(code));
        }
        let signal = signals.wait().map_err(|e| EnterError::new("cannot wait for signals", e))?;
        if let Signal::SIGTERM | Signal::SIGHUP = signal {
            // It may just have ended; its end is the next signal then.
            let _ended = kill(pid, signal);
        }
    }
}

/// Executes the command in place of this process, open to signals again.
///
/// # Errors
///
/// [`EnterError`]; on success it does not return.
pub fn run(command: &[String]) -> Result<Infallible, EnterError> {
    let unblocked = SigSet::all().thread_unblock();
    unblocked.map_err(|e| EnterError::new("cannot unblock signals", e))?;
    let (program, arguments) = command.split_first().ok_or_else(|| {
        EnterError::new("no command", io::Error::from(io::ErrorKind::InvalidInput))
    })?;
    let error = Command::new(program).args(arguments).exec();
    Err(EnterError::new(format!("cannot execute {program}"), error))
}

/// Collects every child that has ended, our own and orphans, and gives the
/// exit code of the command if it is among them.
fn bury(command: Pid) -> Option<u8> {
    let mut ended = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == command => ended = Some(code),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == command => {
                ended = Some(128 + signal as i32);
            }
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => break,
            Ok(_) | Err(_) => {}
        }
    }
    ended.map(|code| u8::try_from(code).unwrap_or(1))
}

fn loopback() -> Result<(), EnterError> {
    let up = Command::new("/sbin/ip").args(["link", "set", "lo", "up"]).status();
    match up {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            Err(EnterError::new("`ip link set lo up` failed", io::Error::other(status.to_string())))
        }
        Err(error) => Err(EnterError::new("`ip` is missing: install iproute2", error)),
    }
}
