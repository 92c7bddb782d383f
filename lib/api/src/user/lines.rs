//! A job's log line by line: windows of it, what is found in it, its steps.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solstice_model::{AttemptId, Chunk, Exit, Stream};

/// Which lines of a log.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LinesQuery {
    /// The attempt, from 1; the last if absent.
    #[serde(default)]
    pub attempt: Option<u32>,
    /// The first line wanted, from 1; the first of all, or of the step, if absent.
    #[serde(default)]
    pub from: Option<u64>,
    /// The most lines of the answer; at most 2,000, and 500 if absent.
    #[serde(default)]
    #[schemars(range(min = 1, max = 2000))]
    pub limit: Option<u32>,
    /// Only lines of the step with this index, from 0.
    #[serde(default)]
    pub step: Option<u32>,
    /// Whether lines come as styled spans in place of their bytes.
    #[serde(default)]
    pub styled: bool,
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogLine {
    /// Its number in the attempt, from 1; the same in every view of the log.
    pub number: u64,
    /// Index of the step that wrote it; absent for a note of the agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// The stream that it was written to; absent for a note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// When it began, by the guest's clock.
    pub at: DateTime<Utc>,
    /// What was written, without the newline; absent where spans were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Chunk>,
    /// The same as people see it, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spans: Option<Vec<LineSpan>>,
    /// Whether it has more than the 64 KiB that are given of a line.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// Whether it goes on, or its end is far behind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
}

/// A stretch of a line in one style: no escape sequences, no controls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineSpan {
    /// Class names of the pages' style sheet: `f0` to `f15` (colour), `b0` to
    /// `b15` (background), `so` (bold), `sd` (dim), `si` (italic), `su`
    /// (underlined); absent for plain text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// The text.
    pub text: String,
}

/// A window of a log.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LinesPage {
    /// Of which attempt.
    pub attempt: AttemptId,
    /// The lines, in order. Fewer than asked for where they are very long.
    pub lines: Vec<LogLine>,
    /// How many lines the log has so far.
    pub total: u64,
    /// Where the next window begins; absent at the end of what there is.
    pub next: Option<u64>,
    /// Whether the attempt is over: no line will follow.
    pub over: bool,
}

/// What is looked for in a log.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SearchQuery {
    /// The text, at most 1 KiB.
    #[serde(default)]
    pub q: Option<String>,
    /// Lines that look like errors, in place of a text.
    #[serde(default)]
    pub errors: bool,
    /// Whether the case of letters matters; otherwise that of ASCII letters does not.
    #[serde(default)]
    pub case: bool,
    /// The attempt, from 1; the last if absent.
    #[serde(default)]
    pub attempt: Option<u32>,
    /// The line to begin at, from 1.
    #[serde(default)]
    pub from: Option<u64>,
    /// The most lines of the answer; at most 1,000, and 100 if absent. With 0
    /// they are only counted.
    #[serde(default)]
    #[schemars(range(max = 1000))]
    pub limit: Option<u32>,
}

/// What was found in a part of a log.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogMatches {
    /// Of which attempt.
    pub attempt: AttemptId,
    /// The lines, in order.
    pub hits: Vec<LogHit>,
    /// How many lines match in the part that was searched.
    pub count: u64,
    /// How many lines the log has so far.
    pub total: u64,
    /// The line to go on from; absent when the end of the log was reached.
    pub next: Option<u64>,
}

/// A line in which it was found.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogHit {
    /// The line's number.
    pub number: u64,
    /// Index of the step that wrote it; absent for a note of the agent's.
    pub step: Option<u32>,
    /// The line as people see it; of a long one the part with the first match,
    /// at most 300 characters.
    pub text: String,
    /// Where in the line that begins, in characters.
    pub offset: u64,
    /// Where in `text` the matches are; at most 20.
    pub matches: Vec<LogMatch>,
}

/// A match, in characters of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogMatch {
    /// The first character, from 0.
    pub start: u64,
    /// The one after the last.
    pub end: u64,
}

/// Of which attempt.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogStepsQuery {
    /// The attempt, from 1; the last if absent.
    #[serde(default)]
    pub attempt: Option<u32>,
}

/// Where in a log the steps are.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogSteps {
    /// Of which attempt.
    pub attempt: AttemptId,
    /// The steps of the job, in order.
    pub steps: Vec<LogStep>,
    /// How many lines the log has so far.
    pub total: u64,
    /// The line to look at first, once the attempt is over and did not succeed:
    /// of the step that failed or was stopped the first line that looks like an
    /// error, else the last that it wrote to stderr, else its last.
    pub first_error_line: Option<u64>,
    /// Whether the attempt is over.
    pub over: bool,
}

/// Where in a log one step is, and how it went.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogStep {
    /// Its index, from 0.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its first line; absent until it has one.
    pub first_line: Option<u64>,
    /// Its last line so far.
    pub last_line: Option<u64>,
    /// When it began, by the guest's clock; absent if it has not.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended, by the guest's clock.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub exit: Option<Exit>,
}
