//! `path:line` and `path:line:column`, as tools write them.

/// A place in a file, as it was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) path: &'a str,
    pub(crate) line: u32,
    pub(crate) column: Option<u32>,
}

impl<'a> Place<'a> {
    /// A line of a file.
    pub(crate) fn new(path: &'a str, line: u32) -> Self {
        Self { path, line, column: None }
    }

    /// All of `text` is a place: `src/main.c:3` or `src/main.c:3:7`.
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        let (before, last) = split_number(text)?;
        match split_number(before) {
            Some((path, line)) => Self { path, line, column: Some(last) }.checked(),
            None => Self::new(before, last).checked(),
        }
    }

    /// `text` begins with a place that a colon ends; gives what follows that.
    pub(crate) fn begins(text: &'a str) -> Option<(Self, &'a str)> {
        let mut colons = text.match_indices(':').map(|(at, _)| at);
        let digits = |from: usize| text[from + 1..].starts_with(|c: char| c.is_ascii_digit());
        let path = colons.by_ref().find(|at| digits(*at))?;
        let line = colons.next()?;
        // A column, if it is all digits up to the next colon.
        if let Some(column) = colons.next()
            && let Some(place) = Self::of(&text[..column]).filter(|it| it.column.is_some())
            && place.path.len() == path
        {
            return Some((place, &text[column + 1..]));
        }
        let place = Self::of(&text[..line]).filter(|it| it.column.is_none())?;
        Some((place, &text[line + 1..]))
    }

    /// A line that is none, or what is hardly a file's name, is no place: times
    /// and addresses have colons and numbers too.
    fn checked(self) -> Option<Self> {
        (self.line > 0 && is_file_name(self.path)).then_some(self)
    }
}

/// `a:3` is `a` and 3.
fn split_number(text: &str) -> Option<(&str, u32)> {
    let (before, number) = text.rsplit_once(':')?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Some((before, number.parse().ok()?)) } else { None }
}

/// Whether this looks like a source file's path: no blanks, and an extension
/// that begins with a letter.
fn is_file_name(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let named = extension.is_some_and(|it| it.starts_with(|c: char| c.is_ascii_alphabetic()))
        || name.ends_with("akefile")
        || name == "Dockerfile";
    let odd = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '(' | '<' | '>' | '|');
    named && !path.contains(odd) && !path.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_from_times_and_addresses() {
        let at = |path, line, column| Some(Place { path, line, column });
        assert_eq!(Place::of("src/main.c:3:7"), at("src/main.c", 3, Some(7)));
        assert_eq!(Place::of("Makefile:12"), at("Makefile", 12, None));
        for none in [
            "2026-11-21 12:30:15",
            "127.0.0.1:80",
            "localhost:8080",
            "http://example.org:80",
            "a.c:0",
            "a.c:99999999999",
            "a.c:",
            "a b.c:3",
            ":3:4",
            "",
        ] {
            assert_eq!(Place::of(none), None, "{none}");
        }
    }

    #[test]
    fn what_follows_a_place_is_told_from_it() {
        let begins =
            |text| Place::begins(text).map(|(at, rest)| (at.path, at.line, at.column, rest));
        assert_eq!(begins("a.go:5:2: x: y"), Some(("a.go", 5, Some(2), " x: y")));
        assert_eq!(begins("a.py:5: x: y"), Some(("a.py", 5, None, " x: y")));
        assert_eq!(begins("a.py:5: "), Some(("a.py", 5, None, " ")));
        assert_eq!(begins("a.py:5"), None);
        assert_eq!(begins("12:30:15: hello"), None);
        assert_eq!(begins("nothing: here: at all"), None);
    }
}
