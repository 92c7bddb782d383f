//! A job's records and state as server-sent events.
//!
//! What a reader gets is read from the attempt's log while the reader takes it,
//! and those who are at its end share what one of them read: nothing is kept per
//! reader but a page of the log, so a slow one costs no memory and disturbs
//! nobody. The job is looked at when it changed, not when its log grew. The place in the log is the event's id, so a
//! reader that comes back with its last id misses nothing and gets nothing
//! twice (invariant I5).
//!
//! The state is read before the log: when it says that the attempt is over, all
//! its records are in the log already, and `end` comes after the last of them.

use std::collections::BTreeSet;
use std::fmt;
use std::future::ready;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use dropshot::{Body, HttpError};
use http::{HeaderValue, Response, header};
use slog::error;
use solstice_api::user::{JobDetail, LogLine};
use solstice_joblog::{Assembler, JobLogs, LogError};
use solstice_log::{chain, keys};
use solstice_model::{AttemptId, JobId, JobState, Record};
use solstice_store::StoreError;
use tokio::sync::{broadcast, watch};

use super::lines::shown;
use crate::context::Context;
use crate::error::{bad_request, from_store};
use crate::live::NEAR;
use crate::respond::{Gone, Writer, stream};

/// A comment is sent when nothing else was for this long, so that proxies keep
/// the connection and a dead one is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A place in the logs of a job: an event's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    attempt: AttemptId,
    /// The last record that the reader has.
    seq: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.attempt, self.seq)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (attempt, seq) = text.split_once(':').ok_or(())?;
        let attempt = attempt.parse().map_err(|_| ())?;
        Ok(Self { attempt, seq: seq.parse().map_err(|_| ())? })
    }
}

/// How a follower gets what the log gains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As records: programs.
    Records,
    /// As lines to be shown: the page.
    Lines,
}

impl Form {
    /// What the query says.
    pub(super) fn asked(form: Option<&str>) -> Result<Self, HttpError> {
        match form {
            None | Some("records") => Ok(Form::Records),
            Some("lines") => Ok(Form::Lines),
            Some(_) => Err(bad_request("`form` is `records` or `lines`")),
        }
    }
}

/// Why following ended before the job did.
enum Stop {
    Gone,
    Store(StoreError),
    Log(LogError),
}

impl From<Gone> for Stop {
    fn from(_: Gone) -> Self {
        Stop::Gone
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Stop::Store(error)
    }
}

impl From<LogError> for Stop {
    fn from(error: LogError) -> Self {
        Stop::Log(error)
    }
}

