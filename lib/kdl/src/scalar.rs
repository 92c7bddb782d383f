//! One name, string, number or keyword: from a token to what it means.
//!
//! Where decoding fails, the token is looked at once more to say why, at which byte.

use crate::diagnostic::Problem;
use crate::lexer::Dialect;
use crate::suggest::{nearest, quoted};
use crate::text;
use crate::value::Scalar;

/// Decodes the name of a node or property that stands at `offset` in its file.
pub(crate) fn name(token: &str, offset: usize, dialect: Dialect) -> Result<String, Problem> {
    let name = match token.contains('"') {
        true => text::string(token, dialect),
        false => Some(token.to_owned()).filter(|word| is_identifier(word, dialect)),
    };
    name.ok_or_else(|| why_no_name(token, offset))
}

/// Decodes an argument or the value of a property that stands at `offset`.
pub(crate) fn value(token: &str, offset: usize, dialect: Dialect) -> Result<Scalar, Problem> {
    let value = if token.contains('"') {
        text::string(token, dialect).map(Scalar::Text)
    } else if let Some(keyword) = keyword(token, dialect) {
        Some(keyword)
    } else if is_identifier(token, dialect) && dialect == Dialect::V2 {
        Some(Scalar::Text(token.to_owned()))
    } else {
        number(token)
    };
    value.ok_or_else(|| why_no_value(token, offset))
}

/// The words that are values in KDL 1, and must begin with `#` in KDL 2.
fn keyword(token: &str, dialect: Dialect) -> Option<Scalar> {
    let word = match dialect {
        Dialect::V1 => Some(token).filter(|word| matches!(*word, "true" | "false" | "null"))?,
        Dialect::V2 => token.strip_prefix('#')?,
    };
    Some(match word {
        "true" => Scalar::Bool(true),
        "false" => Scalar::Bool(false),
        "null" => Scalar::Null,
        "inf" => Scalar::Float(f64::INFINITY),
        "-inf" => Scalar::Float(f64::NEG_INFINITY),
        "nan" => Scalar::Float(f64::NAN),
        _ => return None,
    })
}

/// Whether the token may stand for itself, without quotes.
///
/// The lexer has already ended it at blanks and at any of `\ / ( ) { } ; = "`.
fn is_identifier(token: &str, dialect: Dialect) -> bool {
    let (reserved, foreign): (&[&str], &[char]) = match dialect {
        Dialect::V1 => (&KEYWORDS[..3], &['<', '>', '[', ']', ',']),
        Dialect::V2 => (&KEYWORDS, &['[', ']', '#']),
    };
    let unsigned = token.strip_prefix(['+', '-']).unwrap_or(token);
    let after_dot = match dialect {
        Dialect::V1 => unsigned,
        Dialect::V2 => unsigned.strip_prefix('.').unwrap_or(unsigned),
    };
    !token.is_empty()
        && !reserved.contains(&token)
        && !token.contains(foreign)
        && !after_dot.starts_with(|c: char| c.is_ascii_digit())
}

fn number(token: &str) -> Option<Scalar> {
    let unsigned = token.strip_prefix(['+', '-']).unwrap_or(token);
    let radix = match unsigned.get(..2) {
        Some("0x" | "0X") => 16,
        Some("0o" | "0O") => 8,
        Some("0b" | "0B") => 2,
        _ => return decimal(token, unsigned),
    };
    let digits = &unsigned[2..];
    if !is_digits(digits, radix) {
        return None;
    }
    let sign = if token.starts_with('-') { "-" } else { "" };
    let digits = format!("{sign}{}", digits.replace('_', ""));
    i128::from_str_radix(&digits, radix).ok().map(Scalar::Integer)
}

fn decimal(token: &str, unsigned: &str) -> Option<Scalar> {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let exponent_digits = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    let parts = [Some(whole), fraction, exponent_digits];
    if !parts.into_iter().flatten().all(|part| is_digits(part, 10)) {
        return None;
    }
    let plain = token.replace('_', "");
    if fraction.is_none() && exponent.is_none() {
        return plain.parse().ok().map(Scalar::Integer);
    }
    plain.parse().ok().map(Scalar::Float)
}

