//! The way from zoneadm and zlogin to a zone's zoneadmd.
//!
//! illumos has a door there (door_create(3C)); here it is a UNIX socket that takes
//! a line and answers with a line. As with the door, a client that goes away
//! cancels nothing.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use super::store::Store;
use crate::command::rbac::{CALLER_VARIABLE, Caller};
use crate::{World, WorldError, state_dir};

/// zoneadmd itself.
pub(super) const ZONEADMD: &str = "/usr/lib/zones/zoneadmd";
/// What zoneadmd prints when it is ready to serve.
pub(super) const READY: &str = "ready\n";
/// How often a zoneadmd that is going away is called again.
const TRIES: u32 = 5;

/// What zoneadmd can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    Boot,
    Halt,
    Ready,
    Shutdown,
    /// The zone is about to be uninstalled.
    Uninstalling,
}

/// What it answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) rval: i32,
    /// Lines for the client's standard error.
    pub(super) messages: Vec<String>,
}

/// Why zoneadmd could not be asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// It did not start; what it said.
    NotStarted(String),
    World(WorldError),
}

impl From<WorldError> for Failure {
    fn from(error: WorldError) -> Self {
        Failure::World(error)
    }
}

/// Where the door of a zone is.
pub(super) fn path(store: &Store, zone: &str) -> Utf8PathBuf {
    store.run.join(format!("{zone}.zoneadmd_door"))
}

/// Whether a zone's zoneadmd is there.
pub(super) fn is_open(store: &Store, zone: &str) -> bool {
    UnixStream::connect(path(store, zone)).is_ok()
}

/// Asks zoneadmd, which is started if need be, and waits for its answer
/// without a limit. `warnings` gets what it said when it was started.
pub(super) fn call(
    store: &Store,
    zone: &str,
    request: Request,
    warnings: &mut String,
) -> Result<Answer, Failure> {
    for _ in 0..TRIES {
        *warnings += &ensure(store, zone)?;
        if let Ok(Some(answer)) = ask(store, zone, request) {
            return Ok(answer);
        }
    }
    Err(Failure::NotStarted(String::new()))
}

/// `None` if zoneadmd went away before it took the request.
fn ask(store: &Store, zone: &str, request: Request) -> io::Result<Option<Answer>> {
    let mut stream = UnixStream::connect(path(store, zone))?;
    let mut line = serde_json::to_string(&request).expect("a request can be written as JSON");
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer).ok())
}

/// Starts a zone's zoneadmd unless it is there; gives what it had to say.
pub(super) fn ensure(store: &Store, zone: &str) -> Result<String, Failure> {
    if is_open(store, zone) {
        return Ok(String::new());
    }
    let broken = |error: io::Error| Failure::NotStarted(format!("{error}\n"));
    let _lock = store.zone_lock(zone).map_err(broken)?;
    if is_open(store, zone) {
        return Ok(String::new());
    }
    let caller = World::with(state_dir(), |world| Caller::current(world).variable())?;
    let mut child = Command::new(ZONEADMD)
        .args(["-z", zone])
        .env_clear()
        .envs([("PATH", "/usr/sbin:/usr/bin"), ("LC_ALL", "C"), (CALLER_VARIABLE, &caller)])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(broken)?;
    let mut said = String::new();
    let stdout = child.stdout.take().expect("it is a pipe");
    BufReader::new(stdout).read_to_string(&mut said).map_err(broken)?;
    match said.strip_suffix(READY) {
        Some(warnings) => Ok(warnings.to_owned()),
        None => {
            let _ended = child.wait();
            Err(Failure::NotStarted(said))
        }
    }
}
