//! From tokens to a tree: `||` binds weakest, then `&&`, `==` and `!=`, `!`.

use std::ops::Range;

use solstice_kdl::Refusal;

use super::lexer::Token;
use crate::limits::MAX_CONDITION_DEPTH;

/// A part of a condition and where it stands; names and types are unchecked.
#[derive(Clone, Debug)]
pub(crate) struct Syntax {
    pub(crate) kind: Kind,
    pub(crate) bytes: Range<usize>,
}

/// What a part of a condition is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Text(String),
    Word(String),
    Call(String, Vec<Syntax>),
    Not(Box<Syntax>),
    And(Box<Syntax>, Box<Syntax>),
    Or(Box<Syntax>, Box<Syntax>),
    Equal(Box<Syntax>, Box<Syntax>),
    NotEqual(Box<Syntax>, Box<Syntax>),
}

/// Parses a whole condition, whose text ends at byte `end`.
pub(crate) fn parse(tokens: &[(Token, Range<usize>)], end: usize) -> Result<Syntax, Refusal> {
    if tokens.is_empty() {
        return Err(Refusal::because("a condition cannot be empty")
            .help("write one, such as branch == 'main', or remove it"));
    }
    let mut parser = Parser { tokens, end, depth: 0 };
    let syntax = parser.any()?;
    match parser.next() {
        None => Ok(syntax),
        Some((_, bytes)) => Err(Refusal::because("the condition should have ended here")
            .help("join two conditions with && or ||; put a text in quotes")
            .within(bytes)),
    }
}

struct Parser<'t> {
    tokens: &'t [(Token, Range<usize>)],
    end: usize,
    /// How many `(` and `!` are open.
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.first().map(|(token, _)| token)
    }

    fn next(&mut self) -> Option<(Token, Range<usize>)> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first.clone())
    }

    /// Takes the token if it comes next.
    fn eat(&mut self, token: &Token) -> bool {
        let comes = self.peek() == Some(token);
        if comes {
            self.next();
        }
        comes
    }

    fn any(&mut self) -> Result<Syntax, Refusal> {
        let mut left = self.all()?;
        while self.eat(&Token::Or) {
            left = both(Kind::Or, left, self.all()?);
        }
        Ok(left)
    }

    fn all(&mut self) -> Result<Syntax, Refusal> {
        let mut left = self.comparison()?;
        while self.eat(&Token::And) {
            left = both(Kind::And, left, self.comparison()?);
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Syntax, Refusal> {
        let left = self.operand()?;
        let kind = match self.peek() {
            Some(Token::Equal) => Kind::Equal,
            Some(Token::NotEqual) => Kind::NotEqual,
            _ => return Ok(left),
        };
        self.next();
        let compared = both(kind, left, self.operand()?);
        if let Some(Token::Equal | Token::NotEqual) = self.peek() {
            let (_, bytes) = self.next().expect("it was seen");
            return Err(Refusal::because("a comparison has two sides")
                .help("join two comparisons with &&")
                .within(bytes));
        }
        Ok(compared)
    }

    fn operand(&mut self) -> Result<Syntax, Refusal> {
        let end = self.end;
        let Some((token, bytes)) = self.next() else {
            return Err(Refusal::because("something is missing at the end of the condition")
                .help("add a name, a text in quotes or a function")
                .within(end..end));
        };
        match token {
            Token::Not => {
                self.deeper(&bytes)?;
                let inner = self.operand()?;
                self.depth -= 1;
                let all = bytes.start..inner.bytes.end;
                Ok(Syntax { kind: Kind::Not(Box::new(inner)), bytes: all })
            }
            Token::Open => {
                self.deeper(&bytes)?;
                let inner = self.any()?;
                self.close(&bytes)?;
                Ok(inner)
            }
            Token::Text(text) => Ok(Syntax { kind: Kind::Text(text), bytes }),
            Token::Word(name) if self.eat(&Token::Open) => self.call(name, bytes),
            Token::Word(name) => Ok(Syntax { kind: Kind::Word(name), bytes }),
            _ => Err(Refusal::because("a name, a text or a function should stand here")
                .help("write both sides of the sign before it")
                .within(bytes)),
        }
    }

    fn call(&mut self, name: String, bytes: Range<usize>) -> Result<Syntax, Refusal> {
        self.deeper(&bytes)?;
        let mut given = Vec::new();
        if self.peek() != Some(&Token::Close) {
            given.push(self.any()?);
            while self.eat(&Token::Comma) {
                given.push(self.any()?);
            }
        }
        let end = self.close(&bytes)?;
        Ok(Syntax { kind: Kind::Call(name, given), bytes: bytes.start..end })
    }

    fn deeper(&mut self, bytes: &Range<usize>) -> Result<(), Refusal> {
        self.depth += 1;
        if self.depth <= MAX_CONDITION_DEPTH {
            return Ok(());
        }
        Err(Refusal::because(format!("a condition is nested at most {MAX_CONDITION_DEPTH} deep"))
            .help("remove ( ) and ! that change nothing")
            .within(bytes.clone()))
    }

    /// Takes the `)` that belongs to what was opened; gives where it ends.
    fn close(&mut self, opened: &Range<usize>) -> Result<usize, Refusal> {
        self.depth -= 1;
        let end = self.end;
        match self.next() {
            Some((Token::Close, bytes)) => Ok(bytes.end),
            Some((_, bytes)) => Err(Refusal::because("a ) should stand here")
                .help("close what was opened, or part two arguments by a comma")
                .within(bytes)),
            None => Err(Refusal::because("this is never closed")
                .help("add a )")
                .within(opened.start..end)),
        }
    }
}

fn both(kind: fn(Box<Syntax>, Box<Syntax>) -> Kind, left: Syntax, right: Syntax) -> Syntax {
    let bytes = left.bytes.start..right.bytes.end;
    Syntax { kind: kind(Box::new(left), Box::new(right)), bytes }
}
