//! zlogin on a pseudo-terminal.

use std::fs::File;
use std::process::{Child, Command, Stdio};

use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use rustix::io::{FdFlags, fcntl_setfd};
use solstice_exec::CommandLine;

use super::CaptureError;

/// zlogin, and our end of its terminal. Dropping it hangs up the terminal, at
/// which zlogin ends.
pub(super) struct Terminal {
    pub(super) master: File,
    pub(super) zlogin: Child,
}

impl Terminal {
    /// Starts zlogin, its messages going where ours go.
    pub(super) fn open(zlogin: &CommandLine) -> Result<Self, CaptureError> {
        let pty = openpty(None, None).map_err(CaptureError::system("make a terminal"))?;
        // zlogin must not hold our end open.
        for end in [&pty.master, &pty.slave] {
            fcntl_setfd(end, FdFlags::CLOEXEC)
                .map_err(CaptureError::system("keep a terminal to itself"))?;
        }
        let raw = || CaptureError::system("make a terminal raw");
        let mut settings = tcgetattr(&pty.slave).map_err(raw())?;
        cfmakeraw(&mut settings);
        tcsetattr(&pty.slave, SetArg::TCSANOW, &settings).map_err(raw())?;
        let (program, arguments) = zlogin.0.split_first().expect("a command has a program");
        let other = pty.slave.try_clone().map_err(CaptureError::system("share a terminal"))?;
        let zlogin = Command::new(program)
            .args(arguments)
            .stdin(Stdio::from(pty.slave))
            .stdout(Stdio::from(other))
            .spawn()
            .map_err(CaptureError::system("run zlogin"))?;
        Ok(Self { master: File::from(pty.master), zlogin })
    }

    /// Ends zlogin, if it has not ended, and takes its leave.
    pub(super) fn close(mut self) {
        drop(self.master);
        // It fails only if zlogin has ended, or runs with a user's identity that
        // is not ours any more; it has no terminal in either case.
        let _ended = self.zlogin.kill();
        let _reaped = self.zlogin.wait();
    }
}
