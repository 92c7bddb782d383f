//! Names and types: what is a text, what is true or false, and what is neither.

use std::cell::Cell;
use std::ops::Range;

use solstice_kdl::{Refusal, nearest, quoted};
use solstice_model::EventKind;

use super::parser::{Kind, Syntax};
use crate::env;
use crate::limits::MAX_CONDITION_PATTERNS;
use crate::matrix::Axes;
use crate::pattern::Pattern;

/// What is true or false.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Literal(bool),
    Flag(Flag),
    Status(Status),
    Not(Box<Test>),
    All(Box<Test>, Box<Test>),
    Any(Box<Test>, Box<Test>),
    SameTruth(Box<Test>, Box<Test>),
    SameText(Text, Text),
    Compare(Comparison, Text, Text),
    Matches(Text, Pattern),
}

/// What is a text.
#[derive(Clone, Debug)]
pub(crate) enum Text {
    Literal(String),
    Of(Variable),
    Matrix(String),
    Env(String),
}

/// What is known of a run and is a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    Event,
    Branch,
    Tag,
    Ref,
    Repository,
    Actor,
    Base,
}

/// What is known of a run and is true or false.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flag {
    PullRequest,
    Fork,
}

/// How the steps before one ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Status {
    Success,
    Failure,
    Always,
}

/// A question about two texts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Comparison {
    StartsWith,
    EndsWith,
    Contains,
}

const VARIABLES: [(&str, Variable); 7] = [
    ("event", Variable::Event),
    ("branch", Variable::Branch),
    ("tag", Variable::Tag),
    ("ref", Variable::Ref),
    ("repository", Variable::Repository),
    ("actor", Variable::Actor),
    ("base", Variable::Base),
];
const FLAGS: [(&str, Flag); 2] = [("pull_request", Flag::PullRequest), ("fork", Flag::Fork)];
const STATUSES: [(&str, Status); 3] =
    [("success", Status::Success), ("failure", Status::Failure), ("always", Status::Always)];
const COMPARISONS: [(&str, Comparison); 3] = [
    ("starts_with", Comparison::StartsWith),
    ("ends_with", Comparison::EndsWith),
    ("contains", Comparison::Contains),
];
const EVENTS: [EventKind; 4] =
    [EventKind::Push, EventKind::PullRequest, EventKind::MergeGroup, EventKind::Manual];

fn named<T: Copy>(table: &[(&'static str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == name).map(|(_, is)| *is)
}

fn functions() -> impl Iterator<Item = &'static str> {
    let statuses = STATUSES.iter().map(|(name, _)| *name);
    statuses.chain(COMPARISONS.iter().map(|(name, _)| *name)).chain(["matches"])
}

/// The names that a condition may use.
pub(crate) struct Scope<'s> {
    /// Those of the matrix.
    pub(crate) axes: Axes<'s>,
    /// Those of the `env` blocks around it.
    pub(crate) env: Vec<&'s env::Block>,
    /// Whether it belongs to a step, which may ask how those before it ended.
    pub(crate) step: bool,
    /// How many patterns the conditions of the file have so far: each is kept
    /// as the machine that recognises it, which is far larger than its text.
    pub(crate) patterns: &'s Cell<usize>,
}

/// A part of a condition whose type is known.
enum Typed {
    Test(Test),
    Text(Text),
}

/// Checks a whole condition.
pub(crate) fn condition(syntax: &Syntax, scope: &Scope<'_>) -> Result<Test, Refusal> {
    scope.test(syntax)
}

