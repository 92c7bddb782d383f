//! Goes through the records of one attempt, each step and stream for itself.

use std::collections::BTreeMap;

use solstice_annotate::{Finder, Findings, Workspace};
use solstice_model::{JobSpec, Record, RecordBody, Stream};

/// What a record takes in a log besides its text, about, in bytes.
const RECORD_BYTES: u64 = 128;

/// How far an attempt's output was looked through.
#[derive(Debug)]
pub(super) struct Scan {
    /// Where each step runs.
    steps: Vec<Workspace>,
    /// The streams that have written something and are not over.
    open: BTreeMap<(u32, bool), Finder>,
    /// What was found in the try of a step that goes on.
    current: Findings,
    /// What was found before.
    found: Findings,
}

/// How much of a log a record is, about, in bytes.
pub(super) fn size(record: &Record) -> u64 {
    let text = match &record.body {
        RecordBody::Output { chunk, .. } => chunk.0.len() as u64,
        _ => 0,
    };
    RECORD_BYTES + text
}

impl Scan {
    pub(super) fn new(spec: &JobSpec, workspace: &Workspace) -> Self {
        let place = |dir: &Option<String>| match dir {
            Some(dir) => workspace.clone().in_dir(dir),
            None => workspace.clone(),
        };
        let steps = spec.steps.iter().map(|step| place(&step.working_dir)).collect();
        let (open, current, found) = (BTreeMap::new(), Findings::default(), Findings::default());
        Self { steps, open, current, found }
    }

    pub(super) fn records(mut self, records: &[Record]) -> Self {
        records.iter().for_each(|record| self.record(&record.body));
        self
    }

    fn record(&mut self, record: &RecordBody) {
        match record {
            RecordBody::Output { step, stream, chunk, newline } => {
                let place = usize::try_from(*step).ok().and_then(|step| self.steps.get(step));
                let Some(place) = place else { return };
                let key = (*step, *stream == Stream::Stderr);
                let finder = self.open.entry(key).or_insert_with(|| Finder::new(place.clone()));
                finder.output(&chunk.0, *newline, &mut self.current);
            }
            // What a try says that is made again does not count.
            RecordBody::StepRetried { .. } => {
                self.open.clear();
                self.current = Findings::default();
            }
            RecordBody::StepFinished { .. } | RecordBody::Finished { .. } => self.end_step(),
            RecordBody::StepStarted { .. }
            | RecordBody::StepSkipped { .. }
            | RecordBody::Note { .. } => {}
        }
    }

    /// A part of the log is left out.
    pub(super) fn skip(mut self) -> Self {
        self.end_step();
        self
    }

    /// All that was found.
    pub(super) fn end(mut self) -> Findings {
        self.end_step();
        self.found
    }

    fn end_step(&mut self) {
        for (_, mut finder) in std::mem::take(&mut self.open) {
            finder.end(&mut self.current);
        }
        self.found.append(std::mem::take(&mut self.current));
    }
}
