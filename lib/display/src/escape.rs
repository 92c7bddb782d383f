//! Escape sequences of terminals (ECMA-48), as strangers write them.

use std::iter::Peekable;
use std::str::Chars;

/// Consumes an escape sequence after its ESC; the parameters if it is SGR.
pub fn consume(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    match rest.next_if(|c| matches!(c, '[' | ']')) {
        Some('[') => {
            let params: String =
                std::iter::from_fn(|| rest.next_if(|c| ('0'..='?').contains(c))).collect();
            let between = std::iter::from_fn(|| rest.next_if(|c| (' '..='/').contains(c))).count();
            let last = rest.next_if(|c| ('@'..='~').contains(c));
            let plain = params.bytes().all(|b| b.is_ascii_digit() || b == b';' || b == b':');
            (between == 0 && plain && last == Some('m')).then_some(params)
        }
        Some(_) => {
            // An operating system command: up to BEL or ESC \.
            while let Some(c) = rest.next_if(|c| *c != '\x1b') {
                if c == '\x07' {
                    return None;
                }
            }
            if rest.next().is_some() {
                rest.next_if_eq(&'\\');
            }
            None
        }
        None => {
            while rest.next_if(|c| (' '..='/').contains(c)).is_some() {}
            rest.next_if(|c| ('0'..='~').contains(c));
            None
        }
    }
}
