//! A shell for a person, in the machine of a job of which a step has failed.
//!
//! The shell has a terminal of its own (pty(7)). Two streams of the host lead
//! to it: what the person types comes in the answer to one request, what the
//! shell prints goes in the body of another. It is over when the shell ends.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::Pid;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use solstice_model::terminal::Input;
use solstice_model::{JobSpec, StepSpec};

use crate::channel::{Channel, ChannelError};
use crate::pid1;
use crate::steps::BASE_ENV;

/// The first argument of this program when it is to become a shell.
pub(crate) const AS_SHELL: &str = "--become-shell";

/// What a person gets.
const SHELL: &str = "/bin/sh";

/// Why there was no shell.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShellError {
    #[error(transparent)]
    Channel(#[from] ChannelError),
    #[error("cannot open a terminal")]
    Terminal(#[source] io::Error),
    #[error("cannot start {SHELL}")]
    Start(#[source] io::Error),
}

/// Opens a shell where the step was, and waits until the person leaves it.
///
/// # Errors
///
/// [`ShellError`] if there is no person, no terminal or no shell.
pub(crate) fn offer(
    channel: &Channel,
    job: &JobSpec,
    step: &StepSpec,
    source: &Path,
) -> Result<(), ShellError> {
    let typed = channel.shell_input()?;
    let (terminal, theirs) = terminal().map_err(ShellError::Terminal)?;
    let shell = spawn(theirs, job, step, source).map_err(ShellError::Start)?;
    let keyboard = terminal.try_clone().map_err(ShellError::Terminal)?;
    // It ends with the stream, which the host closes when nobody is there.
    std::thread::spawn(move || {
        type_in(typed, keyboard);
        hang_up(shell);
    });
    let printed = channel.shell_output(Printed(terminal));
    // Without a way for its output the shell is of no use to anybody.
    hang_up(shell);
    pid1::wait_for(shell);
    printed.map_err(ShellError::from)
}

/// A new terminal: our end and the shell's.
fn terminal() -> io::Result<(File, OwnedFd)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    // Not every system has a flag for this.
    fcntl_setfd(&ours, FdFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let name = ptsname(&ours, Vec::new())?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let theirs = open(name.as_c_str(), flags, Mode::empty())?;
    Ok((ours.into(), theirs))
}

/// Starts this program again, which makes the terminal its own and becomes the
/// shell: that has to happen in the new process.
fn spawn(terminal: OwnedFd, job: &JobSpec, step: &StepSpec, source: &Path) -> io::Result<Pid> {
    let end = || terminal.try_clone().map(Stdio::from);
    let directory = source.join(step.working_dir.as_deref().unwrap_or("."));
    let child = Command::new(std::env::current_exe()?)
        .arg(AS_SHELL)
        .current_dir(if directory.is_dir() { &directory } else { source })
        .env_clear()
        .envs(BASE_ENV)
        .envs(&job.env)
        .envs(&step.env)
        .env("SOLSTICE_WORKSPACE", source)
        .env("TERM", "xterm-256color")
        .stdin(end()?)
        .stdout(end()?)
        .stderr(end()?)
        .spawn()?;
    Ok(Pid::from_child(&child))
}

/// Makes standard input the controlling terminal and becomes the shell; gives
/// the reason if that does not work.
pub(crate) fn become_shell() -> io::Error {
    let become_it = || -> io::Result<Infallible> {
        rustix::process::setsid()?;
        rustix::process::ioctl_tiocsctty(io::stdin().as_fd())?;
        Err(Command::new(SHELL).arg("-i").exec())
    };
    let Err(error) = become_it();
    error
}

/// Ends the shell, if it has not ended, as a terminal that goes away does.
fn hang_up(shell: Pid) {
    let group = nix::unistd::Pid::from_raw(shell.as_raw_nonzero().get());
    // There may be none left.
    let _ = killpg(group, Signal::SIGHUP);
}

/// Brings what the person does to the terminal.
fn type_in(mut typed: impl Read, mut terminal: File) {
    while let Ok(Some(input)) = Input::read(&mut typed) {
        let done = match input {
            Input::Typed(bytes) => terminal.write_all(&bytes),
            Input::Resized { columns, rows } => {
                let size = Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 };
                tcsetwinsize(&terminal, size).map_err(io::Error::from)
            }
        };
        if done.is_err() {
            return;
        }
    }
}

/// What the shell prints. A terminal whose last user has gone says EIO, which
/// is its way to say that this is the end (pty(7)).
struct Printed(File);

impl Read for Printed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer) {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => {
                Ok(0)
            }
            read => read,
        }
    }
}
