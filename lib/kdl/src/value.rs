//! One argument or property value, and the functions that decode it.
//!
//! A decoder is any `Fn(&Value) -> Result<T, Refusal>`. Those here cover what
//! configuration is made of; a caller adds rules of its own in a closure:
//!
//! ```
//! use solstice_kdl::{Refusal, Value, value};
//!
//! fn port(given: &Value) -> Result<u16, Refusal> {
//!     match value::integer::<u16>(given)? {
//!         0 => Err(Refusal::because("port 0 means any port").help("choose one from 1 to 65535")),
//!         port => Ok(port),
//!     }
//! }
//! ```

use std::fmt::Display;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use miette::SourceSpan;

use crate::diagnostic::Problem;
use crate::lexer::Dialect;
use crate::place;
use crate::suggest::{escaped, nearest, quoted};

/// A string, number, boolean or null, and where it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    scalar: Scalar,
    span: SourceSpan,
    /// The token of a text, and how it is to be read.
    written: Option<(Box<str>, Dialect)>,
}

/// What a token means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Text(String),
    Integer(i128),
    Float(f64),
    Bool(bool),
    Null,
}

impl Value {
    pub(crate) fn new(scalar: Scalar, span: SourceSpan, token: &str, dialect: Dialect) -> Self {
        let is_text = matches!(scalar, Scalar::Text(_));
        Self { scalar, span, written: is_text.then(|| (token.into(), dialect)) }
    }

    /// Where the value is written, quotes included.
    pub fn span(&self) -> SourceSpan {
        self.span
    }

    /// Where these bytes of a decoded text are written.
    pub(crate) fn span_within(&self, bytes: &Range<usize>) -> SourceSpan {
        let Some((token, dialect)) = &self.written else { return self.span };
        let place = |at| self.span.offset() + place::in_token(token, *dialect, at);
        (place(bytes.start)..place(bytes.end)).into()
    }

    /// The value in a few words, for a message.
    fn described(&self) -> String {
        match &self.scalar {
            Scalar::Text(text) => format!("the string \"{}\"", escaped(text)),
            Scalar::Integer(number) => format!("the number {number}"),
            Scalar::Float(number) => format!("the number {number}"),
            Scalar::Bool(yes) => format!("the boolean {yes}"),
            Scalar::Null => "null".to_owned(),
        }
    }

    fn not(&self, wanted: &'static str) -> Refusal {
        Refusal {
            reason: format!("expected {wanted}, not {}", self.described()),
            help: None,
            within: None,
        }
    }
}

/// A decoded value together with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What was decoded.
    pub value: T,
    /// Where it is written.
    pub span: SourceSpan,
}

/// Why a decoder does not take a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub(crate) reason: String,
    pub(crate) help: Option<String>,
    pub(crate) within: Option<Range<usize>>,
}

impl Refusal {
    /// A refusal for a reason, one lower-case line.
    pub fn because(reason: impl Display) -> Self {
        Self { reason: reason.to_string(), help: None, within: None }
    }

    /// Says what to write instead.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says which bytes of a decoded text are wrong; else it is the whole value.
    pub fn within(mut self, bytes: Range<usize>) -> Self {
        self.within = Some(bytes);
        self
    }

    /// The reason, in one line.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The problem of a value with this span that is not taken.
    pub fn at(self, span: SourceSpan) -> Problem {
        let problem = Problem::new(span, self.reason);
        match self.help {
            Some(help) => problem.help(help),
            None => problem,
        }
    }
}

/// Takes a string.
///
/// # Errors
///
/// Refuses a value of another type.
pub fn string(value: &Value) -> Result<String, Refusal> {
    match &value.scalar {
        Scalar::Text(text) => Ok(text.clone()),
        _ => Err(value.not("a string").help("write a text in quotes")),
    }
}

/// Takes a string that `T` can be parsed from; its error is the reason.
///
/// # Errors
///
/// Refuses a value of another type and a text that is not a `T`.
pub fn parse<T>(value: &Value) -> Result<T, Refusal>
where
    T: FromStr<Err: Display>,
{
    string(value)?.parse().map_err(Refusal::because)
}

/// Takes an integer that fits into `T`.
///
/// # Errors
///
/// Refuses a value of another type and a number that `T` cannot hold.
pub fn integer<T: TryFrom<i128>>(value: &Value) -> Result<T, Refusal> {
    match value.scalar {
        Scalar::Integer(number) => {
            T::try_from(number).map_err(|_| Refusal::because(format!("{number} is out of range")))
        }
        Scalar::Text(_) => Err(value.not("a whole number").help("leave out the quotes")),
        _ => Err(value.not("a whole number")),
    }
}

/// Takes a boolean.
///
/// # Errors
///
/// Refuses a value of another type.
pub fn boolean(value: &Value) -> Result<bool, Refusal> {
    match value.scalar {
        Scalar::Bool(yes) => Ok(yes),
        _ => Err(value.not("a boolean").help("write #true or #false")),
    }
}

