//! A place in a log at which everything about it is known, in 104 bytes.
//!
//! All numbers are little-endian:
//!
//! | bytes | what |
//! | --- | --- |
//! | 0..8 | sequence number of the record that begins here |
//! | 8..16 | offset of its line in the log, in bytes |
//! | 16..24 | number of lines of output that began before it |
//! | 24..28 | index of the step that begins or ends with it |
//! | 28 | 0: no step does, 1: it begins, 2: it ends |
//! | 29 | how many of the following are in use |
//! | 30..32 | zero |
//! | 32..96 | four times: step (4), stream (4; 0 stdout, 1 stderr), number (8) of a line that goes on |
//! | 96..104 | FNV-1a of the attempt's id and of the bytes before |
//!
//! The sum tells a torn checkpoint, and one of another log, from a good one. It
//! does not protect from malice: whoever writes there can write to the log as well.

use newtype_uuid::GenericUuid as _;
use solstice_model::{AttemptId, Stream};

use crate::numbers::{LineNumbers, MAX_OPEN, OpenLine};

/// The size of a checkpoint on disk.
pub(crate) const CHECKPOINT_BYTES: usize = 104;

const SUMMED: usize = CHECKPOINT_BYTES - 8;

/// What is known before a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// The record.
    pub(crate) seq: u64,
    /// Where its line begins.
    pub(crate) offset: u64,
    /// The lines before it.
    pub(crate) numbers: LineNumbers,
    /// What it is to its step.
    pub(crate) edge: Edge,
}

/// What a record may be to its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    None,
    Begin(u32),
    End(u32),
}

impl Checkpoint {
    /// The beginning of every log.
    pub(crate) fn start() -> Self {
        Self { seq: 1, offset: 0, numbers: LineNumbers::default(), edge: Edge::None }
    }

    pub(crate) fn encode(&self, attempt: AttemptId) -> [u8; CHECKPOINT_BYTES] {
        let mut bytes = [0; CHECKPOINT_BYTES];
        bytes[..8].copy_from_slice(&self.seq.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.offset.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.numbers.lines().to_le_bytes());
        let (step, edge) = match self.edge {
            Edge::None => (0, 0),
            Edge::Begin(step) => (step, 1),
            Edge::End(step) => (step, 2),
        };
        bytes[24..28].copy_from_slice(&step.to_le_bytes());
        bytes[28] = edge;
        let open = &self.numbers.open()[..self.numbers.open().len().min(MAX_OPEN)];
        bytes[29] = u8::try_from(open.len()).expect("few lines are open");
        for (line, into) in open.iter().zip(bytes[32..SUMMED].chunks_exact_mut(16)) {
            into[..4].copy_from_slice(&line.step.to_le_bytes());
            into[4] = u8::from(line.stream == Stream::Stderr);
            into[8..].copy_from_slice(&line.line.to_le_bytes());
        }
        let sum = sum(attempt, &bytes[..SUMMED]);
        bytes[SUMMED..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// `None` if it is torn, or not of this log.
    pub(crate) fn decode(bytes: &[u8], attempt: AttemptId) -> Option<Self> {
        if bytes.len() != CHECKPOINT_BYTES
            || number(bytes, SUMMED) != sum(attempt, &bytes[..SUMMED])
        {
            return None;
        }
        let step = number32(bytes, 24);
        let edge = match bytes[28] {
            0 => Edge::None,
            1 => Edge::Begin(step),
            2 => Edge::End(step),
            _ => return None,
        };
        let open = bytes[32..SUMMED].chunks_exact(16).take(bytes[29].into());
        let open = open.map(|line| OpenLine {
            step: number32(line, 0),
            stream: if line[4] == 0 { Stream::Stdout } else { Stream::Stderr },
            line: number(line, 8),
        });
        let numbers = LineNumbers::at(number(bytes, 16), open.collect());
        Some(Self { seq: number(bytes, 0), offset: number(bytes, 8), numbers, edge })
    }
}

/// The eight bytes there as a number.
pub(crate) fn number(bytes: &[u8], at: usize) -> u64 {
    let (eight, _) = bytes[at..].split_first_chunk().expect("the caller has checked the size");
    u64::from_le_bytes(*eight)
}

fn number32(bytes: &[u8], at: usize) -> u32 {
    let (four, _) = bytes[at..].split_first_chunk().expect("the caller has checked the size");
    u32::from_le_bytes(*four)
}

/// FNV-1a with 64 bits (RFC 9923).
pub(crate) fn sum(attempt: AttemptId, bytes: &[u8]) -> u64 {
    let id = attempt.into_untyped_uuid().into_bytes();
    id.iter().chain(bytes).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use solstice_model::id::new_id;

    use super::*;

    #[test]
    fn a_checkpoint_is_read_back_and_no_bit_of_it_may_change() {
        let attempt = new_id();
        let open = vec![OpenLine { step: 3, stream: Stream::Stderr, line: 76 }];
        let numbers = LineNumbers::at(77, open);
        let checkpoint = Checkpoint { seq: 1204, offset: 1 << 40, numbers, edge: Edge::Begin(256) };
        let bytes = checkpoint.encode(attempt);
        assert_eq!(Checkpoint::decode(&bytes, attempt), Some(checkpoint));
        assert_eq!(Checkpoint::decode(&bytes, new_id()), None);
        assert_eq!(Checkpoint::decode(&bytes[..50], attempt), None);
        assert_eq!(Checkpoint::decode(&[0; CHECKPOINT_BYTES], attempt), None);
        for bit in 0..CHECKPOINT_BYTES * 8 {
            let mut changed = bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Checkpoint::decode(&changed, attempt), None, "bit {bit}");
        }
    }
}
