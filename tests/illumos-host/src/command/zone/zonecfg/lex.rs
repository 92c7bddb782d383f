//! The words of zonecfg's language.
//!
//! Source: illumos-gate usr/src/cmd/zonecfg/zonecfg_lex.l (illumos-omnios for what OmniOS
//! adds). As every lex program it takes the longest match, and of two of the
//! same length the rule that stands first.

use super::super::Variant;

/// Commands, known only where a command may begin; `?` is `help`.
const COMMANDS: [&str; 17] = [
    "add", "cancel", "commit", "create", "delete", "end", "exit", "export", "help", "info",
    "remove", "revert", "select", "set", "clear", "verify", "?",
];

/// Types of resources.
const RESOURCES: [&str; 11] = [
    "net",
    "fs",
    "device",
    "rctl",
    "attr",
    "admin",
    "security-flags",
    "dataset",
    "dedicated-cpu",
    "capped-cpu",
    "capped-memory",
];

/// Properties, of zones and of resources.
const PROPERTIES: [&str; 42] = [
    "zonename",
    "zonepath",
    "brand",
    "autoboot",
    "ip-type",
    "pool",
    "limitpriv",
    "bootargs",
    "type",
    "value",
    "options",
    "allowed-address",
    "address",
    "physical",
    "defrouter",
    "dir",
    "special",
    "raw",
    "name",
    "match",
    "priv",
    "limit",
    "action",
    "ncpus",
    "locked",
    "swap",
    "importance",
    "cpu-shares",
    "max-lwps",
    "max-processes",
    "max-shm-memory",
    "max-shm-ids",
    "max-msg-ids",
    "max-sem-ids",
    "scheduling-class",
    "hostid",
    "user",
    "auths",
    "fs-allowed",
    "default",
    "lower",
    "upper",
];

/// Properties that only OmniOS has.
const OMNIOS_PROPERTIES: [&str; 5] =
    ["mac-addr", "vlan-id", "global-nic", "property", "zfs-io-priority"];

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Command(&'static str),
    Resource(&'static str),
    Property(&'static str),
    /// Anything else, its quotes taken off.
    Token,
    /// `=`, `[`, `]`, `(`, `)`, `,`.
    Sign(char),
    /// `;` or a newline.
    End,
    /// A character that no rule knows; nothing accepts it.
    Stray,
    /// The end of the input.
    Eof,
}

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) kind: Kind,
    /// A token's text.
    pub(super) value: String,
    /// What was read, for messages.
    pub(super) text: String,
    /// The line on which it ends; a newline counts as the next one's.
    pub(super) line: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Where a command may begin.
    Initial,
    /// Behind a command.
    Token,
    /// In `[...]`.
    List,
    /// In `(...)`.
    Complex,
}

struct Lexer<'a> {
    rest: &'a str,
    variant: Variant,
    state: State,
    /// To which `)` returns.
    outer: State,
    line: u32,
}

/// All words of an input, the last of them [`Kind::Eof`].
pub(super) fn words(input: &str, variant: Variant) -> Vec<Word> {
    let mut lexer =
        Lexer { rest: input, variant, state: State::Initial, outer: State::Initial, line: 1 };
    let mut words = Vec::new();
    loop {
        let word = lexer.next();
        let done = word.kind == Kind::Eof;
        words.push(word);
        if done {
            return words;
        }
    }
}