/// Answers with the events after `after`, for as long as the job takes.
pub(super) async fn follow(
    context: &Arc<Context>,
    job: JobId,
    after: Option<&str>,
    form: Form,
) -> Result<Response<Body>, HttpError> {
    let detail = context.store.job(job).await.map_err(from_store)?;
    let place = match after {
        Some(text) => {
            let place: Place = text.parse().map_err(|()| bad_request("not an event's id"))?;
            if !detail.attempts.iter().any(|attempt| attempt.id == place.attempt) {
                return Err(bad_request("not the id of an event of this job"));
            }
            Some(place)
        }
        None => None,
    };
    let (writer, body) = stream(&context.streams)?;
    let shared = Arc::clone(context);
    tokio::spawn(async move {
        let stop = shared.stop.clone();
        let mut reader = Reader { context: shared, job, writer, form, place, state: None };
        if let Some(Err(why)) = stop.run_until_cancelled(reader.run()).await {
            reader.note(why);
        }
    });
    let mut response = Response::new(body);
    let fields = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in fields {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// One reader.
struct Reader {
    context: Arc<Context>,
    job: JobId,
    writer: Writer,
    form: Form,
    /// How far the reader is; `None` before the first attempt.
    place: Option<Place>,
    /// The state that was told last.
    state: Option<JobState>,
}

impl Reader {
    async fn run(&mut self) -> Result<(), Stop> {
        self.writer.send(&b"retry: 2000\n\n"[..]).await?;
        let mut jobs = self.context.store.job_changes();
        let mut told = None;
        loop {
            let detail = self.context.store.job(self.job).await?;
            self.tell_state(&detail.job.state).await?;
            let finished = detail.job.state.is_finished();
            let Some(place) = self.place.or_else(|| first_place(&detail)) else {
                if finished {
                    return self.end().await;
                }
                self.until_changed(&mut jobs, None).await?;
                continue;
            };
            self.place = Some(place);
            if told != Some(place.attempt) {
                self.send("attempt", None, &serde_json::json!({ "attempt": place.attempt }))
                    .await?;
                told = Some(place.attempt);
            }
            // Subscribed before it is read: nothing can come in between unseen.
            let mut durable = self.context.logs.follow(place.attempt).await?;
            self.drain(&durable).await?;
            match next_attempt(&detail, place.attempt) {
                Some(next) => self.place = Some(Place { attempt: next, seq: 0 }),
                None if finished => return self.end().await,
                None => self.until_changed(&mut jobs, Some(&mut durable)).await?,
            }
        }
    }

    /// Passes on what the log gains until the job's state is another one. Which
    /// attempt holds the job is part of its state.
    async fn until_changed(
        &mut self,
        jobs: &mut broadcast::Receiver<JobId>,
        mut durable: Option<&mut watch::Receiver<u64>>,
    ) -> Result<(), Stop> {
        loop {
            match self.wait(jobs, durable.as_deref_mut()).await? {
                Woken::Grown => {
                    if let Some(durable) = durable.as_deref() {
                        self.drain(durable).await?;
                    }
                }
                Woken::Changed => {
                    let state = self.context.store.job_state(self.job).await?;
                    if self.state.as_ref() != Some(&state) {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Sends every record that is durable and that the reader does not have.
    async fn drain(&mut self, durable: &watch::Receiver<u64>) -> Result<(), Stop> {
        let Some(mut place) = self.place else { return Ok(()) };
        let attempt = place.attempt;
        let context = Arc::clone(&self.context);
        loop {
            let (from, last) = (place.seq + 1, *durable.borrow());
            let logs = &context.logs;
            let page = match self.form {
                Form::Records => {
                    let render = |records: Vec<Record>| ready(Ok(events(attempt, &records)));
                    context.live.page(logs, attempt, from, last, render).await?
                }
                // Nobody reads that fast: the page asks for what it shows of it.
                Form::Lines if last.saturating_sub(from) > NEAR => {
                    let total = logs.extent(attempt).await?.lines;
                    let skipped = Lines { total, skipped: true, ..Lines::default() };
                    self.send("lines", Some(Place { attempt, seq: last }), &skipped).await?;
                    place.seq = last;
                    self.place = Some(place);
                    continue;
                }
                Form::Lines => {
                    let render = |records| lines(logs, attempt, records);
                    context.live_lines.page(logs, attempt, from, last, render).await?
                }
            };
            let Some(page) = page else { return Ok(()) };
            self.writer.send(page.bytes).await?;
            place.seq = page.next_seq - 1;
            self.place = Some(place);
        }
    }

    async fn tell_state(&mut self, state: &JobState) -> Result<(), Stop> {
        if self.state.as_ref() != Some(state) {
            self.send("state", None, state).await?;
            self.state = Some(state.clone());
        }
        Ok(())
    }

    async fn end(&self) -> Result<(), Stop> {
        self.send("end", None, &serde_json::json!({})).await
    }

    async fn send(
        &self,
        name: &str,
        id: Option<Place>,
        data: &impl serde::Serialize,
    ) -> Result<(), Stop> {
        let mut piece = BytesMut::new();
        event(&mut piece, name, id, data);
        Ok(self.writer.send(piece.freeze()).await?)
    }

    /// Waits until there may be something new; sends heartbeats meanwhile.
    async fn wait(
        &self,
        jobs: &mut broadcast::Receiver<JobId>,
        durable: Option<&mut watch::Receiver<u64>>,
    ) -> Result<Woken, Stop> {
        let changed = async {
            loop {
                match jobs.recv().await {
                    Ok(job) if job != self.job => {}
                    // Lagged: whatever was missed, look again. Closed: likewise, and fail there.
                    _ => return,
                }
            }
        };
        let grown = async {
            if let Some(durable) = durable
                && durable.changed().await.is_ok()
            {
                return;
            }
            // A closed log grows no more; the store will say why.
            std::future::pending().await
        };
        let mut changed = std::pin::pin!(changed);
        let mut grown = std::pin::pin!(grown);
        loop {
            tokio::select! {
                () = &mut changed => return Ok(Woken::Changed),
                () = &mut grown => return Ok(Woken::Grown),
                () = self.writer.closed() => return Err(Stop::Gone),
                () = tokio::time::sleep(HEARTBEAT) => {
                    self.writer.send(Bytes::from_static(b": still here\n\n")).await?;
                }
            }
        }
    }

    fn note(&self, why: Stop) {
        let error = match why {
            Stop::Gone => return,
            Stop::Store(error) => chain(&error),
            Stop::Log(error) => chain(&error),
        };
        error!(self.context.log, "live log broke off"; keys::JOB => %self.job, keys::ERROR => error);
    }
}

/// What a reader was woken by.
enum Woken {
    /// Something about the job changed, or may have.
    Changed,
    /// Its log grew.
    Grown,
}

fn first_place(detail: &JobDetail) -> Option<Place> {
    detail.attempts.last().map(|attempt| Place { attempt: attempt.id, seq: 0 })
}

/// The attempt that came after this one, once that is over.
fn next_attempt(detail: &JobDetail, attempt: AttemptId) -> Option<AttemptId> {
    let at = detail.attempts.iter().position(|one| one.id == attempt)?;
    detail.attempts.get(at + 1).map(|next| next.id)
}

/// The events of some records of an attempt.
fn events(attempt: AttemptId, records: &[Record]) -> Bytes {
    let mut piece = BytesMut::new();
    for record in records {
        event(&mut piece, "record", Some(Place { attempt, seq: record.seq }), record);
    }
    piece.freeze()
}

/// What a log gained, ready to be shown.
#[derive(Default, serde::Serialize)]
struct Lines {
    /// The lines that are new or were added to, each as it is now.
    lines: Vec<LogLine>,
    /// What became of steps.
    records: Vec<Record>,
    /// How many lines there are now.
    total: u64,
    /// Whether there were too many: the lines up to `total` are to be asked for.
    skipped: bool,
}

/// The event of some records of an attempt, as lines.
async fn lines(
    logs: &JobLogs,
    attempt: AttemptId,
    records: Vec<Record>,
) -> Result<Bytes, LogError> {
    let Some((first, last)) = records.first().zip(records.last()) else { return Ok(Bytes::new()) };
    let (place, seq) = (logs.place(attempt, first.seq).await?, last.seq);
    let before = place.numbers.lines();
    let mut assembler = Assembler::at(place);
    let (mut told, mut grown) = (Lines::default(), BTreeSet::new());
    for record in records {
        match assembler.push(&record) {
            Some(line) if line <= before => drop(grown.insert(line)),
            Some(_) => {}
            None => told.records.push(record),
        }
    }
    told.total = assembler.count();
    for line in grown {
        told.lines.extend(logs.window(attempt, line, 1).await?.lines.into_iter().map(styled));
    }
    told.lines.extend(assembler.into_lines().into_iter().map(styled));
    let mut piece = BytesMut::new();
    event(&mut piece, "lines", Some(Place { attempt, seq }), &told);
    Ok(piece.freeze())
}

fn styled(line: solstice_joblog::LogLine) -> LogLine {
    shown(line, true)
}

/// Writes one event. JSON has no newline, so `data` is one line.
fn event(out: &mut BytesMut, name: &str, id: Option<Place>, data: &impl serde::Serialize) {
    if let Some(id) = id {
        out.put_slice(format!("id: {id}\n").as_bytes());
    }
    out.put_slice(format!("event: {name}\ndata: ").as_bytes());
    let json = serde_json::to_vec(data).expect("our own types have string keys only");
    out.put_slice(&json);
    out.put_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use solstice_model::id::new_id;

    use super::*;

    #[test]
    fn an_event_s_id_reads_back() {
        let place = Place { attempt: new_id(), seq: 12 };
        assert_eq!(place.to_string().parse(), Ok(place));
        for bad in
            ["", ":", "1:2", &format!("{}:", place.attempt), &format!("{}:-1", place.attempt)]
        {
            assert_eq!(bad.parse::<Place>(), Err(()), "{bad}");
        }
    }

    #[test]
    fn output_cannot_end_its_event() {
        let mut out = BytesMut::new();
        event(&mut out, "record", None, &"a\n\nevent: end\r\ndata: {}\n\n");
        let text = String::from_utf8(out.to_vec()).unwrap();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(!text.contains('\r'));
    }
}
