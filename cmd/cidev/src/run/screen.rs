//! What the developer sees while the jobs run.

use std::borrow::Cow;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use solstice_api::user::JobDetail;
use solstice_display::duration;
use solstice_engine::check::description;
use solstice_model::{JobName, JobSpec, JobState, Outcome, Record, RecordBody, Stream};

use super::plan::Plan;
use super::tree::Snapshot;
use crate::output::{harmless, table};

/// Standard output; lines of several jobs are told apart by a gutter.
pub(crate) struct Screen {
    began: Instant,
    terminal: bool,
    colours: bool,
    /// The width of the gutter; none for a single job.
    gutter: Option<usize>,
    /// Guards the order of what is written.
    out: Mutex<()>,
}

/// Where the output of one job is: in the middle of a line, perhaps.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    /// What was written of a line whose end has not come.
    unfinished: [Vec<u8>; 2],
}

/// The most bytes of a line that are waited for before it is shown in parts.
const MAX_LINE_BYTES: usize = 64 * 1024;

impl Screen {
    /// A screen for the jobs of this plan.
    pub(crate) fn new(plan: &Plan) -> Self {
        let widest = plan.jobs.iter().map(|job| job.name.as_str().len()).max();
        let terminal = std::io::stdout().is_terminal();
        Self {
            began: Instant::now(),
            terminal,
            colours: terminal && std::env::var_os("NO_COLOR").is_none(),
            gutter: widest.filter(|_| plan.jobs.len() > 1),
            out: Mutex::new(()),
        }
    }

    /// Lends standard output to somebody else: whoever writes waits.
    pub(crate) fn lend(&self) -> MutexGuard<'_, ()> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what is about to run.
    pub(crate) fn begin(&self, plan: &Plan, snapshot: &Snapshot) {
        let dirty = if snapshot.dirty { " with the changes of the work tree" } else { "" };
        let jobs = plan.jobs.len();
        let plural = if jobs == 1 { "" } else { "s" };
        let text = format!(
            "{} ({}): {jobs} job{plural} at {}{dirty}",
            harmless(&plan.workflow),
            harmless(&plan.file),
            snapshot.commit.short()
        );
        self.write(&self.paint("1", &text));
    }

    /// Says where a job stands.
    pub(crate) fn state(&self, detail: &JobDetail) {
        let job = &detail.job;
        let text = match &job.state {
            JobState::Queued | JobState::Claimed(_) => return,
            state => description(state, &[], Some(&detail.spec)),
        };
        let colour = match job.state.outcome() {
            None => "36",
            Some(Outcome::Succeeded | Outcome::Skipped { .. }) => "32",
            Some(_) => "31",
        };
        self.say(&job.name, &self.paint(colour, &harmless(&text)));
    }

    /// Says something of a job.
    pub(crate) fn note(&self, job: &JobName, text: &str) {
        self.say(job, &self.paint("36", &harmless(text)));
    }

    /// Shows a record.
    pub(crate) fn record(&self, spec: &JobSpec, record: &Record, cursor: &mut Cursor) {
        let name = |step: u32| {
            let found = usize::try_from(step).ok().and_then(|step| spec.steps.get(step));
            let name = found.map_or("?", |step| step.name.as_str());
            format!("step {}/{} “{}”", u64::from(step) + 1, spec.steps.len(), harmless(name))
        };
        let event = |colour: &str, text: String| self.say(&spec.name, &self.paint(colour, &text));
        match &record.body {
            RecordBody::Output { stream, chunk, newline, .. } => {
                self.output(&spec.name, *stream, &chunk.0, *newline, cursor);
            }
            RecordBody::StepStarted { step } => event("1;36", format!("── {}", name(*step))),
            RecordBody::StepSkipped { step } => {
                event("2", format!("── {} is not run", name(*step)))
            }
            RecordBody::StepRetried { step, exit } => {
                self.flush(&spec.name, cursor);
                event("33", format!("{} failed: {exit}; it is tried again", name(*step)));
            }
            RecordBody::StepFinished { step, exit } => {
                self.flush(&spec.name, cursor);
                if !exit.success() {
                    event("31", format!("{} failed: {exit}", name(*step)));
                }
            }
            RecordBody::Note { text } => event("36", harmless(text)),
            RecordBody::Finished { .. } => self.flush(&spec.name, cursor),
        }
    }

    /// The table at the end.
    pub(crate) fn summary(&self, jobs: &[JobDetail]) {
        let mut rows = vec![["JOB", "OUTCOME", "TIME"].map(str::to_owned).to_vec()];
        for detail in jobs {
            let job = &detail.job;
            let took = job.started_at.zip(job.finished_at).map(|(from, to)| to - from);
            let took = took.map(duration);
            let outcome = harmless(&description(&job.state, &[], Some(&detail.spec)));
            rows.push(vec![job.name.to_string(), outcome, took.unwrap_or_default()]);
        }
        self.write(&format!("\n{}", table(&rows).trim_end()));
        let all = self.began.elapsed().as_secs_f64();
        self.write(&self.paint("2", &format!("{all:.1} s altogether")));
    }

    /// What the step wrote. On a terminal, of its escape sequences only colours
    /// are left; elsewhere it is as it was written. With a gutter a line is shown when it is
    /// whole, so that lines of two jobs do not mix.
    fn output(
        &self,
        job: &JobName,
        stream: Stream,
        bytes: &[u8],
        newline: bool,
        cursor: &mut Cursor,
    ) {
        if self.gutter.is_none() {
            let end: &[u8] = if newline { b"\n" } else { b"" };
            return self.raw(&[&self.shown(bytes), end]);
        }
        let line = &mut cursor.unfinished[stream as usize];
        line.extend_from_slice(bytes);
        if newline || line.len() > MAX_LINE_BYTES {
            let line = std::mem::take(line);
            self.raw(&[self.prefix(job).as_bytes(), &self.shown(&line), b"\n"]);
        }
    }

    /// Shows what is left of lines that never ended.
    fn flush(&self, job: &JobName, cursor: &mut Cursor) {
        for line in &mut cursor.unfinished {
            if !line.is_empty() {
                let line = std::mem::take(line);
                self.raw(&[self.prefix(job).as_bytes(), &self.shown(&line), b"\n"]);
            }
        }
    }

    fn shown<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match self.terminal {
            true => Cow::Owned(solstice_display::line(bytes, self.colours).into_bytes()),
            false => Cow::Borrowed(bytes),
        }
    }

    fn say(&self, job: &JobName, text: &str) {
        match self.gutter {
            Some(_) => self.write(&format!("{}{text}", self.prefix(job))),
            None => self.write(text),
        }
    }

    fn prefix(&self, job: &JobName) -> String {
        let width = self.gutter.unwrap_or(0);
        self.paint("2", &format!("{:>width$} │ ", job.as_str()))
    }

    fn paint(&self, sgr: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{sgr}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn write(&self, text: &str) {
        self.raw(&[text.as_bytes(), b"\n"]);
    }

    /// A reader that went away has seen enough.
    fn raw(&self, parts: &[&[u8]]) {
        let _order = self.lend();
        let mut out = std::io::stdout().lock();
        for part in parts {
            let _ = out.write_all(part);
        }
        let _ = out.flush();
    }
}
