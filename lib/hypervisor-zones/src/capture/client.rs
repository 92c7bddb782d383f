//! The orchestrator's side of a capture: to start one, to wait for its end, to end it.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::process::Stdio;
use std::time::Duration;

use solstice_illumos::contract;
use solstice_illumos::zone::ZoneName;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::{ChildStdout, Command};
use tokio::time::Instant;

use super::{ATTACHED, HELD, QUIT};
use crate::error::ZonesError;
use crate::folder::Folder;

/// The most bytes of a console that are kept.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// How long a capture may take to be attached: zlogin starts zoneadmd for it.
const ATTACH_LIMIT: Duration = Duration::from_secs(30);
/// How long a capture may take to end when it is told to.
const END_LIMIT: Duration = Duration::from_secs(10);
/// The pause before what another process is about to do is looked for again.
const PAUSE: Duration = Duration::from_millis(10);

/// How captures are started.
#[derive(Clone, Debug)]
pub(crate) struct Captures {
    /// Program and leading arguments.
    pub(crate) program: Vec<String>,
}

impl Captures {
    /// Sees to it that a machine's console is captured: returns when a capture,
    /// a new one or one that works already, is attached. It stays when this
    /// future is dropped.
    pub(crate) async fn attach(&self, zone: &ZoneName, folder: &Folder) -> Result<(), ZonesError> {
        let attached = async {
            loop {
                if let Some(capture) = connect(folder).await
                    && says_attached(BufReader::new(capture)).await
                {
                    return Ok(());
                }
                match self.start(zone, folder).await?.as_str() {
                    ATTACHED => return Ok(()),
                    // Another one has begun, or is about to end.
                    HELD => tokio::time::sleep(PAUSE).await,
                    _ => return Err(failed(zone, folder)),
                }
            }
        };
        let limited = tokio::time::timeout(ATTACH_LIMIT, attached).await;
        limited.unwrap_or_else(|_| Err(failed(zone, folder)))
    }

    /// Starts a capture and gives its first line; an empty one if it ended without.
    async fn start(&self, zone: &ZoneName, folder: &Folder) -> Result<String, ZonesError> {
        let stdout = self.spawn(zone, folder)?;
        let mut line = String::new();
        // What cannot be read is no line that is known.
        let _broken = BufReader::new(stdout.take(100)).read_line(&mut line).await;
        Ok(line)
    }

    /// Starts the process. Without an await, so that a crash has no place in here.
    fn spawn(&self, zone: &ZoneName, folder: &Folder) -> Result<ChildStdout, ZonesError> {
        let mut command = self.program.clone();
        command.extend([zone.to_string(), folder.path().to_string(), MOST_BYTES.to_string()]);
        let line = contract::detached(&command);
        let (program, arguments) = line.0.split_first().expect("a command has a program");
        let failed = |source| ZonesError::Spawn { program: line.to_string(), source };
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs([("PATH", "/usr/sbin:/usr/bin:/sbin"), ("LC_ALL", "C")])
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(folder.open_log()?)
            // An interrupt from our terminal is not for it.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let stdout = child.stdout.take().expect("standard output is a pipe");
        // Whoever made it reaps it, or a zombie is left until we end.
        tokio::spawn(async move { child.wait().await });
        Ok(stdout)
    }
}

/// Resolves when no capture of the machine works any more. Cancel safe.
pub(crate) async fn ended(folder: &Folder) {
    if let Some(mut capture) = connect(folder).await {
        until_closed(&mut capture).await;
    }
}

/// Ends a machine's capture and gives its lock, with which no other begins.
pub(crate) async fn end(zone: &ZoneName, folder: &Folder) -> Result<File, ZonesError> {
    let lock = folder.open_lock()?;
    let deadline = Instant::now() + END_LIMIT;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::Error(source)) => {
                return Err(ZonesError::file("lock the console in", folder.path())(source));
            }
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                return Err(ZonesError::Immortal { zone: zone.to_string() });
            }
            Err(TryLockError::WouldBlock) => {}
        }
        let left = deadline.saturating_duration_since(Instant::now());
        // Whether that was in time is seen by the lock.
        let _late = tokio::time::timeout(left, quit(folder)).await;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn quit(folder: &Folder) {
    let Some(mut capture) = connect(folder).await else { return };
    // It fails only if the capture ends just now.
    let _ending = capture.write_all(&[QUIT]).await;
    until_closed(&mut capture).await;
}

async fn connect(folder: &Folder) -> Option<UnixStream> {
    UnixStream::connect(folder.socket()).await.ok()
}

async fn says_attached(mut capture: BufReader<UnixStream>) -> bool {
    let mut line = String::new();
    capture.read_line(&mut line).await.is_ok() && line == ATTACHED
}

/// Reads until the capture closes the connection.
async fn until_closed(capture: &mut UnixStream) {
    let mut said = [0; 64];
    while is_open(capture.read(&mut said).await) {}
}

fn is_open(read: io::Result<usize>) -> bool {
    match read {
        Ok(n) => n > 0,
        Err(error) => error.kind() == ErrorKind::Interrupted,
    }
}

fn failed(zone: &ZoneName, folder: &Folder) -> ZonesError {
    ZonesError::Capture { zone: zone.to_string(), log: folder.log_tail() }
}
