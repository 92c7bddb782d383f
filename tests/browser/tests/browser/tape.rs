//! What an agent says of its job, recorded in advance and played in parts.

use chrono::Utc;
use reqwest::{Method, StatusCode};
use serde_json::json;
use solstice_model::{AgentVerdict, Exit, Record, RecordBody, Stream};

use crate::world::World;

/// An attempt whose agent we play.
pub(crate) struct Tape<'a> {
    world: &'a World,
    pub(crate) attempt: String,
    next: u64,
    step: u32,
    waiting: Vec<Record>,
}

impl<'a> Tape<'a> {
    /// Claims the next job, brings its machine up and begins its first step.
    pub(crate) async fn begin(world: &'a World) -> Self {
        let attempt = world.run_up().await;
        let mut tape = Self { world, attempt, next: 1, step: 0, waiting: Vec::new() };
        tape.record(RecordBody::StepStarted { step: 0 });
        tape
    }

    fn record(&mut self, body: RecordBody) {
        self.waiting.push(Record { seq: self.next, at: Utc::now(), body });
        self.next += 1;
    }

    pub(crate) fn line(&mut self, text: &str) -> &mut Self {
        self.output(Stream::Stdout, text)
    }

    /// Lines that say which one they are: `gear 7`.
    pub(crate) fn gears(&mut self, numbers: impl IntoIterator<Item = u32>) -> &mut Self {
        for number in numbers {
            self.line(&format!("gear {number}"));
        }
        self
    }

    pub(crate) fn output(&mut self, stream: Stream, text: &str) -> &mut Self {
        let chunk = text.into();
        self.record(RecordBody::Output { step: self.step, stream, chunk, newline: true });
        self
    }

    pub(crate) fn note(&mut self, text: &str) -> &mut Self {
        self.record(RecordBody::Note { text: text.to_owned() });
        self
    }

    /// So many records were written behind our back.
    pub(crate) fn skip(&mut self, records: u64) {
        self.next += records;
    }

    /// Ends the step with this exit status.
    pub(crate) fn end_step(&mut self, code: u8) -> &mut Self {
        self.record(RecordBody::StepFinished { step: self.step, exit: Exit::Code { code } });
        self
    }

    /// Begins the next step.
    pub(crate) fn next_step(&mut self) -> &mut Self {
        self.step += 1;
        self.record(RecordBody::StepStarted { step: self.step });
        self
    }

    /// Sends what was recorded so far.
    pub(crate) async fn play(&mut self) {
        let path = format!("/attempts/{}/records", self.attempt);
        let records = std::mem::take(&mut self.waiting);
        for batch in records.chunks(3_000) {
            let request = self.world.host(Method::POST, &path).json(&json!({ "records": batch }));
            let answer = request.send().await.unwrap();
            let status = answer.status();
            assert_eq!(status, StatusCode::OK, "{:?}", answer.text().await);
        }
    }

    /// Ends the job: the step and all before it succeeded.
    pub(crate) async fn succeed(mut self) {
        self.end_step(0).record(RecordBody::Finished { verdict: AgentVerdict::Succeeded });
        self.play().await;
    }

    /// Ends the job: the step failed.
    pub(crate) async fn fail(mut self) {
        let (step, exit) = (self.step, Exit::Code { code: 2 });
        self.end_step(2);
        self.record(RecordBody::Finished { verdict: AgentVerdict::Failed { step, exit } });
        self.play().await;
    }
}
