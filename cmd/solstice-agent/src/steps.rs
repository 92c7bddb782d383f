//! Runs the steps of a job, one after the other, and says how they ended.
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
use solstice_model::spec::MAX_RETRIES;
use solstice_model::{AgentVerdict, Exit, JobSpec, RecordBody, StepSpec, TimeLimit};

use crate::capture::Capture;
use crate::channel::Channel;
use crate::console;
use crate::pid1;
use crate::shell;
use crate::stream::Stream;

/// How long a step may take to end after SIGTERM.
const TERM_GRACE: Duration = Duration::from_secs(5);

/// How long the system may take to end a process after SIGKILL.
const KILL_GRACE: Duration = Duration::from_secs(30);

/// The environment of every step, before the job's own.
pub(crate) const BASE_ENV: [(&str, &str); 4] = [
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("HOME", "/root"),
    ("LANG", "C.UTF-8"),
    ("TERM", "dumb"),
];

/// What may happen while a step runs.
#[derive(Debug)]
pub(crate) enum Event {
    /// The main process of a step has ended.
    Exited {
        /// Which process: a step may be tried again.
        child: Pid,
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
    /// Where the artifacts of the needed jobs are, if there are any.
    pub(crate) input: Option<&'a Path>,
    /// The way to a person who wants a shell where a step has failed.
    pub(crate) visitor: Option<&'a Channel>,
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

/// What became of the steps.
#[derive(Debug)]
pub(crate) struct Done {
    /// The job's verdict, as far as the steps decide it.
    pub(crate) verdict: AgentVerdict,
    /// Whether the job's own time is over: nothing more is to be done then.
    pub(crate) time_is_over: bool,
}

impl Ended {
    /// The verdict on a job of which this step failed; `None` if it did not.
    fn failure(&self, step: u32) -> Option<AgentVerdict> {
        match &self.timed_out {
            Some(limit) => Some(AgentVerdict::TimedOut { limit: limit.clone() }),
            None if self.exit.success() => None,
            None => Some(AgentVerdict::Failed { step, exit: self.exit.clone() }),
        }
    }

    fn is_end_of_job(&self) -> bool {
        matches!(self.timed_out, Some(TimeLimit::Job { .. }))
    }
}

impl Steps<'_> {
    /// Runs those whose condition holds, until all are done, the job's time is
    /// over or the host says stop. The first failure that counts decides.
    ///
    /// # Errors
    ///
    /// [`Stopped`] in the last case.
    pub(crate) fn run(&self) -> Result<Done, Stopped> {
        let started = Instant::now();
        let mut failure: Option<AgentVerdict> = None;
        let mut time_is_over = false;
        for (step, spec) in (0u32..).zip(&self.spec.steps) {
            if !spec.when.holds(failure.is_some()) {
                self.stream.push_now(RecordBody::StepSkipped { step });
                continue;
            }
            let ended = self.run_tries(step, spec, started)?;
            time_is_over = ended.is_end_of_job();
            if time_is_over || !spec.continue_on_error {
                let first = failure.is_none();
                failure = failure.or(ended.failure(step));
                if first && failure.is_some() {
                    self.offer_shell(spec);
                }
            }
            if time_is_over {
                break;
            }
        }
        Ok(Done { verdict: failure.unwrap_or(AgentVerdict::Succeeded), time_is_over })
    }

    /// Runs a step, again if it fails and may be tried again.
    fn run_tries(&self, step: u32, spec: &StepSpec, started: Instant) -> Result<Ended, Stopped> {
        console::say(&format!("step {step} begins"));
        self.stream.push_now(RecordBody::StepStarted { step });
        let mut retries = spec.retries.min(MAX_RETRIES);
        loop {
            let ended = self.run_step(step, spec, started)?;
            let exit = ended.exit.clone();
            console::say(&format!("step {step} ended: {exit}"));
            if retries == 0 || ended.failure(step).is_none() || ended.is_end_of_job() {
                self.stream.push_now(RecordBody::StepFinished { step, exit });
                return Ok(ended);
            }
            retries -= 1;
            self.stream.push_now(RecordBody::StepRetried { step, exit });
        }
    }

    fn run_step(&self, step: u32, spec: &StepSpec, started: Instant) -> Result<Ended, Stopped> {
        let deadline = self.deadline(step, spec, started);
        let child = match self.spawn(step, spec) {
            Ok(child) => child,
            Err(why) => return Ok(Ended { exit: Exit::NotStarted { why }, timed_out: None }),
        };
        self.supervise(step, child, deadline)
    }

    /// Lets a person in, if there is one, and waits until they leave.
    fn offer_shell(&self, step: &StepSpec) {
        let Some(channel) = self.visitor else { return };
        if let Err(error) = shell::offer(channel, self.spec, step, self.source) {
            self.stream.note(format!("no shell: {}", console::with_causes(&error)));
        }
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
            .env("GITHUB_WORKSPACE", self.source)
            .envs(self.input.map(|input| ("SOLSTICE_INPUT", input)))
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
            let _ = notify.send(Event::Exited { child: group.0, exit });
        });
        let ended = self.await_end(group, by).inspect_err(|Stopped| group.kill_all())?;
        capture.finish();
        group.kill_all();
        Ok(ended)
    }

    /// Waits for the end of a step and sees to it that there is one in time.
    fn await_end(&self, group: Group, by: Deadline) -> Result<Ended, Stopped> {
        if let Some(exit) = self.await_exit(group, by.at)? {
            return Ok(Ended { exit, timed_out: None });
        }
        group.signal(Signal::SIGTERM);
        let mut exit = self.await_exit(group, Instant::now() + TERM_GRACE)?;
        if exit.is_none() {
            group.signal(Signal::SIGKILL);
            exit = self.await_exit(group, Instant::now() + KILL_GRACE)?;
        }
        // A process that not even SIGKILL moves is dead enough.
        let exit = exit.unwrap_or(Exit::Signal { signal: 9 });
        Ok(Ended { exit, timed_out: Some(by.limit) })
    }

    /// Waits for the end of this process; `None` if it is not there in time.
    fn await_exit(&self, group: Group, until: Instant) -> Result<Option<Exit>, Stopped> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(Event::Exited { child, exit }) if child == group.0 => return Ok(Some(exit)),
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
