//! Latency and failures for any command, and the journal of what was called.
//!
//! Both are files below the state directory, so that a test outside the
//! namespaces writes and reads them as well.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use camino::Utf8Path;
#[cfg(test)]
use camino::Utf8PathBuf;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::{Reply, WorldError, world};

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
    change(dir, |faults| faults.push(fault.clone()))
}

/// Takes back every fault.
///
/// # Errors
///
/// [`WorldError`].
pub fn clear(dir: &Utf8Path) -> Result<(), WorldError> {
    change(dir, Vec::clear)
}

/// Every call so far, in the order in which they ended.
///
/// # Errors
///
/// [`WorldError`].
pub fn journal(dir: &Utf8Path) -> Result<Vec<Call>, WorldError> {
    let path = dir.join("journal.jsonl");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(WorldError::File { path, source }),
    };
    let call = |line| serde_json::from_str(line);
    text.lines().map(call).collect::<Result<_, _>>().map_err(|source| damaged(&path, source))
}

/// Runs a program with whatever is to happen to it, and writes it down.
///
/// `argv` begins with the name or the path by which the program was called.
pub fn run(dir: &Utf8Path, argv: &[String], program: impl FnOnce(&[String]) -> Reply) -> Reply {
    let journal = Journal { dir, argv: called(argv), since: Instant::now() };
    match play(dir, &journal, argv, program) {
        Ok(reply) => reply,
        Err(error) => Reply::fail(BROKEN, describe(&error)),
    }
}

/// The exit code for a simulator that is itself broken, or that is asked for
/// what it does not simulate. None of illumos' commands uses it.
pub const BROKEN: u8 = 70;

fn play(
    dir: &Utf8Path,
    journal: &Journal<'_>,
    argv: &[String],
    program: impl FnOnce(&[String]) -> Reply,
) -> Result<Reply, WorldError> {
    let what = hit(dir, &journal.argv)?;
    match &what {
        Some(What::Delay { ms }) => std::thread::sleep(Duration::from_millis(*ms)),
        Some(What::FailBefore { code, stderr }) => {
            journal.write(Some(*code))?;
            return Ok(Reply::fail(*code, stderr));
        }
        Some(What::HangBefore) => hang(journal)?,
        Some(What::KillBefore) => die(journal)?,
        _ => {}
    }
    let reply = program(argv.get(1..).unwrap_or_default());
    match what {
        Some(What::FailAfter { code, stderr }) => {
            journal.write(Some(code))?;
            return Ok(Reply::fail(code, stderr));
        }
        Some(What::HangAfter) => hang(journal)?,
        Some(What::KillAfter) => die(journal)?,
        Some(What::KillProcessAfter { pid }) => kill(pid),
        _ => {}
    }
    journal.write(Some(reply.code))?;
    Ok(reply)
}

/// The program's name and its arguments.
fn called(argv: &[String]) -> Vec<String> {
    let mut argv = argv.to_vec();
    if let Some(program) = argv.first_mut() {
        *program = program.rsplit('/').next().unwrap_or_default().to_owned();
    }
    argv
}

fn hang(journal: &Journal<'_>) -> Result<(), WorldError> {
    journal.write(None)?;
    loop {
        std::thread::park();
    }
}

fn die(journal: &Journal<'_>) -> Result<(), WorldError> {
    journal.write(None)?;
    kill(rustix::process::getpid().as_raw_nonzero().get());
    Ok(())
}

/// Kills a process, or does nothing if it is gone already.
fn kill(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _gone = kill_process(pid, Signal::KILL);
    }
}

/// What is to happen to this call, if anything. Every matching fault counts it,
/// and the first of those whose turn it is plays.
fn hit(dir: &Utf8Path, argv: &[String]) -> Result<Option<What>, WorldError> {
    if !dir.join("faults.json").exists() {
        return Ok(None);
    }
    change(dir, |faults| {
        let mut played = None;
        for fault in faults.iter_mut().filter(|fault| fault.matches(argv)) {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if played.is_none() && fault.times > 0 {
                fault.times -= 1;
                played = Some(fault.what.clone());
            }
        }
        faults.retain(|fault| fault.times > 0);
        played
    })
}

