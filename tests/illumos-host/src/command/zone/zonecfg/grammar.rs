//! The commands of zonecfg's language.
//!
//! Source: illumos-gate usr/src/cmd/zonecfg/zonecfg_grammar.y.

use super::lex::{Kind, Word};

/// The value of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// `word`
    Simple(String),
    /// `(name=value,...)`
    Complex(Vec<(&'static str, String)>),
    /// `[value,...]`
    List(Vec<Value>),
}

/// `name=value` behind a resource's type.
pub(super) type Pairs = Vec<(&'static str, Value)>;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// cancel, commit, create, delete, end, exit, export, help, revert, verify
    /// and `add` with a word that is no type: with bare words.
    Plain(&'static str, Vec<String>),
    AddResource(&'static str),
    AddProperty(&'static str, Value),
    RemoveResource {
        option: Option<String>,
        resource: &'static str,
        pairs: Pairs,
    },
    RemoveProperty(&'static str, Value),
    Select(&'static str, Pairs),
    Set(&'static str, Value),
    /// `set WORD zonepath=...`
    SetForced(String),
    Clear(&'static str),
    InfoAll,
    InfoResource(&'static str, Pairs),
    InfoProperty(&'static str),
}

/// What a stretch of input up to a terminator is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    Command(Command),
    /// Not even a command: a word where none is accepted.
    Unexpected(Word),
    /// A command that needs more: its usage is printed, and what there is to
    /// name if it is bare.
    Short {
        command: &'static str,
        bare: bool,
    },
    /// The input ends before the terminator; nobody is told.
    Unfinished,
    Empty,
}

/// One command and where the input stands behind it.
pub(super) struct Step {
    pub(super) parsed: Parsed,
    /// The line that messages name: that of the last word read, as the lexer counts.
    pub(super) line: u32,
}

/// Takes commands from words.
pub(super) struct Parser {
    words: std::vec::IntoIter<Word>,
    next: Word,
}

/// How many words follow a command at most.
fn most(command: &str) -> usize {
    match command {
        "create" => 3,
        "export" => 2,
        _ => 1,
    }
}

/// How many `name=value` pairs qualify a resource at most.
const MOST_PAIRS: usize = 3;

fn short(command: &'static str) -> Parsed {
    Parsed::Short { command, bare: true }
}

type Outcome<T> = Result<T, Parsed>;

impl Parser {
    pub(super) fn new(words: Vec<Word>) -> Self {
        let mut words = words.into_iter();
        let next = words.next().expect("the end of the input is a word");
        Self { words, next }
    }

    /// The next command; `None` at the end of the input.
    pub(super) fn step(&mut self) -> Option<Step> {
        if self.next.kind == Kind::Eof {
            return None;
        }
        let parsed = match self.statement() {
            Ok(command) => command,
            Err(Parsed::Unfinished) => {
                return Some(Step { parsed: Parsed::Unfinished, line: self.next.line });
            }
            Err(problem) => problem,
        };
        while !matches!(self.next.kind, Kind::End | Kind::Eof) {
            self.take();
        }
        let line = self.next.line;
        if self.next.kind == Kind::End {
            self.take();
        }
        Some(Step { parsed, line })
    }

    fn take(&mut self) -> Word {
        let next = self.words.next().unwrap_or_else(|| self.next.clone());
        std::mem::replace(&mut self.next, next)
    }

    fn unexpected(&self) -> Parsed {
        match self.next.kind {
            Kind::Eof => Parsed::Unfinished,
            _ => Parsed::Unexpected(self.next.clone()),
        }
    }

    fn statement(&mut self) -> Outcome<Parsed> {
        let command = match self.next.kind {
            Kind::End => return Ok(Parsed::Empty),
            Kind::Command(command) => command,
            _ => return Err(self.unexpected()),
        };
        self.take();
        let parsed = match command {
            "add" => self.add()?,
            "remove" => self.remove()?,
            "select" => self.select()?,
            "set" => self.set()?,
            "clear" => self.clear()?,
            "info" => self.info()?,
            _ => Command::Plain(command, self.plain(most(command))),
        };
        match self.next.kind {
            Kind::End => Ok(Parsed::Command(parsed)),
            _ => Err(self.unexpected()),
        }
    }

    fn plain(&mut self, most: usize) -> Vec<String> {
        let mut words = Vec::new();
        while words.len() < most && self.next.kind == Kind::Token {
            words.push(self.take().value);
        }
        words
    }

    fn add(&mut self) -> Outcome<Command> {
        match self.next.kind {
            Kind::Token => Ok(Command::Plain("add", vec![self.take().value])),
            Kind::Resource(resource) => {
                self.take();
                Ok(Command::AddResource(resource))
            }
            Kind::Property(property) => {
                self.take();
                Ok(Command::AddProperty(property, self.value()?))
            }
            Kind::End => Err(short("add")),
            _ => Err(self.unexpected()),
        }
    }

    fn remove(&mut self) -> Outcome<Command> {
        let option = (self.next.kind == Kind::Token).then(|| self.take().value);
        match self.next.kind {
            Kind::Resource(resource) => {
                self.take();
                let pairs = if option.is_none() { self.pairs()? } else { Pairs::new() };
                Ok(Command::RemoveResource { option, resource, pairs })
            }
            Kind::Property(property) if option.is_none() => {
                self.take();
                Ok(Command::RemoveProperty(property, self.value()?))
            }
            Kind::End => Err(short("remove")),
            _ => Err(self.unexpected()),
        }
    }

    fn select(&mut self) -> Outcome<Command> {
        match self.next.kind {
            Kind::Resource(resource) => {
                self.take();
                let pairs = self.pairs()?;
                let single = ["dedicated-cpu", "capped-cpu", "capped-memory"].contains(&resource);
                if pairs.is_empty() && !single {
                    return Err(Parsed::Short { command: "select", bare: false });
                }
                Ok(Command::Select(resource, pairs))
            }
            Kind::End => Err(short("select")),
            _ => Err(self.unexpected()),
        }
    }

    fn set(&mut self) -> Outcome<Command> {
        match self.next.kind {
            Kind::Property(property) => {
                self.take();
                self.sign('=')?;
                Ok(Command::Set(property, self.value_or_empty_list()?))
            }
            Kind::Token => {
                let option = self.take().value;
                if self.next.kind != Kind::Property("zonepath") {
                    return Err(self.unexpected());
                }
                self.take();
                self.sign('=')?;
                self.value()?;
                Ok(Command::SetForced(option))
            }
            Kind::End => Err(short("set")),
            _ => Err(self.unexpected()),
        }
    }

    fn clear(&mut self) -> Outcome<Command> {
        match self.next.kind {
            Kind::Property(property) => {
                self.take();
                Ok(Command::Clear(property))
            }
            Kind::End => Err(short("clear")),
            _ => Err(self.unexpected()),
        }
    }

    fn info(&mut self) -> Outcome<Command> {
        match self.next.kind {
            Kind::End => Ok(Command::InfoAll),
            Kind::Token => Err(short("info")),
            Kind::Resource(resource) => {
                self.take();
                Ok(Command::InfoResource(resource, self.pairs()?))
            }
            Kind::Property(property) => {
                self.take();
                Ok(Command::InfoProperty(property))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn pairs(&mut self) -> Outcome<Pairs> {
        let mut pairs = Pairs::new();
        while let Kind::Property(property) = self.next.kind {
            if pairs.len() == MOST_PAIRS {
                return Err(self.unexpected());
            }
            self.take();
            self.sign('=')?;
            pairs.push((property, self.value()?));
        }
        Ok(pairs)
    }

    fn sign(&mut self, sign: char) -> Outcome<()> {
        if self.next.kind != Kind::Sign(sign) {
            return Err(self.unexpected());
        }
        self.take();
        Ok(())
    }

    fn value_or_empty_list(&mut self) -> Outcome<Value> {
        if self.next.kind != Kind::Sign('[') {
            return self.value();
        }
        self.take();
        if self.next.kind == Kind::Sign(']') {
            self.take();
            return Ok(Value::List(Vec::new()));
        }
        self.list()
    }

    fn value(&mut self) -> Outcome<Value> {
        if self.next.kind == Kind::Sign('[') {
            self.take();
            return self.list();
        }
        self.piece()
    }

    /// What follows `[`.
    fn list(&mut self) -> Outcome<Value> {
        let mut values = vec![self.piece()?];
        while self.next.kind == Kind::Sign(',') {
            self.take();
            values.push(self.piece()?);
        }
        self.sign(']')?;
        Ok(Value::List(values))
    }

    fn piece(&mut self) -> Outcome<Value> {
        if self.next.kind == Kind::Sign('(') {
            self.take();
            return self.complex();
        }
        Ok(Value::Simple(self.word()?))
    }

    /// A word as a value: names of properties and resources are words too.
    fn word(&mut self) -> Outcome<String> {
        match self.next.kind {
            Kind::Token | Kind::Resource(_) | Kind::Property(_) => Ok(self.take().value),
            _ => Err(self.unexpected()),
        }
    }

    /// What follows `(`.
    fn complex(&mut self) -> Outcome<Value> {
        let mut pieces = Vec::new();
        loop {
            let Kind::Property(property) = self.next.kind else {
                return Err(self.unexpected());
            };
            self.take();
            self.sign('=')?;
            pieces.push((property, self.word()?));
            if self.next.kind != Kind::Sign(',') {
                break;
            }
            self.take();
        }
        self.sign(')')?;
        Ok(Value::Complex(pieces))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Variant;
    use super::super::lex;
    use super::*;

    fn parsed(input: &str) -> Vec<Parsed> {
        let mut parser = Parser::new(lex::words(input, Variant::Omnios));
        std::iter::from_fn(|| parser.step()).map(|step| step.parsed).collect()
    }

    fn one(input: &str) -> Command {
        match parsed(&format!("{input}\n")).remove(0) {
            Parsed::Command(command) => command,
            other => panic!("{input}: {other:?}"),
        }
    }

    #[test]
    fn values_are_simple_complex_or_lists() {
        let simple = |text: &str| Value::Simple(text.to_owned());
        assert_eq!(one("set zonepath = /z"), Command::Set("zonepath", simple("/z")));
        assert_eq!(one("set name=type"), Command::Set("name", simple("type")));
        assert_eq!(one("set options=[]"), Command::Set("options", Value::List(Vec::new())));
        assert_eq!(
            one("set options=[ro,nodevices]"),
            Command::Set("options", Value::List(vec![simple("ro"), simple("nodevices")]))
        );
        let pieces = vec![("name", "a".to_owned()), ("value", "b c".to_owned())];
        assert_eq!(
            one("add property (name=a,value=\"b c\")"),
            Command::AddProperty("property", Value::Complex(pieces))
        );
    }

    #[test]
    fn a_second_equals_sign_spoils_only_its_own_command() {
        let parsed = parsed("set value=cpus=2; end\n");
        assert!(matches!(&parsed[0], Parsed::Unexpected(word) if word.text == "="));
        assert_eq!(parsed[1], Parsed::Command(Command::Plain("end", Vec::new())));
    }

    #[test]
    fn a_command_without_its_terminator_is_dropped_in_silence() {
        assert_eq!(parsed("set zonepath=/z"), [Parsed::Unfinished]);
        assert_eq!(parsed("set value=\"abc\n"), [Parsed::Unfinished]);
    }

    #[test]
    fn a_command_takes_only_so_many_words() {
        assert_eq!(one("create -F -t x"), {
            let words = ["-F", "-t", "x"].map(str::to_owned).to_vec();
            Command::Plain("create", words)
        });
        assert!(matches!(parsed("create -F -b -t x\n")[0], Parsed::Unexpected(_)));
        assert!(matches!(parsed("end now please\n")[0], Parsed::Unexpected(_)));
        let four = "select net physical=a address=b defrouter=c name=d\n";
        assert!(matches!(parsed(four)[0], Parsed::Unexpected(_)));
    }

    #[test]
    fn commands_that_need_more_are_told_apart() {
        for command in ["add", "remove", "select", "set", "clear"] {
            assert_eq!(parsed(&format!("{command}\n")), [short(command)], "{command}");
        }
        assert_eq!(parsed("info x\n"), [short("info")]);
        assert_eq!(parsed("select net\n"), [Parsed::Short { command: "select", bare: false }]);
    }
}
