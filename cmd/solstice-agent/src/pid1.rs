//! What falls to process 1: orphans.
//!
//! Children are waited for in one place only, [`wait_for`]: in a machine it
//! waits for *any* child, so that orphans are reaped and the status of the one
//! that counts is never stolen from it.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, wait, waitpid};
use solstice_model::Exit;

/// How long killed processes may take to disappear.
const REAP_LIMIT: Duration = Duration::from_secs(2);

/// Whether this process is a machine's init: only the Linux images that are
/// made with the agent have it so.
pub(crate) fn is_init() -> bool {
    std::process::id() == 1
}

/// Waits until this child has ended. As init it also reaps whatever else ends
/// meanwhile; otherwise it leaves other children alone.
pub(crate) fn wait_for(child: Pid) -> Exit {
    loop {
        let ended = if is_init() {
            wait(WaitOptions::empty())
        } else {
            waitpid(Some(child), WaitOptions::empty())
        };
        match ended {
            Ok(Some((pid, status))) if pid == child => return exit_of(status),
            Ok(_) | Err(Errno::INTR) => {}
            // Only `kill_everything` can have been faster, and it had killed it.
            Err(_) => return Exit::Signal { signal: 9 },
        }
    }
}

/// What wait(2) said, in the model's words.
fn exit_of(status: WaitStatus) -> Exit {
    let byte = |value: i32| u8::try_from(value).expect("wait(2) has seven or eight bits for it");
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Exit::Code { code: byte(code) },
        (None, Some(signal)) => Exit::Signal { signal: byte(signal) },
        (None, None) => unreachable!("without WUNTRACED and WCONTINUED wait(2) tells of ends only"),
    }
}

/// Kills every process of the machine but this one and reaps what it can.
/// Only for init.
pub(crate) fn kill_everything() {
    // No process at all is as good as all of them killed.
    let _ = kill(nix::unistd::Pid::from_raw(-1), Signal::SIGKILL);
    let started = Instant::now();
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) if started.elapsed() < REAP_LIMIT => {
                std::thread::sleep(Duration::from_millis(5));
            }
            // None left, or one that not even SIGKILL moves.
            Ok(None) | Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    fn spawn(script: &str) -> (Child, Pid) {
        let child = Command::new("/bin/sh").args(["-c", script]).spawn().unwrap();
        let pid = Pid::from_child(&child);
        (child, pid)
    }

    #[test]
    fn codes_and_signals_are_told_truly() {
        for (script, exit) in [
            ("exit 0", Exit::Code { code: 0 }),
            ("exit 255", Exit::Code { code: 255 }),
            ("exit 143", Exit::Code { code: 143 }),
            ("kill -TERM $$", Exit::Signal { signal: 15 }),
            ("kill -9 $$", Exit::Signal { signal: 9 }),
            ("kill -40 $$", Exit::Signal { signal: 40 }),
        ] {
            let (_child, pid) = spawn(script);
            assert_eq!(wait_for(pid), exit, "{script}");
        }
    }

    #[test]
    fn other_children_of_an_ordinary_process_are_left_alone() {
        let (mut other, _) = spawn("exit 3");
        let (_child, pid) = spawn("sleep 0.1");
        assert!(wait_for(pid).success());
        assert_eq!(other.wait().unwrap().code(), Some(3));
    }
}
