//! Patterns of paths: `*`, `?` and `[a-z]` within a name, `**` over any number
//! of folders, `{a,b}` for either, `\` before a character that means itself.
//!
//! They mean what they mean to the crate `globset`, with which workflow files
//! are checked and with which the tests compare; that crate would make the
//! agent nearly twice as large. Matching takes time in proportion to the length
//! of pattern and path, whatever they are.

/// The most alternatives that the braces of one pattern may come to.
const MAX_ALTERNATIVES: usize = 1_000;

/// A pattern, ready to match.
#[derive(Clone, Debug)]
pub(crate) struct Glob(Vec<Vec<Token>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// This character.
    Is(char),
    /// One character of a name: any, or one of these, or none of these.
    Any,
    In {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
    /// Any part of a name, even none.
    Star,
    /// Any number of folders, each with its slash.
    Folders,
    /// All the rest.
    Rest,
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        let chars: Vec<char> = pattern.chars().collect();
        let plain = expand(&chars)?;
        Ok(Self(plain.iter().map(|one| tokens(one)).collect::<Result<_, _>>()?))
    }

    /// Whether this is all of the path.
    pub(crate) fn matches(&self, path: &str) -> bool {
        self.0.iter().any(|tokens| matches(tokens, path))
    }
}

/// Writes a pattern out for each choice that its braces leave.
fn expand(pattern: &[char]) -> Result<Vec<Vec<char>>, String> {
    let Some((before, choices, after)) = first_braces(pattern)? else {
        return Ok(vec![pattern.to_vec()]);
    };
    let mut all = Vec::new();
    for choice in choices {
        all.extend(expand(&[before, choice, after].concat())?);
        if all.len() > MAX_ALTERNATIVES {
            return Err(format!("its braces come to more than {MAX_ALTERNATIVES} alternatives"));
        }
    }
    Ok(all)
}

/// What is before the first pair of braces, inside by its commas, and after.
#[expect(clippy::type_complexity, reason = "used once, just above")]
fn first_braces(pattern: &[char]) -> Result<Option<(&[char], Vec<&[char]>, &[char])>, String> {
    let (mut depth, mut open, mut begin) = (0usize, 0, 0);
    let mut choices = Vec::new();
    let mut at = 0;
    while at < pattern.len() {
        match pattern[at] {
            '\\' => at += 1,
            '[' => at = end_of_class(pattern, at)?,
            '{' => {
                if depth == 0 {
                    (open, begin) = (at, at + 1);
                }
                depth += 1;
            }
            ',' if depth == 1 => {
                choices.push(&pattern[begin..at]);
                begin = at + 1;
            }
            '}' if depth == 0 => return Err("a brace is closed that was not opened".to_owned()),
            '}' => {
                depth -= 1;
                if depth == 0 {
                    choices.push(&pattern[begin..at]);
                    return Ok(Some((&pattern[..open], choices, &pattern[at + 1..])));
                }
            }
            _ => {}
        }
        at += 1;
    }
    if depth > 0 { Err("a brace is not closed".to_owned()) } else { Ok(None) }
}

/// Where the bracket is that closes the one at `open`.
fn end_of_class(pattern: &[char], open: usize) -> Result<usize, String> {
    let negated = matches!(pattern.get(open + 1), Some('!' | '^'));
    // A bracket that comes first means itself.
    let first = open + 1 + usize::from(negated);
    let rest = pattern.get(first + 1..).unwrap_or_default();
    match rest.iter().position(|c| *c == ']') {
        Some(found) => Ok(first + 1 + found),
        None => Err("a bracket is not closed".to_owned()),
    }
}

fn tokens(pattern: &[char]) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < pattern.len() {
        let begins_name = at == 0 || pattern[at - 1] == '/';
        match (pattern[at], &pattern[at + 1..]) {
            ('*', ['*', '/', ..]) if begins_name => {
                // `**/**/` is no more than `**/`.
                if tokens.last() != Some(&Token::Folders) {
                    tokens.push(Token::Folders);
                }
                at += 3;
                continue;
            }
            ('*', ['*']) if begins_name => {
                tokens.push(Token::Rest);
                at += 1;
            }
            ('*', _) => tokens.push(Token::Star),
            ('?', _) => tokens.push(Token::Any),
            ('[', _) => {
                let end = end_of_class(pattern, at)?;
                tokens.push(class(&pattern[at + 1..end])?);
                at = end;
            }
            ('\\', [escaped, ..]) => {
                tokens.push(Token::Is(*escaped));
                at += 1;
            }
            ('\\', []) => return Err("a backslash has nothing after it".to_owned()),
            (other, _) => tokens.push(Token::Is(other)),
        }
        at += 1;
    }
    // As globset has it: any number of folders, and nothing else, is everything.
    if tokens == [Token::Folders] {
        tokens = vec![Token::Rest];
    }
    Ok(tokens)
}

