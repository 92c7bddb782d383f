//! gcc, clang, and the many tools that print as they do: `a.c:3:7: error: message`.

use solstice_model::AnnotationLevel;

use crate::place::Place;
use crate::sink::{Matcher, Remark, Sink};

/// What comes between place and message. Notes belong to what was said before.
const WORDS: [(&str, AnnotationLevel); 6] = [
    (": error: ", AnnotationLevel::Failure),
    (": fatal error: ", AnnotationLevel::Failure),
    (": internal compiler error: ", AnnotationLevel::Failure),
    (": Error: ", AnnotationLevel::Failure),
    (": warning: ", AnnotationLevel::Warning),
    (": Warning: ", AnnotationLevel::Warning),
];

/// One line, one remark.
#[derive(Debug, Default)]
pub(crate) struct Gcc;

impl Matcher for Gcc {
    fn line(&mut self, line: &str, sink: &mut Sink<'_>) {
        if !line.contains("rror: ") && !line.contains("arning: ") {
            return;
        }
        let found = WORDS.iter().filter_map(|(word, level)| {
            let at = line.find(word)?;
            Some((at, &line[at + word.len()..], *level))
        });
        let Some((at, said, level)) = found.min_by_key(|(at, ..)| *at) else { return };
        if let Some(place) = Place::of(&line[..at]) {
            let (message, title) = split_name(said);
            sink.add(&place, &Remark { level, title, message });
        }
    }

    fn end(&mut self, _: &mut Sink<'_>) {}
}

/// What switches a warning on is its name: `unused variable 'x' [-Wunused-variable]`.
fn split_name(said: &str) -> (&str, &str) {
    let bracket = said.strip_suffix(']').and_then(|said| said.rsplit_once(" ["));
    match bracket {
        Some((message, name)) if !name.is_empty() && !name.contains(char::is_whitespace) => {
            (message, name)
        }
        _ => (said, ""),
    }
}