/// A digit, then digits and `_`.
fn is_digits(text: &str, radix: u32) -> bool {
    text.starts_with(|c: char| c.is_digit(radix))
        && text.chars().all(|c| c == '_' || c.is_digit(radix))
}

/// The words that KDL 1 had without `#`.
const KEYWORDS: [&str; 6] = ["true", "false", "null", "inf", "-inf", "nan"];

fn whole(token: &str, offset: usize, message: impl Into<String>) -> Problem {
    Problem::new((offset..offset + token.len()).into(), message)
}

fn why_no_name(token: &str, offset: usize) -> Problem {
    if token.contains('"') {
        return text::why_no_string(token, offset);
    }
    whole(token, offset, format!("{} cannot be a name", quoted(token)))
        .label("not a name")
        .help(format!("if this name is meant, write \"{token}\""))
}

fn why_no_value(token: &str, offset: usize) -> Problem {
    if token.contains('"') {
        return text::why_no_string(token, offset);
    }
    if KEYWORDS.contains(&token) {
        return whole(token, offset, format!("{} is not a value in KDL 2", quoted(token)))
            .label("a keyword of KDL 1")
            .help(format!("write #{token}, or \"{token}\" if the text is meant"));
    }
    if let Some(word) = token.strip_prefix('#') {
        let problem = whole(token, offset, format!("there is no keyword {}", quoted(token)));
        let meant = nearest(word, KEYWORDS).map(|meant| format!("did you mean `#{meant}`?"));
        return problem
            .label("unknown keyword")
            .help(meant.unwrap_or("the keywords are #true, #false and #null".to_owned()));
    }
    let digits = token.trim_start_matches(['+', '-', '.']);
    if digits.starts_with(|c: char| c.is_ascii_digit()) {
        let too_big = digits.bytes().all(|b| b.is_ascii_digit()) && !token.contains('.');
        let why = if too_big { "is too big a number" } else { "is not a number" };
        return whole(token, offset, format!("{} {why}", quoted(token)))
            .label("it begins like a number")
            .help(format!("if the text is meant, write \"{token}\""));
    }
    whole(token, offset, format!("{} cannot stand without quotes", quoted(token)))
        .label("not a word")
        .help(format!("write \"{token}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(token: &str) -> String {
        value(token, 0, Dialect::V2).unwrap_err().message().to_owned()
    }

    #[test]
    fn words_of_kdl_1_are_explained() {
        assert_eq!(why("true"), "`true` is not a value in KDL 2");
        assert_eq!(why("#ture"), "there is no keyword `#ture`");
    }

    #[test]
    fn numbers_with_a_tail_or_too_many_digits_are_refused() {
        assert_eq!(why("30m"), "`30m` is not a number");
        assert_eq!(why(&"9".repeat(50)), format!("`{}` is too big a number", "9".repeat(50)));
    }

    #[test]
    fn numbers_are_decoded_in_every_notation() {
        let integers =
            [("0", 0), ("-1_000", -1000), ("+7", 7), ("0xfF", 255), ("-0b10", -2), ("0o17", 15)];
        for (token, number) in integers {
            assert_eq!(value(token, 0, Dialect::V2), Ok(Scalar::Integer(number)), "{token}");
        }
        assert_eq!(value("1_0.5e-1", 0, Dialect::V2), Ok(Scalar::Float(1.05)));
        for bad in ["1.", ".5", "1e", "_1x", "0x", "0x_1", "0b2", "1.e3", "--1", "1+1"] {
            let decoded = value(bad, 0, Dialect::V1);
            assert!(decoded.is_err(), "{bad}: {decoded:?}");
        }
    }

    #[test]
    fn both_versions_decode_their_own_raw_strings() {
        let raw = |text: &str| Ok(Scalar::Text(text.to_owned()));
        assert_eq!(value(r##"#"C:\x"#"##, 0, Dialect::V2), raw(r"C:\x"));
        assert_eq!(value(r##"r#"C:\x"#"##, 0, Dialect::V1), raw(r"C:\x"));
        assert_eq!(value("true", 0, Dialect::V1), Ok(Scalar::Bool(true)));
    }
}
