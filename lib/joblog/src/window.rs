//! Some lines of a log, wherever they are.

use crate::assemble::{Assembler, LogLine};
use crate::error::LogError;
use crate::files::Paths;
use crate::state::State;

/// The most lines of one window.
pub(crate) const MAX_WINDOW_LINES: usize = 10_000;

/// The most bytes of text of one window; its last line may exceed it.
pub(crate) const MAX_WINDOW_BYTES: usize = 4 * 1024 * 1024;

/// How much of a log is read for one window, in bytes: a line may be endless.
const MAX_WALK_BYTES: usize = 16 * 1024 * 1024;

/// How much more is read for the ends of lines into which others were written.
const REACH_BYTES: usize = 1024 * 1024;

/// Lines that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The lines. One that goes on far behind the others is not ended here.
    pub lines: Vec<LogLine>,
    /// The number of the line after them; `None` if there is none yet.
    pub next: Option<u64>,
    /// How many lines the log has.
    pub total: u64,
    /// The last record that was durable when they were read.
    pub last_seq: u64,
}

impl State {
    /// The lines from one on: at least one if there is one, and no more than so
    /// many, nor more than so many bytes but for the last.
    pub(crate) fn window(
        &self,
        from: u64,
        count: usize,
        max_bytes: usize,
        paths: &Paths,
    ) -> Result<Window, LogError> {
        let total = self.numbers.lines();
        let place = self.line(from.max(1), paths)?;
        let start =
            self.index.before_seq(place.seq).map_err(LogError::read(self.path(paths), 0))?;
        let last = place.numbers.lines().saturating_add(count as u64).min(total);
        let begin = place.seq;
        let mut walk = self.walk(&start, paths);
        let mut lines = Assembler::at(place);
        let (mut work, mut beyond) = (0, 0);
        while let Some((seq, bytes)) = walk.next()? {
            if seq < begin {
                continue;
            }
            let size = bytes.len();
            let record = serde_json::from_slice(bytes).map_err(|_| walk.damaged())?;
            lines.push(&record);
            work += size;
            let enough = lines.count() >= last || lines.bytes() >= max_bytes;
            beyond += if enough { size } else { 0 };
            let reached = lines.count().min(last);
            if (enough && (!lines.is_open_up_to(reached) || beyond >= REACH_BYTES))
                || work >= MAX_WALK_BYTES
            {
                break;
            }
        }
        let mut lines = lines.into_lines();
        lines.truncate(count);
        let next = lines.last().map_or(from.max(1), |line| line.number + 1);
        let next = (next <= total).then_some(next);
        Ok(Window { lines, next, total, last_seq: self.last_seq })
    }
}
