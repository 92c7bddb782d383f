//! Cuts a stream of bytes into lines. Pure: no clock, no IO.
//!
//! Law: the pieces, with a newline after each one that says so, are the bytes
//! that were fed, whatever the sizes in which they came.

use solstice_model::record::MAX_CHUNK_BYTES;

/// A line, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// At most [`MAX_CHUNK_BYTES`], without the newline.
    pub(crate) bytes: Vec<u8>,
    /// Whether a newline ended it.
    pub(crate) newline: bool,
}

/// Holds the beginning of a line until its end is known.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    pending: Vec<u8>,
}

impl Splitter {
    /// Takes more bytes; gives every piece that is complete now.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            self.extend(&bytes[..end], &mut pieces);
            pieces.push(Piece { bytes: std::mem::take(&mut self.pending), newline: true });
            bytes = &bytes[end + 1..];
        }
        self.extend(bytes, &mut pieces);
        pieces
    }

    /// Gives what there is of an unfinished line, but for a character of UTF-8
    /// that is not whole yet.
    pub(crate) fn flush(&mut self) -> Option<Piece> {
        self.take(whole_characters(&self.pending))
    }

    /// Gives all that is left: the stream has ended.
    pub(crate) fn finish(&mut self) -> Option<Piece> {
        self.take(self.pending.len())
    }

    /// Whether [`Splitter::flush`] has something to give.
    pub(crate) fn has_partial_line(&self) -> bool {
        whole_characters(&self.pending) > 0
    }

    /// Appends bytes of one line, giving away what exceeds a chunk.
    fn extend(&mut self, mut bytes: &[u8], pieces: &mut Vec<Piece>) {
        while self.pending.len() + bytes.len() > MAX_CHUNK_BYTES {
            let (now, later) = bytes.split_at(MAX_CHUNK_BYTES - self.pending.len());
            self.pending.extend_from_slice(now);
            pieces.extend(self.flush());
            bytes = later;
        }
        self.pending.extend_from_slice(bytes);
    }

    /// Gives the first `count` bytes, if any.
    fn take(&mut self, count: usize) -> Option<Piece> {
        if count == 0 {
            return None;
        }
        let rest = self.pending.split_off(count);
        Some(Piece { bytes: std::mem::replace(&mut self.pending, rest), newline: false })
    }
}

/// How many bytes remain if a UTF-8 sequence that the end cuts is left out.
fn whole_characters(bytes: &[u8]) -> usize {
    // A sequence has at most four bytes, so only the last three can be its beginning.
    for back in 1..=bytes.len().min(3) {
        let at = bytes.len() - back;
        let needed = match bytes[at] {
            0b1100_0000..=0b1101_1111 => 2,
            0b1110_0000..=0b1110_1111 => 3,
            0b1111_0000..=0b1111_0111 => 4,
            0b1000_0000..=0b1011_1111 => continue,
            _ => break,
        };
        return if needed > back { at } else { bytes.len() };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn joined(pieces: &[Piece]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for piece in pieces {
            bytes.extend_from_slice(&piece.bytes);
            if piece.newline {
                bytes.push(b'\n');
            }
        }
        bytes
    }

    /// Bytes with many newlines and many beginnings of characters.
    fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![Just(b'\n'), Just(0xE2), Just(0x82), Just(0xAC), any::<u8>()];
        proptest::collection::vec(byte, 0..60)
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_bytes(
            chunks in proptest::collection::vec((any_bytes(), any::<bool>()), 0..8),
        ) {
            let mut splitter = Splitter::default();
            let mut pieces = Vec::new();
            for (chunk, silence) in &chunks {
                pieces.extend(splitter.feed(chunk));
                if *silence {
                    pieces.extend(splitter.flush());
                }
            }
            pieces.extend(splitter.finish());
            let fed: Vec<u8> = chunks.iter().flat_map(|(chunk, _)| chunk.clone()).collect();
            prop_assert_eq!(joined(&pieces), fed);
            prop_assert!(pieces.iter().all(|piece| !piece.bytes.contains(&b'\n')));
            prop_assert!(splitter.finish().is_none());
        }

        #[test]
        fn without_silence_lines_do_not_depend_on_the_chunking(
            bytes in any_bytes(), cut in 0usize..60,
        ) {
            let run = |parts: &[&[u8]]| {
                let mut splitter = Splitter::default();
                let mut pieces: Vec<Piece> =
                    parts.iter().flat_map(|part| splitter.feed(part)).collect();
                pieces.extend(splitter.finish());
                pieces
            };
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(run(&[&bytes]), run(&[first, second]));
        }

        #[test]
        fn text_is_never_cut_inside_a_character(
            text in "[a€𝄞\n]{0,60}", cut in 0usize..200,
        ) {
            let (first, second) = text.as_bytes().split_at(cut.min(text.len()));
            let mut splitter = Splitter::default();
            let mut pieces = splitter.feed(first);
            pieces.extend(splitter.flush());
            pieces.extend(splitter.feed(second));
            pieces.extend(splitter.finish());
            for piece in pieces {
                prop_assert!(std::str::from_utf8(&piece.bytes).is_ok());
            }
        }
    }

    #[test]
    fn a_long_line_comes_in_chunks_that_are_not_too_large() {
        let line = "€".repeat(MAX_CHUNK_BYTES);
        let mut splitter = Splitter::default();
        let mut pieces = splitter.feed(line.as_bytes());
        pieces.extend(splitter.finish());
        assert!(pieces.len() >= 3);
        assert!(pieces.iter().all(|piece| piece.bytes.len() <= MAX_CHUNK_BYTES && !piece.newline));
        assert!(pieces.iter().all(|piece| std::str::from_utf8(&piece.bytes).is_ok()));
        assert_eq!(joined(&pieces), line.as_bytes());
    }

    #[test]
    fn a_line_of_exactly_one_chunk_stays_whole() {
        let mut line = vec![b'x'; MAX_CHUNK_BYTES];
        line.push(b'\n');
        let pieces = Splitter::default().feed(&line);
        assert_eq!(pieces.len(), 1);
        assert!(pieces[0].newline);
    }

    #[test]
    fn empty_lines_are_lines() {
        let pieces = Splitter::default().feed(b"\n\n");
        assert_eq!(pieces, vec![Piece { bytes: Vec::new(), newline: true }; 2]);
    }
}
