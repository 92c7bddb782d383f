//! The command and its run.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;

use crate::error::{CommandLine, ExecError};

/// The time limit of a command that names none.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
/// The most bytes of standard output that are kept in memory unless told otherwise.
const DEFAULT_STDOUT_LIMIT: u64 = 1024 * 1024;
/// How much of the end of standard error is kept.
const STDERR_TAIL_BYTES: usize = 8 * 1024;

/// A command that is yet to run.
#[derive(Debug)]
#[must_use = "a command does nothing until it is run"]
pub struct Command {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    clear_env: bool,
    directory: Option<PathBuf>,
    stdin: Option<File>,
    stdout: Option<File>,
    stdout_limit: Option<u64>,
    timeout: Duration,
    remedy: Option<String>,
}

/// What a successful command wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// All of its standard output; empty if that went to a file.
    pub stdout: Vec<u8>,
    /// The last part of its standard error.
    pub stderr: String,
}

impl Output {
    /// Standard output as text, with U+FFFD for what is not UTF-8.
    pub fn stdout_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }
}

impl Command {
    /// A command of this program, by absolute path or looked for in `PATH`.
    pub fn new(program: impl AsRef<Path>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            env: vec![("LC_ALL".into(), "C".into())],
            clear_env: false,
            directory: None,
            stdin: None,
            stdout: None,
            stdout_limit: None,
            timeout: DEFAULT_TIMEOUT,
            remedy: None,
        }
    }

    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Gives it only `LC_ALL` and what [`Command::env`] sets, nothing of ours.
    pub fn env_clear(mut self) -> Self {
        self.clear_env = true;
        self
    }

    /// Runs it in this directory.
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().to_owned());
        self
    }

    /// Feeds it this file; without, its standard input is empty.
    pub fn stdin_from(mut self, file: File) -> Self {
        self.stdin = Some(file);
        self
    }

    /// Streams its standard output into this file instead of keeping it, as
    /// much as it writes unless [`Command::stdout_limit`] is set as well.
    pub fn stdout_to(mut self, file: File) -> Self {
        self.stdout = Some(file);
        self
    }

    /// Sets how many bytes it may write to standard output; 1 MiB if that is
    /// kept in memory and this is not called.
    pub fn stdout_limit(mut self, bytes: u64) -> Self {
        self.stdout_limit = Some(bytes);
        self
    }

    /// Sets its time limit; 60 s if this is not called.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Sets what to tell people if the program is not installed.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The command for people.
    pub fn line(&self) -> CommandLine {
        let program = self.program.clone().into_os_string();
        CommandLine([program].into_iter().chain(self.args.iter().cloned()).collect())
    }

    /// Runs it to its end. Dropping the future kills the command with
    /// everything in its process group.
    ///
    /// # Errors
    ///
    /// [`ExecError`] unless it ends in time with exit status 0 and within its bounds.
    pub async fn run(mut self) -> Result<Output, ExecError> {
        let line = self.line();
        let mut group = Group::of(self.spawn()?);
        let mut stderr = Tail::default();
        let (sink, limit) = match self.stdout.take() {
            None => (Sink::Memory(Vec::new()), self.stdout_limit.unwrap_or(DEFAULT_STDOUT_LIMIT)),
            Some(file) => (Sink::File(file.into()), self.stdout_limit.unwrap_or(u64::MAX)),
        };
        let work = group.run(sink, limit, &mut stderr);
        let ended = tokio::time::timeout(self.timeout, work).await;
        let stderr = stderr.text();
        match ended {
            Err(_) => Err(ExecError::TimedOut { line, limit: self.timeout, stderr }),
            Ok(Err(End::TooMuch)) => Err(ExecError::TooMuchOutput { line, limit }),
            Ok(Err(End::Io(source))) => Err(ExecError::System { line, source }),
            Ok(Ok((status, _))) if !status.success() => {
                Err(ExecError::Failed { line, status, stderr })
            }
            Ok(Ok((_, stdout))) => Ok(Output { stdout, stderr }),
        }
    }

    fn spawn(&mut self) -> Result<Child, ExecError> {
        let mut command = tokio::process::Command::new(&self.program);
        if self.clear_env {
            command.env_clear();
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(self.stdin.take().map_or_else(Stdio::null, Stdio::from))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command.spawn().map_err(|source| self.spawn_error(source))
    }

    fn spawn_error(&self, source: io::Error) -> ExecError {
        let line = self.line();
        match &self.directory {
            Some(directory) if !directory.is_dir() => {
                ExecError::NoDirectory { line, directory: directory.clone() }
            }
            _ if source.kind() == io::ErrorKind::NotFound => {
                ExecError::NotFound { program: self.program.clone(), remedy: self.remedy.clone() }
            }
            _ => ExecError::System { line, source },
        }
    }
}