impl Fault {
    fn matches(&self, argv: &[String]) -> bool {
        let (program, arguments) = argv.split_first().map_or(("", argv), |(p, a)| (p.as_str(), a));
        self.program.as_ref().is_none_or(|wanted| wanted == program)
            && self.arguments.iter().all(|wanted| arguments.contains(wanted))
    }
}

/// Works on the faults under their own lock: the world's may be held for long
/// by a command that is not concerned.
fn change<T>(dir: &Utf8Path, change: impl FnOnce(&mut Vec<Fault>) -> T) -> Result<T, WorldError> {
    let path = dir.join("faults.json");
    let _lock = world::lock(&dir.join("faults.lock"))?;
    let mut faults = match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| damaged(&path, source))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(WorldError::File { path, source }),
    };
    let done = change(&mut faults);
    let text = serde_json::to_vec_pretty(&faults).expect("faults can be written as JSON");
    world::replace(&path, &text)?;
    Ok(done)
}

fn damaged(path: &Utf8Path, source: serde_json::Error) -> WorldError {
    WorldError::Damaged { path: path.to_owned(), source }
}

fn describe(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", describe(source)),
        None => error.to_string(),
    }
}

/// What is to be written down when the call has ended.
struct Journal<'a> {
    dir: &'a Utf8Path,
    argv: Vec<String>,
    since: Instant,
}

impl Journal<'_> {
    /// One line in one write to a file opened for appending, so that calls
    /// that end at the same time do not mix.
    fn write(&self, code: Option<u8>) -> Result<(), WorldError> {
        let ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let call = Call { argv: self.argv.clone(), code, ms };
        let mut line = serde_json::to_vec(&call).expect("a call can be written as JSON");
        line.push(b'\n');
        let path = self.dir.join("journal.jsonl");
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut file| file.write_all(&line))
            .map_err(|source| WorldError::File { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(dir.path().to_owned()).unwrap();
        (dir, path)
    }

    fn fault(json: &str) -> Fault {
        serde_json::from_str(json).unwrap()
    }

    fn call(dir: &Utf8Path, line: &str) -> Reply {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        run(dir, &argv, |arguments| Reply::out(arguments.join(",")))
    }

    const SECOND_CLONE: &str = r#"{"program": "zfs", "arguments": ["clone"], "skip": 1,
        "what": {"kind": "fail_before", "code": 1, "stderr": "no"}}"#;

    #[test]
    fn only_the_wanted_call_fails_and_only_as_often_as_told() {
        let (_keep, dir) = state();
        inject(&dir, &fault(SECOND_CLONE)).unwrap();
        assert_eq!(call(&dir, "/sbin/zfs clone a"), Reply::out("clone,a"));
        assert_eq!(call(&dir, "/sbin/zpool clone a").code, 0);
        assert_eq!(call(&dir, "/sbin/zfs destroy a").code, 0);
        assert_eq!(call(&dir, "/sbin/zfs clone b"), Reply::fail(1, "no"));
        assert_eq!(call(&dir, "/sbin/zfs clone c").code, 0);
    }

    #[test]
    fn a_fault_afterwards_lets_the_work_be_done() {
        let (_keep, dir) = state();
        inject(&dir, &fault(r#"{"what": {"kind": "fail_after", "code": 3, "stderr": "late"}}"#))
            .unwrap();
        let mut worked = false;
        let argv = ["zfs".to_owned()];
        let reply = run(&dir, &argv, |_| {
            worked = true;
            Reply::ok()
        });
        assert_eq!((worked, reply), (true, Reply::fail(3, "late")));
    }

    #[test]
    fn cleared_faults_are_gone_and_every_call_is_written_down() {
        let (_keep, dir) = state();
        inject(&dir, &fault(SECOND_CLONE)).unwrap();
        clear(&dir).unwrap();
        assert_eq!(call(&dir, "/sbin/zfs clone a").code, 0);
        assert_eq!(call(&dir, "zfs clone b").code, 0);
        let calls = journal(&dir).unwrap();
        let argv: Vec<String> = calls.iter().map(|call| call.argv.join(" ")).collect();
        assert_eq!(argv, ["zfs clone a", "zfs clone b"]);
        assert!(calls.iter().all(|call| call.code == Some(0)));
    }
}