impl Lexer<'_> {
    fn next(&mut self) -> Word {
        loop {
            let Some(first) = self.rest.chars().next() else {
                return self.word(0, Kind::Eof);
            };
            match first {
                ' ' | '\t' => self.rest = &self.rest[1..],
                '#' if self.state == State::Initial => {
                    self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
                }
                ';' | '\n' => {
                    self.line += u32::from(first == '\n');
                    self.state = State::Initial;
                    return self.word(1, Kind::End);
                }
                _ => return self.in_state(first),
            }
        }
    }

    fn in_state(&mut self, first: char) -> Word {
        match self.state {
            State::Initial => self.command(first),
            _ => match first {
                '=' => self.word(1, Kind::Sign('=')),
                '[' if self.state == State::Token => self.enter(State::List, '['),
                ']' if self.state == State::List => {
                    self.outer = State::Token;
                    self.state = State::Token;
                    self.word(1, Kind::Sign(']'))
                }
                '(' if self.state != State::Complex => self.enter(State::Complex, '('),
                ')' if self.state == State::Complex => {
                    self.state = self.outer;
                    self.word(1, Kind::Sign(')'))
                }
                ',' if self.state != State::Token => self.word(1, Kind::Sign(',')),
                '"' => self.quoted(),
                _ => self.bare(first),
            },
        }
    }

    /// A command: the longest that the rest begins with, whatever follows.
    fn command(&mut self, first: char) -> Word {
        let found = COMMANDS.into_iter().filter(|command| self.rest.starts_with(command));
        match found.max_by_key(|command| command.len()) {
            Some(command) => {
                self.state = State::Token;
                self.outer = State::Token;
                let name = if command == "?" { "help" } else { command };
                self.word(command.len(), Kind::Command(name))
            }
            None => self.word(first.len_utf8(), Kind::Stray),
        }
    }

    fn enter(&mut self, state: State, sign: char) -> Word {
        self.state = state;
        if state == State::List {
            self.outer = State::List;
        }
        self.word(1, Kind::Sign(sign))
    }

    /// `"..."`, which has no escapes. A newline ends it too, and is part of it then.
    fn quoted(&mut self) -> Word {
        if self.state == State::Complex && self.variant == Variant::Openindiana {
            return self.word(1, Kind::Stray);
        }
        let Some(end) = self.rest[1..].find(['"', '\n']) else {
            return self.word(1, Kind::Stray);
        };
        let mut word = self.word(end + 2, Kind::Token);
        word.value = word.text[1..].strip_suffix('"').unwrap_or(&word.text[1..]).to_owned();
        word
    }

    fn bare(&mut self, first: char) -> Word {
        let ends: &[char] = match self.state {
            State::Token => &[' ', '\t', '\n', '"', ';', '=', '[', ']', '(', ')'],
            State::List => &[' ', '\t', '\n', '"', ',', ';', '=', '[', ']', '(', ')'],
            _ => &[' ', '\t', '\n', '"', ',', ';', '=', '(', ')'],
        };
        let length = self.rest.find(ends).unwrap_or(self.rest.len());
        if length == 0 {
            return self.word(first.len_utf8(), Kind::Stray);
        }
        let kind = self.keyword(&self.rest[..length]);
        self.word(length, kind)
    }

    /// Types of resources are known behind a command only, properties in `(...)` too.
    fn keyword(&self, text: &str) -> Kind {
        let known = |all: &[&'static str]| all.iter().copied().find(|name| *name == text);
        if self.state == State::Token
            && let Some(name) = known(&RESOURCES)
        {
            return Kind::Resource(name);
        }
        let mut property = known(&PROPERTIES);
        if self.variant == Variant::Omnios {
            property = property.or_else(|| known(&OMNIOS_PROPERTIES));
        }
        match property {
            Some(name) if self.state != State::List => Kind::Property(name),
            _ => Kind::Token,
        }
    }

    fn word(&mut self, length: usize, kind: Kind) -> Word {
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        Word { kind, value: text.to_owned(), text: text.to_owned(), line: self.line }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(input: &str) -> Vec<Kind> {
        words(input, Variant::Omnios).into_iter().map(|word| word.kind).collect()
    }

    #[test]
    fn commands_are_known_only_where_one_may_begin() {
        let kinds = kinds("set name=set; set");
        assert_eq!(kinds[3], Kind::Token);
        assert_eq!(kinds[5], Kind::Command("set"));
    }

    #[test]
    fn the_longest_command_is_taken_and_the_rest_is_a_word() {
        let words = words("settings", Variant::Omnios);
        assert_eq!(words[0].kind, Kind::Command("set"));
        assert_eq!(words[1].value, "tings");
        assert_eq!(kinds("foo")[..4], [Kind::Stray, Kind::Stray, Kind::Stray, Kind::Eof]);
    }

    #[test]
    fn a_comma_and_a_single_quote_are_ordinary_and_an_equals_sign_is_not() {
        let words = words("set value='a,b=c", Variant::Omnios);
        assert_eq!(words[3].value, "'a,b");
        assert_eq!(words[4].kind, Kind::Sign('='));
    }

    #[test]
    fn quotes_hold_everything_but_themselves_and_a_newline() {
        let words = words("set value=\"a; b=[c] # (d)\"", Variant::Omnios);
        assert_eq!(words[3].value, "a; b=[c] # (d)");
        let words = super::words("set value=\"abc\n", Variant::Omnios);
        assert_eq!((words[3].value.as_str(), words[4].kind), ("abc\n", Kind::Eof));
    }

    #[test]
    fn quotes_in_a_complex_value_are_omnios_own() {
        let input = "add property (name=netif,value=\"e 1\")";
        assert_eq!(words(input, Variant::Omnios)[9].value, "e 1");
        assert!(words(input, Variant::Openindiana).iter().any(|word| word.kind == Kind::Stray));
    }

    #[test]
    fn a_comment_stands_where_a_command_may() {
        assert_eq!(kinds("# set; set"), [Kind::Eof]);
        assert_eq!(words("set value=a#b", Variant::Omnios)[3].value, "a#b");
    }

    #[test]
    fn lists_have_commas() {
        let words = words("set options=[ro,nodevices]", Variant::Omnios);
        let texts: Vec<_> = words[3..8].iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["[", "ro", ",", "nodevices", "]"]);
    }
}
