//! Runs the steps of a job, one after the other, and says how it ended.
//!
//! Each step is a process group of its own. When a step's main process has
//! ended, its output is read to the end and whatever it left running is killed:
//! a step begins with no process of the one before.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use rustix::process::Pid;
use solstice_model::{AgentVerdict, Exit, JobSpec, RecordBody, StepSpec, TimeLimit};

use crate::capture::Capture;
use crate::console;
use crate::pid1;
use crate::stream::Stream;

/// How long a step may take to end after SIGTERM.
const TERM_GRACE: Duration = Duration::from_secs(5);

/// How long the system may take to end a process after SIGKILL.
const KILL_GRACE: Duration = Duration::from_secs(30);

/// The environment of every step, before the job's own.
const BASE_ENV: [(&str, &str); 4] = [
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("HOME", "/root"),
    ("LANG", "C.UTF-8"),
    ("TERM", "dumb"),
];

/// What may happen while a step runs.
#[derive(Debug)]
pub(crate) enum Event {
    /// The main process of this step has ended.
    Exited {
        /// Index of the step.
        step: u32,
        /// How.
        exit: Exit,
    },
    /// The host wants the job to stop.
    Stop,
}

/// The host wants the job to stop; no verdict is asked for.
#[derive(Debug, thiserror::Error)]
#[error("the host wants the job to stop")]
pub(crate) struct Stopped;

/// All that the steps of a job have in common.
#[derive(Debug)]
pub(crate) struct Steps<'a> {
    /// What to run.
    pub(crate) spec: &'a JobSpec,
    /// The root of the source.
    pub(crate) source: &'a Path,
    /// Where the scripts are written; outside the source.
    pub(crate) scripts: &'a Path,
    /// Where everything is recorded.
    pub(crate) stream: &'a Arc<Stream>,
    /// The end on which `events` come in.
    pub(crate) notify: &'a Sender<Event>,
    /// Ends of processes, and the wish to stop.
    pub(crate) events: &'a Receiver<Event>,
}

/// A moment at which a step is over, and the limit that says so.
#[derive(Debug)]
struct Deadline {
    at: Instant,
    limit: TimeLimit,
}

/// How a step ended.
#[derive(Debug)]
struct Ended {
    exit: Exit,
    /// The limit that ended it, if one did.
    timed_out: Option<TimeLimit>,
}

