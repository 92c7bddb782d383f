//! What looks like an error, among what programs print.
//!
//! A guess by words, for people who look for the line that matters: it decides
//! nothing. It knows how compilers, test runners, shells, make and languages'
//! runtimes begin to say that something is wrong; it does not know what they mean.

use std::ops::Range;

use memchr::memmem::Finder;

/// One of these is in every line that [`find`] finds, in lower case.
const HINTS: [&str; 8] =
    ["err", "fail", "fatal", "panic", "traceback", "not ok", "fault", "exception in"];

/// Words after which a line tells of an error wherever they stand.
const ANYWHERE: [&str; 14] = [
    "Error: ",
    "ERR!",
    "panicked at ",
    "Traceback (most recent call last)",
    "Exception in thread",
    "Segmentation fault",
    "segmentation fault",
    "Bus error",
    "assertion failed",
    "Assertion failed",
    "assertion `",
    "--- FAIL",
    "##[error]",
    "*** Error",
];

/// Finds out quickly whether a line may be one.
pub(crate) struct Hints(Vec<Finder<'static>>);

impl Hints {
    pub(crate) fn new() -> Self {
        Self(HINTS.iter().map(|hint| Finder::new(hint.as_bytes())).collect())
    }

    /// Whether a line in lower case may look like an error.
    pub(crate) fn may_be(&self, lower: &[u8]) -> bool {
        self.0.iter().any(|hint| hint.find(lower).is_some())
    }
}

/// Where in a line an error is told; `None` if none is.
///
/// That is: the word `error`, in whatever case, with `:`, `[` or `!` after it, or
/// as `ERROR`; `fatal` and `panic` with `:`, or as `FATAL` and `PANIC`; `FAILED`
/// and `FAIL` as words; `not ok` at the beginning (TAP); make's `Error 2`; and
/// what is in a list of phrases such as `panicked at`.
pub fn find_error(line: &str) -> Option<Range<usize>> {
    let indent = line.len() - line.trim_start().len();
    if line[indent..].starts_with("not ok ") {
        return Some(indent..indent + "not ok".len());
    }
    let phrase = ANYWHERE
        .iter()
        .filter_map(|phrase| line.find(phrase).map(|at| at..at + phrase.trim_end().len()));
    phrase.chain(words(line).filter(|word| is_error(line, word))).min_by_key(|found| found.start)
}

fn is_error(line: &str, word: &Range<usize>) -> bool {
    let (text, after) = (&line[word.clone()], &line[word.end..]);
    let next = after.bytes().next();
    match text {
        "ERROR" | "FATAL" | "PANIC" | "FAILED" | "FAIL" => true,
        "Error" => {
            let make = after.strip_prefix(' ').and_then(|rest| rest.bytes().next());
            let make = make.is_some_and(|digit| digit.is_ascii_digit()) && line.contains("***");
            make || matches!(next, Some(b':' | b'[' | b'!'))
        }
        _ if text.eq_ignore_ascii_case("error") => matches!(next, Some(b':' | b'[' | b'!')),
        _ if text.eq_ignore_ascii_case("fatal") || text.eq_ignore_ascii_case("panic") => {
            next == Some(b':')
        }
        _ => false,
    }
}

/// The stretches of letters, digits, `_` and `-`.
fn words(line: &str) -> impl Iterator<Item = Range<usize>> {
    let within = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let bytes = line.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let begin = at + bytes[at..].iter().position(|byte| within(*byte))?;
        let length = bytes[begin..].iter().position(|byte| !within(*byte));
        at = length.map_or(bytes.len(), |length| begin + length);
        Some(begin..at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_print_is_known_and_what_only_sounds_alike_is_not() {
        let errors = [
            "error: could not compile `x`",
            "error[E0308]: mismatched types",
            "main.c:3:7: error: expected ;",
            "[ERROR] Failed to execute goal",
            "2026-01-01T00:00:00 ERROR db gone",
            "make: *** [Makefile:3: all] Error 2",
            "npm ERR! code 1",
            "thread 'main' panicked at src/main.rs:1:1:",
            "Traceback (most recent call last):",
            "TypeError: x is not a function",
            "    not ok 3 - parses",
            "test result: FAILED. 1 passed; 1 failed",
            "--- FAIL: TestX (0.00s)",
            "fatal: not a git repository",
            "FAILED tests/test_a.py::test_b",
            "Segmentation fault (core dumped)",
        ];
        let hints = Hints::new();
        for line in errors {
            assert!(find_error(line).is_some(), "{line}");
            assert!(hints.may_be(line.to_ascii_lowercase().as_bytes()), "{line}");
        }
        for line in [
            "",
            "0 errors, 0 warnings",
            "no-error: yes",
            "Compiling thiserror v1.0",
            "test error_is_told ... ok",
            "terror: none",
            "test result: ok. 5 passed; 0 failed",
            "ok 4 - not ok is only text",
            "Error rate 3",
            "-Werror=format",
        ] {
            assert_eq!(find_error(line), None, "{line}");
        }
    }

    #[test]
    fn the_word_itself_is_told() {
        let line = "ä main.c: error: no";
        assert_eq!(&line[find_error(line).unwrap()], "error");
        assert_eq!(find_error("x Error: y"), Some(2..8));
    }
}
