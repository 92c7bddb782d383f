//! Latency and failures for any command, and the journal of what was called.
//!
//! Both are files below the state directory, so that a test outside the
//! namespaces writes and reads them as well.

use std::time::Duration;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use crate::{Reply, WorldError};

/// A failure to be played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The program, such as `zfs`; any if absent.
    #[serde(default)]
    pub program: Option<String>,
    /// Arguments that must all occur, such as `clone`.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// How many matching calls pass unharmed first.
    #[serde(default)]
    pub skip: u32,
    /// How many matching calls are hit after that; then the fault is gone.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens.
    pub what: What,
}

fn once() -> u32 {
    1
}

/// What happens to a command that is hit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum What {
    /// It waits this long, in milliseconds, and then does what it should.
    Delay {
        /// How long.
        ms: u64,
    },
    /// It fails with this, without having done anything.
    FailBefore {
        /// Its exit code.
        code: u8,
        /// The line on standard error.
        stderr: String,
    },
    /// It does all it should and then fails with this.
    FailAfter {
        /// Its exit code.
        code: u8,
        /// The line on standard error.
        stderr: String,
    },
    /// It never ends, without having done anything.
    HangBefore,
    /// It does all it should and then never ends.
    HangAfter,
    /// It is killed before it does anything.
    KillBefore,
    /// It is killed when it has done all it should.
    KillAfter,
    /// When it has done all it should, this process is killed, and then it ends as it would.
    KillProcessAfter {
        /// Its process id.
        pid: i32,
    },
}

/// One call, as it is written into the journal when it has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The program's name and its arguments.
    pub argv: Vec<String>,
    /// Its exit code; `None` for one that a fault killed or hung.
    pub code: Option<u8>,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// Adds a fault.
///
/// # Errors
///
/// [`WorldError`].
pub fn inject(dir: &Utf8Path, fault: &Fault) -> Result<(), WorldError> {
    let _ = (dir, fault);
    todo!()
}

/// Takes back every fault.
///
/// # Errors
///
/// [`WorldError`].
pub fn clear(dir: &Utf8Path) -> Result<(), WorldError> {
    let _ = dir;
    todo!()
}

/// Every call so far, in the order in which they ended.
///
/// # Errors
///
/// [`WorldError`].
pub fn journal(dir: &Utf8Path) -> Result<Vec<Call>, WorldError> {
    let _ = dir;
    todo!()
}

/// Runs a program with whatever is to happen to it, and writes it down.
pub fn run(dir: &Utf8Path, argv: &[String], program: impl FnOnce(&[String]) -> Reply) -> Reply {
    let _ = (dir, Duration::ZERO);
    program(argv.get(1..).unwrap_or_default())
}
