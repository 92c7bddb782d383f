//! getopt(3C) and getopt_long(3C): options first, then operands.
//!
//! illumos' getopt_long also takes options behind operands; this one does not,
//! so that nobody comes to rely on it.

/// What was given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Given<'a> {
    /// The options in their order, by their letters, each with its argument.
    pub(super) options: Vec<(char, &'a str)>,
    /// What is behind them.
    pub(super) operands: &'a [String],
}

/// What is wrong with an option.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// There is no such option. A long one has the letter `?`, as in getopt.
    Unknown(char),
    /// It has no argument and needs one.
    NoArgument(char),
}

impl<'a> Given<'a> {
    /// Divides the arguments. `short` is as for getopt, a `:` behind each letter
    /// that takes an argument; `long` gives other names to some of them.
    pub(super) fn parse(
        arguments: &'a [String],
        short: &str,
        long: &[(&str, char)],
    ) -> Result<Self, Wrong> {
        let mut options = Vec::new();
        let mut rest = arguments;
        while let Some((first, behind)) = rest.split_first() {
            rest = behind;
            if first == "--" {
                return Ok(Self { options, operands: rest });
            }
            let taken = match (first.strip_prefix("--"), first.strip_prefix('-')) {
                (Some(name), _) if !long.is_empty() => {
                    rest = long_option(name, behind, short, long, &mut options)?;
                    continue;
                }
                (_, Some(letters)) if !letters.is_empty() => letters,
                _ => {
                    return Ok(Self {
                        options,
                        operands: &arguments[arguments.len() - behind.len() - 1..],
                    });
                }
            };
            rest = letters(taken, behind, short, &mut options)?;
        }
        Ok(Self { options, operands: rest })
    }

    /// Whether this option was given.
    pub(super) fn has(&self, letter: char) -> bool {
        self.options.iter().any(|(given, _)| *given == letter)
    }

    /// The argument of this option where it was given last.
    pub(super) fn last(&self, letter: char) -> Option<&'a str> {
        self.all(letter).last()
    }

    /// The arguments of this option, one for each time that it was given.
    pub(super) fn all(&self, letter: char) -> impl Iterator<Item = &'a str> {
        self.options.iter().filter(move |(given, _)| *given == letter).map(|(_, value)| *value)
    }
}

/// Whether the option exists and takes an argument.
fn takes_argument(letter: char, short: &str) -> Result<bool, Wrong> {
    let known = short.find(letter).filter(|_| letter != ':');
    let at = known.ok_or(Wrong::Unknown(letter))?;
    Ok(short[at + letter.len_utf8()..].starts_with(':'))
}

/// Letters behind one dash; gives what is left behind them.
fn letters<'a>(
    word: &'a str,
    behind: &'a [String],
    short: &str,
    options: &mut Vec<(char, &'a str)>,
) -> Result<&'a [String], Wrong> {
    for (index, letter) in word.char_indices() {
        if !takes_argument(letter, short)? {
            options.push((letter, ""));
            continue;
        }
        let attached = &word[index + letter.len_utf8()..];
        if !attached.is_empty() {
            options.push((letter, attached));
            return Ok(behind);
        }
        let (next, behind) = behind.split_first().ok_or(Wrong::NoArgument(letter))?;
        options.push((letter, next));
        return Ok(behind);
    }
    Ok(behind)
}

/// A name behind two dashes, with `=` or without.
fn long_option<'a>(
    word: &'a str,
    behind: &'a [String],
    short: &str,
    long: &[(&str, char)],
    options: &mut Vec<(char, &'a str)>,
) -> Result<&'a [String], Wrong> {
    let (name, attached) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    let known = long.iter().find(|(known, _)| *known == name);
    let letter = known.map(|(_, letter)| *letter).ok_or(Wrong::Unknown('?'))?;
    match (takes_argument(letter, short)?, attached) {
        (false, None) => options.push((letter, "")),
        (false, Some(_)) => return Err(Wrong::Unknown('?')),
        (true, Some(value)) => options.push((letter, value)),
        (true, None) => {
            let (next, behind) = behind.split_first().ok_or(Wrong::NoArgument(letter))?;
            options.push((letter, next));
            return Ok(behind);
        }
    }
    Ok(behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn letters_may_stand_together_and_arguments_apart() {
        let line = words("-tl stub0 -mauto -- -x");
        let given = Given::parse(&line, "tl:m:", &[]).unwrap();
        assert_eq!(given.options, [('t', ""), ('l', "stub0"), ('m', "auto")]);
        assert_eq!(given.operands, ["-x"]);
    }

    #[test]
    fn options_end_at_the_first_operand() {
        let line = words("-t name -l stub0");
        let given = Given::parse(&line, "tl:", &[]).unwrap();
        assert_eq!(given.operands, ["name", "-l", "stub0"]);
    }

    #[test]
    fn long_names_are_other_names() {
        let line = words("--temporary --link=stub0 --link stub1 x");
        let given = Given::parse(&line, "tl:", &[("temporary", 't'), ("link", 'l')]).unwrap();
        assert_eq!(given.options, [('t', ""), ('l', "stub0"), ('l', "stub1")]);
        assert_eq!(
            (given.last('l'), given.has('t'), given.operands.len()),
            (Some("stub1"), true, 1)
        );
    }

    #[test]
    fn what_is_unknown_or_incomplete_is_named() {
        let wrong = |line: &str| Given::parse(&words(line), "tl:", &[("link", 'l')]).unwrap_err();
        assert_eq!(wrong("-x"), Wrong::Unknown('x'));
        assert_eq!(wrong("-t:"), Wrong::Unknown(':'));
        assert_eq!(wrong("-l"), Wrong::NoArgument('l'));
        assert_eq!(wrong("--link"), Wrong::NoArgument('l'));
        assert_eq!(wrong("--other"), Wrong::Unknown('?'));
    }
}