impl Scope<'_> {
    fn test(&self, syntax: &Syntax) -> Result<Test, Refusal> {
        match self.typed(syntax)? {
            Typed::Test(test) => Ok(test),
            Typed::Text(_) => Err(Refusal::because("this is a text, neither true nor false")
                .help("compare it: … == 'text'")
                .within(syntax.bytes.clone())),
        }
    }

    fn text(&self, syntax: &Syntax) -> Result<Text, Refusal> {
        match self.typed(syntax)? {
            Typed::Text(text) => Ok(text),
            Typed::Test(_) => Err(Refusal::because("this is true or false, and not a text")
                .help("give a text in quotes or a name such as branch")
                .within(syntax.bytes.clone())),
        }
    }

    fn typed(&self, syntax: &Syntax) -> Result<Typed, Refusal> {
        let test = |syntax: &Syntax| self.test(syntax).map(Box::new);
        Ok(Typed::Test(match &syntax.kind {
            Kind::Text(text) => return Ok(Typed::Text(Text::Literal(text.clone()))),
            Kind::Word(name) => return self.word(name, &syntax.bytes),
            Kind::Call(name, given) => self.call(name, given, &syntax.bytes)?,
            Kind::Not(inner) => Test::Not(test(inner)?),
            Kind::And(left, right) => Test::All(test(left)?, test(right)?),
            Kind::Or(left, right) => Test::Any(test(left)?, test(right)?),
            Kind::Equal(left, right) => self.same(left, right)?,
            Kind::NotEqual(left, right) => Test::Not(Box::new(self.same(left, right)?)),
        }))
    }

    fn same(&self, left: &Syntax, right: &Syntax) -> Result<Test, Refusal> {
        match (self.typed(left)?, self.typed(right)?) {
            (Typed::Text(left_text), Typed::Text(right_text)) => {
                check_event(&left_text, &right_text, right)?;
                check_event(&right_text, &left_text, left)?;
                Ok(Test::SameText(left_text, right_text))
            }
            (Typed::Test(left), Typed::Test(right)) => {
                Ok(Test::SameTruth(Box::new(left), Box::new(right)))
            }
            _ => Err(Refusal::because("a text is compared with what is true or false")
                .help("true and false stand without quotes, texts with them")
                .within(left.bytes.start..right.bytes.end)),
        }
    }

    fn word(&self, name: &str, bytes: &Range<usize>) -> Result<Typed, Refusal> {
        if let Some(axis) = name.strip_prefix("matrix.") {
            self.axes.check(axis).map_err(|refusal| refusal.within(bytes.clone()))?;
            return Ok(Typed::Text(Text::Matrix(axis.to_owned())));
        }
        if let Some(variable) = name.strip_prefix("env.") {
            return self.variable(variable, bytes);
        }
        if let Some(variable) = named(&VARIABLES, name) {
            return Ok(Typed::Text(Text::Of(variable)));
        }
        if let Some(flag) = named(&FLAGS, name) {
            return Ok(Typed::Test(Test::Flag(flag)));
        }
        match name {
            "true" => Ok(Typed::Test(Test::Literal(true))),
            "false" => Ok(Typed::Test(Test::Literal(false))),
            _ => Err(unknown_name(name).within(bytes.clone())),
        }
    }

    fn variable(&self, name: &str, bytes: &Range<usize>) -> Result<Typed, Refusal> {
        if self.env.iter().any(|block| block.has(name)) {
            return Ok(Typed::Text(Text::Env(name.to_owned())));
        }
        let known = self.env.iter().flat_map(|block| block.names());
        let help = match nearest(name, known) {
            Some(meant) => format!("did you mean {}?", quoted(&format!("env.{meant}"))),
            None => "a condition knows what the `env` blocks of the file set".to_owned(),
        };
        let reason = format!("no `env` around this sets {}", quoted(name));
        Err(Refusal::because(reason).help(help).within(bytes.clone()))
    }

    fn pattern(&self, text: &str) -> Result<Pattern, Refusal> {
        self.patterns.set(self.patterns.get() + 1);
        if self.patterns.get() > MAX_CONDITION_PATTERNS {
            let reason = format!("the file has more than {MAX_CONDITION_PATTERNS} `matches`");
            return Err(Refusal::because(reason).help("write one pattern with {a,b}"));
        }
        Pattern::new(text)
    }

    fn call(&self, name: &str, given: &[Syntax], bytes: &Range<usize>) -> Result<Test, Refusal> {
        if let Some(status) = named(&STATUSES, name) {
            if !self.step {
                let reason = format!("a job cannot ask for {}", quoted(&format!("{name}()")));
                return Err(Refusal::because(reason)
                    .help("say how a needed job must have ended: needs \"…\" outcome=\"failed\"")
                    .within(bytes.clone()));
            }
            return match given {
                [] => Ok(Test::Status(status)),
                _ => Err(wrong_count(name, "()", bytes)),
            };
        }
        if name == "matches" {
            let [subject, pattern] = given else {
                return Err(wrong_count(name, "(text, 'pattern')", bytes));
            };
            let Kind::Text(text) = &pattern.kind else {
                return Err(Refusal::because("a pattern is a text in quotes")
                    .help("write it as in matches(branch, 'release/*')")
                    .within(pattern.bytes.clone()));
            };
            let pattern = self.pattern(text);
            let pattern = pattern.map_err(|refusal| refusal.within(given[1].bytes.clone()))?;
            return Ok(Test::Matches(self.text(subject)?, pattern));
        }
        let Some(comparison) = named(&COMPARISONS, name) else {
            return Err(unknown_function(name).within(bytes.clone()));
        };
        let [subject, part] = given else {
            return Err(wrong_count(name, "(text, text)", bytes));
        };
        Ok(Test::Compare(comparison, self.text(subject)?, self.text(part)?))
    }
}

/// Refuses a comparison of `event` with what no event is called.
fn check_event(one: &Text, other: &Text, written: &Syntax) -> Result<(), Refusal> {
    let (Text::Of(Variable::Event), Text::Literal(name)) = (one, other) else { return Ok(()) };
    let known = EVENTS.map(EventKind::name);
    if known.contains(&name.as_str()) {
        return Ok(());
    }
    let help = match nearest(name, known) {
        Some(meant) => format!("did you mean {}?", quoted(meant)),
        None => format!("the events are {}", known.join(", ")),
    };
    let reason = format!("there is no event {}", quoted(name));
    Err(Refusal::because(reason).help(help).within(written.bytes.clone()))
}

fn wrong_count(name: &str, form: &str, bytes: &Range<usize>) -> Refusal {
    Refusal::because(format!("{} is given too little or too much", quoted(name)))
        .help(format!("write {name}{form}"))
        .within(bytes.clone())
}

fn unknown_name(name: &str) -> Refusal {
    let variables = VARIABLES.iter().map(|(name, _)| *name);
    let known = variables.chain(FLAGS.iter().map(|(name, _)| *name));
    // As other systems write it.
    let bare = name.strip_prefix("github.").unwrap_or(name);
    let help = if functions().any(|function| function == name) {
        format!("it is a function: write {name}(…)")
    } else if let Some(meant) = nearest(bare, known.clone()) {
        format!("did you mean {}?", quoted(meant))
    } else {
        let known: Vec<_> = known.collect();
        format!("put a text in quotes; known are {}, matrix.… and env.…", known.join(", "))
    };
    Refusal::because(format!("a condition knows no {}", quoted(name))).help(help)
}

fn unknown_function(name: &str) -> Refusal {
    let help = match nearest(name, functions()) {
        Some(meant) => format!("did you mean {}?", quoted(meant)),
        None => format!("the functions are {}", functions().collect::<Vec<_>>().join(", ")),
    };
    Refusal::because(format!("there is no function {}", quoted(name))).help(help)
}
