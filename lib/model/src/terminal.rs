//! What a person at a terminal does, as bytes on the way into a machine.
//!
//! A frame is one byte for its kind, two bytes for the length of what follows
//! (big endian), and that. Bytes that were typed have the kind 0; a new size of
//! the terminal has the kind 1, columns and rows, two bytes each.

use std::io::{self, Read};

const TYPED: u8 = 0;
const RESIZED: u8 = 1;

/// Something that a person did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Typed these bytes.
    Typed(Vec<u8>),
    /// Changed the size of the terminal.
    Resized {
        /// Characters in a line.
        columns: u16,
        /// Lines.
        rows: u16,
    },
}

impl Input {
    /// The frames that say so: several if many bytes were typed.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Input::Typed(bytes) => {
                let frames = bytes.chunks(usize::from(u16::MAX));
                frames.flat_map(|part| frame(TYPED, part)).collect()
            }
            Input::Resized { columns, rows } => {
                frame(RESIZED, &[columns.to_be_bytes(), rows.to_be_bytes()].concat())
            }
        }
    }

    /// Reads the next frame; `None` where the stream ends between two.
    ///
    /// # Errors
    ///
    /// Whatever the reader does, and [`io::ErrorKind::InvalidData`] for bytes
    /// that are no frame.
    pub fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut kind = [0];
        if from.read(&mut kind)? == 0 {
            return Ok(None);
        }
        let mut length = [0; 2];
        from.read_exact(&mut length)?;
        let mut content = vec![0; usize::from(u16::from_be_bytes(length))];
        from.read_exact(&mut content)?;
        match (kind[0], content.as_slice()) {
            (TYPED, _) => Ok(Some(Input::Typed(content))),
            (RESIZED, [a, b, c, d]) => Ok(Some(Input::Resized {
                columns: u16::from_be_bytes([*a, *b]),
                rows: u16::from_be_bytes([*c, *d]),
            })),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "no frame of a terminal")),
        }
    }
}

fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("the callers cut it to size");
    [&[kind], &length.to_be_bytes()[..], content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_arrives() {
        let done = [
            Input::Resized { columns: 80, rows: 24 },
            Input::Typed(b"exit\n".to_vec()),
            Input::Typed(vec![7; 65_535]),
        ];
        let bytes: Vec<u8> = done.iter().flat_map(Input::to_bytes).collect();
        let mut from = bytes.as_slice();
        for input in done {
            assert_eq!(Input::read(&mut from).unwrap(), Some(input));
        }
        assert_eq!(Input::read(&mut from).unwrap(), None);
    }

    #[test]
    fn a_long_text_comes_in_several_frames() {
        let bytes = Input::Typed(vec![1; 70_000]).to_bytes();
        let mut from = bytes.as_slice();
        let mut typed = 0;
        while let Some(Input::Typed(part)) = Input::read(&mut from).unwrap() {
            typed += part.len();
        }
        assert_eq!(typed, 70_000);
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        assert!(Input::read(&mut &[9, 0, 0][..]).is_err());
        assert!(Input::read(&mut &[1, 0, 1, 0][..]).is_err());
        assert!(Input::read(&mut &[0, 0, 5, 1][..]).is_err(), "it broke off");
    }
}