impl Steps<'_> {
    /// Runs them until one fails, the time is over or the host says stop.
    ///
    /// # Errors
    ///
    /// [`Stopped`] in the last case.
    pub(crate) fn run(&self) -> Result<AgentVerdict, Stopped> {
        let started = Instant::now();
        for (step, spec) in (0u32..).zip(&self.spec.steps) {
            console::say(&format!("step {step} begins"));
            self.stream.push_now(RecordBody::StepStarted { step });
            let Ended { exit, timed_out } = self.run_step(step, spec, started)?;
            console::say(&format!("step {step} ended: {exit}"));
            self.stream.push_now(RecordBody::StepFinished { step, exit: exit.clone() });
            if let Some(limit) = timed_out {
                return Ok(AgentVerdict::TimedOut { limit });
            }
            if !exit.success() {
                return Ok(AgentVerdict::Failed { step, exit });
            }
        }
        Ok(AgentVerdict::Succeeded)
    }

    fn run_step(&self, step: u32, spec: &StepSpec, started: Instant) -> Result<Ended, Stopped> {
        let deadline = self.deadline(step, spec, started);
        let child = match self.spawn(step, spec) {
            Ok(child) => child,
            Err(why) => return Ok(Ended { exit: Exit::NotStarted { why }, timed_out: None }),
        };
        self.supervise(step, child, deadline)
    }

    /// The limit that this step reaches first: its own or the job's.
    fn deadline(&self, step: u32, spec: &StepSpec, started: Instant) -> Deadline {
        let after = |from: Instant, seconds: u32| from + Duration::from_secs(seconds.into());
        let seconds = self.spec.timeout_s;
        let of_job = Deadline { at: after(started, seconds), limit: TimeLimit::Job { seconds } };
        match spec.timeout_s {
            Some(seconds) if after(Instant::now(), seconds) < of_job.at => Deadline {
                at: after(Instant::now(), seconds),
                limit: TimeLimit::Step { step, seconds },
            },
            _ => of_job,
        }
    }

    /// Starts a step; the reason why not is for people.
    fn spawn(&self, step: u32, spec: &StepSpec) -> Result<Child, String> {
        let script = self
            .write_script(step, &spec.run)
            .map_err(|error| format!("cannot write the script: {error}"))?;
        let directory = self.source.join(spec.working_dir.as_deref().unwrap_or("."));
        if !directory.is_dir() {
            let name = spec.working_dir.as_deref().unwrap_or_default();
            return Err(format!("the source has no directory {name:?}"));
        }
        let (program, arguments) = spec.shell.split_first().ok_or("the step names no shell")?;
        Command::new(program)
            .args(arguments)
            .arg(script)
            .current_dir(directory)
            .env_clear()
            .envs(BASE_ENV)
            .envs(&self.spec.env)
            .envs(&spec.env)
            .env("SOLSTICE_WORKSPACE", self.source)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("cannot start {program}: {error}"))
    }

    fn write_script(&self, step: u32, text: &str) -> io::Result<PathBuf> {
        std::fs::create_dir_all(self.scripts)?;
        let path = self.scripts.join(step.to_string());
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// Sees a running step through to its end.
    fn supervise(&self, step: u32, mut child: Child, by: Deadline) -> Result<Ended, Stopped> {
        let group = Group(Pid::from_child(&child));
        let stdout = child.stdout.take().expect("it was asked for");
        let stderr = child.stderr.take().expect("it was asked for");
        let capture = match Capture::start(step, stdout, stderr, self.stream) {
            Ok(capture) => capture,
            Err(error) => {
                group.kill_all();
                let why = format!("cannot read its output: {error}");
                return Ok(Ended { exit: Exit::NotStarted { why }, timed_out: None });
            }
        };
        let notify = self.notify.clone();
        std::thread::spawn(move || {
            let exit = pid1::wait_for(group.0);
            // Nobody listens any more if the host said stop.
            let _ = notify.send(Event::Exited { step, exit });
        });
        let ended = self.await_end(step, group, by).inspect_err(|Stopped| group.kill_all())?;
        capture.finish();
        group.kill_all();
        Ok(ended)
    }

    /// Waits for the end of a step and sees to it that there is one in time.
    fn await_end(&self, step: u32, group: Group, by: Deadline) -> Result<Ended, Stopped> {
        if let Some(exit) = self.await_exit(step, by.at)? {
            return Ok(Ended { exit, timed_out: None });
        }
        group.signal(Signal::SIGTERM);
        let mut exit = self.await_exit(step, Instant::now() + TERM_GRACE)?;
        if exit.is_none() {
            group.signal(Signal::SIGKILL);
            exit = self.await_exit(step, Instant::now() + KILL_GRACE)?;
        }
        // A process that not even SIGKILL moves is dead enough.
        let exit = exit.unwrap_or(Exit::Signal { signal: 9 });
        Ok(Ended { exit, timed_out: Some(by.limit) })
    }

    /// Waits for the end of this step; `None` if it is not there in time.
    fn await_exit(&self, step: u32, until: Instant) -> Result<Option<Exit>, Stopped> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(Event::Exited { step: ended, exit }) if ended == step => return Ok(Some(exit)),
                Ok(Event::Exited { .. }) => {}
                Ok(Event::Stop) => return Err(Stopped),
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => unreachable!("we hold a sender"),
            }
        }
    }
}

/// The process group of a step.
#[derive(Clone, Copy, Debug)]
struct Group(Pid);

impl Group {
    /// Signals every process of the group; none left is fine.
    fn signal(self, signal: Signal) {
        let _ = killpg(nix::unistd::Pid::from_raw(self.0.as_raw_nonzero().get()), signal);
    }

    /// Kills what the step left behind: in a machine everything but us.
    fn kill_all(self) {
        self.signal(Signal::SIGKILL);
        if pid1::is_init() {
            pid1::kill_everything();
        }
    }
}
