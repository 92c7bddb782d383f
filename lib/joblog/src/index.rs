//! Where in the file some of the records begin.
//!
//! An entry every so many bytes; when there are too many, every second one goes
//! and the distance doubles. So its size is bounded, whatever the log's.

/// The distance at first, in bytes of the log.
const FIRST_STRIDE: u64 = 64 * 1024;

/// The most entries.
const MAX_ENTRIES: usize = 2048;

/// The sparse index of one log.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    /// Sequence number and offset of the line, ascending.
    entries: Vec<(u64, u64)>,
    stride: u64,
}

impl Index {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), stride: FIRST_STRIDE }
    }

    /// Tells that this record begins there. Calls come in order.
    pub(crate) fn note(&mut self, seq: u64, offset: u64) {
        let due = self.entries.last().map_or(0, |(_, last)| last + self.stride);
        if offset < due {
            return;
        }
        if self.entries.len() == MAX_ENTRIES {
            let mut keep = false;
            self.entries.retain(|_| {
                keep = !keep;
                keep
            });
            self.stride *= 2;
        }
        self.entries.push((seq, offset));
    }

    /// An offset at or before the record, where a line begins.
    pub(crate) fn before(&self, seq: u64) -> u64 {
        let after = self.entries.partition_point(|(entry, _)| *entry <= seq);
        after.checked_sub(1).map_or(0, |at| self.entries[at].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_has_a_small_index_that_still_leads_near() {
        let mut index = Index::new();
        let line = 100;
        let records = 10_000_000;
        for seq in 1..=records {
            index.note(seq, (seq - 1) * line);
        }
        assert!(index.entries.len() <= MAX_ENTRIES);
        assert!(index.entries.iter().all(|(seq, offset)| *offset == (seq - 1) * line));
        for seq in [1, 2, 5_000_000, records] {
            let (at, goal) = (index.before(seq), (seq - 1) * line);
            assert!(at <= goal && goal - at <= 2 * index.stride, "{seq}: {at} for {goal}");
            assert_eq!(at % line, 0);
        }
    }
}