/// Takes a span of time such as `"30m"` or `"1h 30m"`.
///
/// # Errors
///
/// Refuses a value of another type and a text that is not a duration.
pub fn duration(value: &Value) -> Result<Duration, Refusal> {
    const HELP: &str = "write a number and a unit, such as \"90s\", \"30m\" or \"1h 30m\"";
    let Scalar::Text(text) = &value.scalar else {
        return Err(value.not("a duration").help(HELP));
    };
    humantime::parse_duration(text)
        .map_err(|_| Refusal::because(format!("{} is not a duration", quoted(text))).help(HELP))
}

/// The units that [`size`] knows, in bytes.
const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Takes a number of bytes such as `"4GiB"`, `"500 MB"` or the integer 4096.
///
/// # Errors
///
/// Refuses a value of another type, an unknown unit and what exceeds 64 bits.
pub fn size(value: &Value) -> Result<u64, Refusal> {
    const HELP: &str = "write a whole number and a unit, such as \"512MiB\" or \"4GiB\"";
    let text = match &value.scalar {
        Scalar::Integer(_) => return integer(value),
        Scalar::Text(text) => text,
        _ => return Err(value.not("a size").help(HELP)),
    };
    let refuse =
        |why: &str| Refusal::because(format!("{} is not a size: {why}", quoted(text))).help(HELP);
    let digits_end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = (&text[..digits_end], text[digits_end..].trim());
    if digits.is_empty() {
        return Err(refuse("it does not start with a digit"));
    }
    let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let meant = nearest(unit, UNITS.iter().map(|(name, _)| *name));
        let refusal = refuse(&format!("there is no unit {}", quoted(unit)));
        return Err(meant.map_or(refusal.clone(), |name| refusal.help(format!("use {name}"))));
    };
    let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor));
    bytes.ok_or_else(|| refuse("it does not fit in 64 bits"))
}

/// Takes an absolute path of a file system.
///
/// # Errors
///
/// Refuses a value of another type, a relative path and a NUL.
pub fn absolute_path(value: &Value) -> Result<PathBuf, Refusal> {
    let text = string(value)?;
    if text.contains('\0') {
        return Err(Refusal::because("a path cannot contain a NUL"));
    }
    let path = PathBuf::from(&text);
    if !path.is_absolute() {
        let reason = format!("{} is not an absolute path", quoted(&text));
        return Err(Refusal::because(reason).help("start it with /"));
    }
    Ok(path)
}

/// Makes a decoder keep the place of the value.
pub fn spanned<T>(
    decode: impl Fn(&Value) -> Result<T, Refusal>,
) -> impl Fn(&Value) -> Result<Spanned<T>, Refusal> {
    move |value| Ok(Spanned { value: decode(value)?, span: value.span })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::new(Scalar::Text(text.to_owned()), SourceSpan::from(0..0), text, Dialect::V2)
    }

    fn number(number: i128) -> Value {
        Value::new(Scalar::Integer(number), SourceSpan::from(0..0), "", Dialect::V2)
    }

    #[test]
    fn sizes_have_decimal_and_binary_units() {
        let taken = [("4GiB", 4 << 30), ("500 MB", 500_000_000), ("7B", 7), ("0kB", 0)];
        for (given, bytes) in taken {
            assert_eq!(size(&text(given)), Ok(bytes), "{given}");
        }
        assert_eq!(size(&number(4096)), Ok(4096));
        for bad in ["", "GiB", "4", "4 G", "-4GiB", "1.5GiB", "99999999999TiB", "4gib"] {
            assert!(size(&text(bad)).is_err(), "{bad}");
        }
        assert!(size(&number(-1)).is_err());
        assert_eq!(size(&text("4gib")).unwrap_err().help.as_deref(), Some("use GiB"));
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration(&text("1h 30m")), Ok(Duration::from_secs(5400)));
        assert!(duration(&text("30")).is_err());
        assert!(duration(&number(30)).unwrap_err().help.unwrap().contains("\"30m\""));
    }

    #[test]
    fn integers_are_not_cut() {
        assert_eq!(integer::<u8>(&number(255)), Ok(255));
        assert_eq!(integer::<u8>(&number(256)).unwrap_err().reason, "256 is out of range");
        assert!(integer::<u32>(&number(-1)).is_err());
        assert!(integer::<u32>(&text("1")).is_err());
    }

    #[test]
    fn a_parse_error_is_the_reason() {
        let refusal = parse::<std::net::IpAddr>(&text("300.1.1.1")).unwrap_err();
        assert_eq!(refusal.reason, "invalid IP address syntax");
    }

    #[test]
    fn paths_are_absolute() {
        assert_eq!(absolute_path(&text("/a/b")), Ok(PathBuf::from("/a/b")));
        assert!(absolute_path(&text("a/b")).is_err());
        assert!(absolute_path(&text("/a\0b")).is_err());
    }
}
