//! From the text of a condition to its tokens.

use std::ops::Range;

use solstice_kdl::{Refusal, quoted};

/// One token of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Open,
    Close,
    Comma,
    Equal,
    NotEqual,
    And,
    Or,
    Not,
    /// A name, with the dots in it.
    Word(String),
    /// A text that stood in quotes.
    Text(String),
}

/// The signs, longer ones first.
const SIGNS: [(&str, Token); 8] = [
    ("==", Token::Equal),
    ("!=", Token::NotEqual),
    ("&&", Token::And),
    ("||", Token::Or),
    ("!", Token::Not),
    ("(", Token::Open),
    (")", Token::Close),
    (",", Token::Comma),
];

/// The tokens and where they stand.
pub(crate) fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, Refusal> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        let sign = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign));
        let (token, length) = match (sign, first) {
            (Some((sign, token)), _) => (token.clone(), sign.len()),
            (None, '"' | '\'') => quoted_text(rest, first, at)?,
            (None, c) if is_word(c) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                (Token::Word(rest[..length].to_owned()), length)
            }
            (None, other) => return Err(unexpected(other).within(at..at + other.len_utf8())),
        };
        tokens.push((token, at..at + length));
        at += length;
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.')
}

fn quoted_text(rest: &str, quote: char, at: usize) -> Result<(Token, usize), Refusal> {
    let Some(length) = rest[1..].find(quote) else {
        return Err(Refusal::because("this text is not closed")
            .help(format!("end it with {quote}"))
            .within(at..at + rest.len()));
    };
    Ok((Token::Text(rest[1..=length].to_owned()), length + 2))
}

fn unexpected(c: char) -> Refusal {
    let help = match c {
        '=' => "compare with ==",
        '&' => "write && for and",
        '|' => "write || for or",
        '<' | '>' => "texts are compared with == and !=",
        '$' | '{' | '}' => "a condition stands without ${{ }}",
        '-' => "put a text in quotes",
        _ => "use names, texts in quotes, == != && || ! and ( )",
    };
    Refusal::because(format!("{} means nothing in a condition", quoted(&c.to_string()))).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_part_tokens_and_either_quote_makes_a_text() {
        let found = tokens("a.b==\"x 'y\"\t!('é\"' )").unwrap();
        let text = |text: &str| Token::Text(text.to_owned());
        let expected = [
            (Token::Word("a.b".to_owned()), 0..3),
            (Token::Equal, 3..5),
            (text("x 'y"), 5..11),
            (Token::Not, 12..13),
            (Token::Open, 13..14),
            (text("é\""), 14..19),
            (Token::Close, 20..21),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn signs_of_other_languages_are_explained() {
        for wrong in ["a = b", "a & b", "a | b", "a < b", "${{ a }}", "'a", "é", "a - b"] {
            assert!(tokens(wrong).is_err(), "{wrong}");
        }
    }
}