/// What is between brackets.
fn class(inside: &[char]) -> Result<Token, String> {
    let negated = matches!(inside.first(), Some('!' | '^'));
    let mut rest = &inside[usize::from(negated)..];
    let mut ranges = Vec::new();
    while let [from, after @ ..] = rest {
        match after {
            ['-', to, after @ ..] => {
                if from > to {
                    return Err(format!("the range {from}-{to} is empty"));
                }
                ranges.push((*from, *to));
                rest = after;
            }
            _ => {
                ranges.push((*from, *from));
                rest = after;
            }
        }
    }
    Ok(Token::In { ranges, negated })
}

/// Follows all ways through the tokens at once.
fn matches(tokens: &[Token], path: &str) -> bool {
    let mut now = vec![false; tokens.len() + 1];
    enter(tokens, &mut now, 0);
    for c in path.chars() {
        let mut next = vec![false; tokens.len() + 1];
        for (at, token) in tokens.iter().enumerate().filter(|(at, _)| now[*at]) {
            match token {
                Token::Star if c != '/' => enter(tokens, &mut next, at),
                Token::Rest => enter(tokens, &mut next, at),
                Token::Folders => {
                    // Inside a folder's name there is no way out but its slash.
                    next[at] = true;
                    if c == '/' {
                        enter(tokens, &mut next, at + 1);
                    }
                }
                token if token.takes(c) => enter(tokens, &mut next, at + 1),
                _ => {}
            }
        }
        now = next;
    }
    now[tokens.len()]
}

/// Marks a place, and those that are reached from it without a character.
fn enter(tokens: &[Token], places: &mut [bool], at: usize) {
    for (place, marked) in places.iter_mut().enumerate().skip(at) {
        *marked = true;
        if !matches!(tokens.get(place), Some(Token::Star | Token::Folders | Token::Rest)) {
            return;
        }
    }
}

impl Token {
    /// Whether this one character is what it wants.
    fn takes(&self, c: char) -> bool {
        match self {
            Token::Is(wanted) => *wanted == c,
            Token::Any => c != '/',
            Token::In { ranges, negated } => {
                let inside = ranges.iter().any(|(from, to)| (*from..=*to).contains(&c));
                c != '/' && inside != *negated
            }
            Token::Star | Token::Folders | Token::Rest => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn patterns_mean_what_they_mean_to_globset(
            pattern in "(\\*\\*/|a|b|/a|\\*|\\?|\\[ab\\]|\\[a-c\\]|\\{a,b/c\\}|/\\*\\*/b|\\.){1,6}(/\\*\\*)?",
            paths in proptest::collection::vec("[abc.]{1,2}(/[abc]{1,2}){0,3}", 20),
        ) {
            let theirs = globset::GlobBuilder::new(&pattern).literal_separator(true).build();
            let theirs = theirs.unwrap().compile_matcher();
            let ours = Glob::new(&pattern).unwrap();
            for path in &paths {
                prop_assert_eq!(ours.matches(path), theirs.is_match(path), "{} {}", pattern, path);
            }
        }
    }

    #[test]
    fn classes_escapes_and_nested_braces() {
        for (pattern, yes, no) in [
            ("[!a]", "b", "a"),
            ("[]x]", "]", "a"),
            ("[^/]x", "ax", "/x"),
            ("\\*", "*", "a"),
            ("{a,{b,c}d}e", "cde", "ce"),
            ("[{]", "{", "a"),
            ("?", "ä", "/"),
            ("{,a}b", "b", "ac"),
        ] {
            let glob = Glob::new(pattern).unwrap();
            assert!(glob.matches(yes) && !glob.matches(no), "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_and_what_is_costly_takes_no_time() {
        for bad in ["[", "[a", "{a", "a}", "{a,{b}", "[z-a]", "\\", &"{a,b}".repeat(11)] {
            assert!(Glob::new(bad).is_err(), "{bad}");
        }
        let costly = Glob::new(&"*a".repeat(300)).unwrap();
        assert!(!costly.matches(&"a".repeat(1000).replace("aaaaaaaaaa", "aaaaaaaaa/")));
    }
}