impl From<&std::process::Command> for Command {
    /// Takes over the program, the arguments, the directory and the variables
    /// that were set: for command lines that somebody else's builder makes.
    /// Whether it was to begin with an empty environment cannot be asked; its
    /// streams are not taken over either.
    fn from(other: &std::process::Command) -> Self {
        let command = Command::new(other.get_program()).args(other.get_args());
        let command = match other.get_current_dir() {
            None => command,
            Some(directory) => command.current_dir(directory),
        };
        let set = other.get_envs().filter_map(|(name, value)| Some((name, value?)));
        set.fold(command, |command, (name, value)| command.env(name, value))
    }
}

/// A running command. Dropping it kills the whole process group.
struct Group {
    child: Child,
}

/// Why a run was given up.
enum End {
    TooMuch,
    Io(io::Error),
}

impl From<io::Error> for End {
    fn from(source: io::Error) -> Self {
        End::Io(source)
    }
}

impl Group {
    fn of(child: Child) -> Self {
        Self { child }
    }

    /// Takes the output to its end and only then waits: until then the leader's
    /// process id, which is also the group's, cannot be given to anybody else.
    async fn run(
        &mut self,
        sink: Sink,
        limit: u64,
        tail: &mut Tail,
    ) -> Result<(ExitStatus, Vec<u8>), End> {
        let stdout = self.child.stdout.take().expect("standard output is a pipe");
        let stderr = self.child.stderr.take().expect("standard error is a pipe");
        let errors = async { Ok(tail.fill(stderr).await?) };
        let ((), stdout) = tokio::try_join!(errors, sink.fill(stdout, limit))?;
        Ok((self.child.wait().await?, stdout))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // `id` is none once the leader was waited for; nothing is left to kill then.
        let leader = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(leader) = leader {
            // It fails only if the group is already gone.
            let _gone = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// Where standard output goes.
enum Sink {
    Memory(Vec<u8>),
    File(tokio::fs::File),
}

impl Sink {
    async fn fill(mut self, mut from: impl AsyncRead + Unpin, limit: u64) -> Result<Vec<u8>, End> {
        let mut left = limit;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let n = from.read(&mut buffer).await?;
            if n == 0 {
                break;
            }
            left = left.checked_sub(n as u64).ok_or(End::TooMuch)?;
            match &mut self {
                Sink::Memory(bytes) => bytes.extend_from_slice(&buffer[..n]),
                Sink::File(file) => file.write_all(&buffer[..n]).await?,
            }
        }
        match self {
            Sink::Memory(bytes) => Ok(bytes),
            Sink::File(mut file) => {
                file.flush().await?;
                Ok(Vec::new())
            }
        }
    }
}

/// The end of standard error.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Tail {
    async fn fill(&mut self, mut from: impl AsyncRead + Unpin) -> io::Result<()> {
        let mut buffer = vec![0; STDERR_TAIL_BYTES];
        loop {
            let n = from.read(&mut buffer).await?;
            if n == 0 {
                return Ok(());
            }
            self.0.extend_from_slice(&buffer[..n]);
            let excess = self.0.len().saturating_sub(STDERR_TAIL_BYTES);
            self.0.drain(..excess);
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}
