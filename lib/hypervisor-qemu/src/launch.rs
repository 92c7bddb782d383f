//! Starting QEMU, and telling one that died at once from one that is slow.

use std::io::{self, PipeReader, Write};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use camino::Utf8Path;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::args::Start;
use crate::error::QemuError;
use crate::folder::Folder;
use crate::process::{MARK, confirm};
use crate::qmp::{Qmp, QmpError, RunState};

/// Where QEMU's guest relay finds its own programs.
pub(crate) const PATH: &str = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How often a QEMU that dies without a word is started.
const TRIES: u32 = 3;
/// How long a guest that prints nothing is watched for a sudden death.
const SETTLE: Duration = Duration::from_secs(1);
/// How often the console is looked at meanwhile.
const GLANCE: Duration = Duration::from_millis(20);
/// How long QEMU may take to answer on its control socket.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// A machine that is ready to be started.
pub(crate) struct Launch<'a> {
    pub(crate) qemu: &'a Utf8Path,
    /// A command that becomes QEMU, with arguments of its own; none, if empty.
    pub(crate) through: &'a [String],
    pub(crate) start: &'a Start,
    /// QEMU's configuration, which holds the token.
    pub(crate) config: &'a str,
    pub(crate) folder: &'a Folder,
    /// The size of the root disk, which also bounds every file that QEMU writes.
    pub(crate) disk_bytes: u64,
}

enum Outcome {
    Runs,
    DiedSilently(ExitStatus),
}

impl Launch<'_> {
    /// Starts QEMU, detached, and returns when its guest runs (or has already
    /// run). QEMU stays when this future is dropped: it is found by its mark.
    pub(crate) async fn run(&self) -> Result<(), QemuError> {
        let mut tries = 1;
        loop {
            match self.try_once().await? {
                Outcome::Runs => return self.folder.mark_started(),
                Outcome::DiedSilently(_) if tries < TRIES => tries += 1,
                Outcome::DiedSilently(status) => {
                    return Err(QemuError::Died { tries, status, log: self.folder.log_tail() });
                }
            }
        }
    }

    async fn try_once(&self) -> Result<Outcome, QemuError> {
        let mut qemu = self.spawn()?;
        let status = tokio::select! {
            ended = &mut qemu => ended,
            ready = self.ready() => match ready {
                Ok(()) => return Ok(Outcome::Runs),
                // QEMU's end shows on its socket before it can be waited for.
                Err(error) => match tokio::time::timeout(SETTLE, &mut qemu).await {
                    Ok(ended) => ended,
                    Err(_) => return Err(error),
                },
            },
        };
        let status = status.expect("waiting does not panic");
        let status = status.map_err(QemuError::file("wait for QEMU of", self.folder.path()))?;
        if self.folder.console_bytes() > 0 {
            Ok(Outcome::Runs)
        } else if status.code().is_some_and(|code| code != 0) {
            Err(QemuError::Refused { status, log: self.folder.log_tail() })
        } else {
            Ok(Outcome::DiedSilently(status))
        }
    }

    /// Starts the process. Without an await, so that a crash has no place in here.
    fn spawn(&self) -> Result<JoinHandle<io::Result<ExitStatus>>, QemuError> {
        let failed = |source| QemuError::Spawn { qemu: self.qemu.to_owned(), source };
        let log = self.folder.open_log()?;
        let words = self.through.iter().map(String::as_str).chain([self.qemu.as_str()]);
        let mut words = words.map(str::to_owned).chain(self.start.argv());
        let mut command = Command::new(words.next().expect("QEMU at least is there"));
        command
            .args(words)
            .env_clear()
            .envs([("PATH", PATH), ("LC_ALL", "C"), (MARK, self.folder.path().as_str())])
            .current_dir("/")
            .stdin(Stdio::from(filled_pipe(self.config).map_err(failed)?))
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            // Its own group: an interrupt from our terminal is not for it.
            .process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        if let Some(pid) = child.id() {
            if let Err(error) = confirm(pid, self.folder.path()) {
                // Nobody could find it later.
                child.start_kill().map_err(failed)?;
                return Err(error);
            }
            self.bound_files(pid);
        }
        // Whoever made it reaps it, or a zombie is left until we end.
        Ok(tokio::spawn(async move { child.wait().await }))
    }

    /// Keeps a guest that floods its console from filling the host: no file of
    /// its QEMU grows beyond the disk and what qcow2 needs to describe it. What
    /// the guest prints then is lost; it goes on.
    fn bound_files(&self, pid: u32) {
        let most = self.disk_bytes + self.disk_bytes / 64 + (1 << 20);
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        // It fails only if the process has already ended.
        let _ended = prlimit(pid, Resource::Fsize, limit);
    }

    /// Resolves when the guest executes and has printed something or lived for a while.
    async fn ready(&self) -> Result<(), QemuError> {
        let begun = Instant::now();
        let mute = |source| QemuError::Mute { log: self.folder.log_tail(), source };
        let asked = tokio::time::timeout(ANSWER_LIMIT, self.executes()).await;
        asked.unwrap_or(Err(mute(QmpError::TooLate { limit: ANSWER_LIMIT })))?;
        while begun.elapsed() < SETTLE && self.folder.console_bytes() == 0 {
            tokio::time::sleep(GLANCE).await;
        }
        Ok(())
    }

    async fn executes(&self) -> Result<(), QemuError> {
        let mute = |source| QemuError::Mute { log: self.folder.log_tail(), source };
        let mut qmp = Qmp::connect_when_there(&self.start.qmp, ANSWER_LIMIT).await.map_err(mute)?;
        loop {
            match qmp.state().await.map_err(mute)? {
                RunState::Running => return Ok(()),
                RunState::Prelaunch => tokio::time::sleep(GLANCE).await,
                // A guest can be faster than we are; the watch sees to the rest.
                RunState::Shutdown | RunState::IoError => return Ok(()),
                state @ (RunState::InternalError | RunState::Other) => {
                    let log = self.folder.log_tail();
                    return Err(QemuError::Broken { state: format!("{state:?}"), log });
                }
            }
        }
    }
}

/// A pipe that holds a text and its end. The text is far shorter than a pipe's buffer.
pub(crate) fn filled_pipe(text: &str) -> io::Result<PipeReader> {
    let (reader, mut writer) = io::pipe()?;
    writer.write_all(text.as_bytes())?;
    Ok(reader)
}
