//! Text as mdoc(7) takes it.

/// Words that are macros where a macro is called with them.
const MACROS: [&str; 40] = [
    "Ad", "An", "Ao", "Ap", "Aq", "Ar", "At", "Bc", "Bo", "Bq", "Bx", "Cd", "Cm", "Dc", "Do", "Dq",
    "Dv", "Em", "Er", "Ev", "Fa", "Fl", "Fn", "Ic", "In", "Li", "Lk", "Ms", "Nm", "No", "Ns", "Op",
    "Pa", "Pf", "Pq", "Ql", "Qq", "Sq", "Sy", "Va",
];

/// Words of an argument of a macro: none of them calls another one.
pub(crate) fn argument(words: &str) -> String {
    let safe = |word: &str| {
        let escaped = escaped(word);
        if MACROS.contains(&word) { format!("\\&{escaped}") } else { escaped }
    };
    words.split(' ').map(safe).collect::<Vec<_>>().join(" ")
}

/// Sentences, each on a line of its own, with a full stop after the last one.
pub(crate) fn paragraph(text: &str) -> String {
    let mut out = String::new();
    for (index, part) in text.trim().split("\n\n").enumerate() {
        if index > 0 {
            out.push_str(".Pp\n");
        }
        let words: Vec<&str> = part.split_whitespace().collect();
        let Some(last) = words.last() else { continue };
        let stop = if last.ends_with(['.', '!', '?', ':']) { "" } else { "." };
        let joined = words.join(" ") + stop;
        for sentence in joined.split_inclusive(". ") {
            out.push_str(&line(sentence.trim_end()));
        }
    }
    out
}

/// A line of text that no macro begins.
fn line(text: &str) -> String {
    let guard = if text.starts_with(['.', '\'']) { "\\&" } else { "" };
    format!("{guard}{}\n", escaped(text))
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\e"),
            '`' => out.push_str("\\(ga"),
            '…' => out.push_str("..."),
            '“' => out.push_str("\\(lq"),
            '”' => out.push_str("\\(rq"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_whatever_it_begins_with() {
        assert_eq!(paragraph(".x is\n a `file`"), "\\&.x is a \\(gafile\\(ga.\n");
        assert_eq!(paragraph("One. Two.\n\nThree"), "One.\nTwo.\n.Pp\nThree.\n");
        assert_eq!(argument("run Ns \\x"), "run \\&Ns \\ex");
    }
}
