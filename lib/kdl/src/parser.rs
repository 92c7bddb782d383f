//! From text to nodes, with an explicit stack instead of recursion.
//!
//! A wrong structure ends the parse, since whatever follows would be guesswork;
//! a wrong string or number is reported and stepped over.

use std::ops::Range;

use crate::diagnostic::{Problem, Sink};
use crate::document::{Entry, Node};
use crate::lexer::{Dialect, Lexer};
use crate::scalar;
use crate::source::Limits;
use crate::suggest::quoted;
use crate::value::{Scalar, Spanned, Value};

/// Parses a document; `None` if anything was reported.
pub(crate) fn parse(
    text: &str,
    dialect: Dialect,
    limits: &Limits,
    found: &Sink,
) -> Option<Vec<Node>> {
    let lexer = Lexer::new(text, dialect, limits.max_depth);
    let (level, open) = (Vec::new(), Vec::new());
    let mut parser = Parser { lexer, dialect, limits, found, items: 0, level, open };
    match parser.document() {
        Ok(()) => found.is_empty().then_some(parser.level),
        Err(problem) => {
            found.report(problem);
            None
        }
    }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    dialect: Dialect,
    limits: &'t Limits,
    found: &'t Sink,
    items: usize,
    /// The finished nodes of the block that is being parsed.
    level: Vec<Node>,
    /// The blocks around it, from the outermost to the innermost.
    open: Vec<Block>,
}

/// A block whose end has not come yet.
struct Block {
    /// The node that it belongs to.
    head: Head,
    /// Whether `/-` stands before the block itself.
    dropped: bool,
    /// The `{`.
    brace: usize,
    /// The nodes before that node on its own level.
    before: Vec<Node>,
}

/// A node of which more may come.
struct Head {
    node: Node,
    /// Whether `/-` stands before the node.
    dropped: bool,
    /// Whether a block came already, be it dropped or not: no entry may follow.
    block_seen: bool,
}

impl Parser<'_> {
    fn document(&mut self) -> Result<(), Problem> {
        loop {
            self.lexer.skip_lines()?;
            let start = self.lexer.at();
            if self.lexer.peek().is_none() {
                return self.end_of_file();
            }
            let head = if self.lexer.eat("}") { self.close(start)? } else { self.head()? };
            self.rest_of_node(head)?;
        }
    }

    fn end_of_file(&self) -> Result<(), Problem> {
        let Some(block) = self.open.last() else { return Ok(()) };
        let name = quoted(&block.head.node.name.value);
        Err(Problem::new((block.brace..block.brace + 1).into(), "this block is never closed")
            .label(format!("the block of {name} begins here"))
            .help("end it with }"))
    }

    /// Parses `/-`, the type annotation and the name of a node.
    fn head(&mut self) -> Result<Head, Problem> {
        let dropped = self.slashdash()?;
        self.annotation(dropped)?;
        let name = self.lexer.token()?;
        self.count_item(&name)?;
        let name = self.name(name);
        let node = Node { name, entries: Vec::new(), children: None };
        Ok(Head { node, dropped, block_seen: false })
    }

    /// Parses entries up to the node's end or up to its block.
    fn rest_of_node(&mut self, mut head: Head) -> Result<(), Problem> {
        loop {
            let blank = self.lexer.skip_blanks()?;
            if self.lexer.at_node_end() {
                self.lexer.eat(";");
                self.level.extend((!head.dropped).then_some(head.node));
                return Ok(());
            }
            let dropped = self.slashdash()?;
            let start = self.lexer.at();
            if self.lexer.eat("{") {
                return self.open(head, dropped, start);
            }
            if head.block_seen {
                return Err(self
                    .unexpected("after a block, the node must end")
                    .help("begin a new line, or write ; after the }"));
            }
            if !blank && !dropped {
                return Err(self
                    .unexpected("two parts of a node stand too close together")
                    .help("put a blank between them"));
            }
            let entry = self.entry(dropped || head.dropped)?;
            head.node.entries.extend((!dropped).then_some(entry));
        }
    }

    fn open(&mut self, mut head: Head, dropped: bool, brace: usize) -> Result<(), Problem> {
        let here = (brace..brace + 1).into();
        if head.node.children.is_some() && !dropped {
            return Err(Problem::new(here, "a node has one block")
                .label("a second one")
                .help("put all children into the first block"));
        }
        if self.open.len() >= self.limits.max_depth {
            let message = format!("blocks are nested deeper than {}", self.limits.max_depth);
            return Err(Problem::new(here, message).help("close the blocks around it first"));
        }
        head.block_seen = true;
        let before = std::mem::take(&mut self.level);
        self.open.push(Block { head, dropped, brace, before });
        Ok(())
    }

    /// Ends the innermost block; gives the node that it belongs to.
    fn close(&mut self, brace: usize) -> Result<Head, Problem> {
        let Some(block) = self.open.pop() else {
            return Err(Problem::new((brace..brace + 1).into(), "this } closes nothing")
                .help("remove it, or look for the { that is missing before it"));
        };
        let children = std::mem::replace(&mut self.level, block.before);
        let mut head = block.head;
        if !block.dropped {
            head.node.children = Some(children);
        }
        Ok(head)
    }

    fn slashdash(&mut self) -> Result<bool, Problem> {
        let found = self.lexer.eat("/-");
        if found {
            self.lexer.skip_lines()?;
        }
        Ok(found)
    }

    /// Parses `value`, or `name=value`.
    fn entry(&mut self, dropped: bool) -> Result<Entry, Problem> {
        let annotated = self.annotation(dropped)?;
        let first = self.lexer.token()?;
        self.count_item(&first)?;
        let end = self.lexer.at();
        self.lexer.skip_blanks()?;
        if annotated || !self.lexer.eat("=") {
            self.lexer.rewind(end);
            return Ok(Entry { key: None, value: self.value(first) });
        }
        self.lexer.skip_blanks()?;
        self.annotation(dropped)?;
        let value = self.lexer.token()?;
        Ok(Entry { key: Some(self.name(first)), value: self.value(value) })
    }

    /// Parses `(type)`; reports it, unless it is commented out.
    fn annotation(&mut self, dropped: bool) -> Result<bool, Problem> {
        let start = self.lexer.at();
        if !self.lexer.eat("(") {
            return Ok(false);
        }
        self.lexer.skip_blanks()?;
        self.lexer.token()?;
        self.lexer.skip_blanks()?;
        if !self.lexer.eat(")") {
            return Err(self.unexpected("a type annotation is not closed").help("end it with )"));
        }
        if !dropped {
            let span = (start..self.lexer.at()).into();
            self.found.report(
                Problem::new(span, "type annotations have no meaning here").help("remove it"),
            );
        }
        self.lexer.skip_blanks()?;
        Ok(true)
    }

    fn name(&self, token: Range<usize>) -> Spanned<String> {
        let decoded = scalar::name(self.lexer.slice(token.clone()), token.start, self.dialect);
        let value = decoded.unwrap_or_else(|problem| {
            self.found.report(problem);
            String::new()
        });
        Spanned { value, span: token.into() }
    }

    fn value(&self, token: Range<usize>) -> Value {
        let decoded = scalar::value(self.lexer.slice(token.clone()), token.start, self.dialect);
        let scalar = decoded.unwrap_or_else(|problem| {
            self.found.report(problem);
            Scalar::Null
        });
        Value::new(scalar, token.clone().into(), self.lexer.slice(token), self.dialect)
    }

    fn count_item(&mut self, token: &Range<usize>) -> Result<(), Problem> {
        self.items += 1;
        if self.items <= self.limits.max_items {
            return Ok(());
        }
        let message = format!("the file has more than {} nodes and values", self.limits.max_items);
        Err(Problem::new(token.clone().into(), message)
            .label("one too many")
            .help("split the file"))
    }

    /// A problem with the character that comes next.
    fn unexpected(&self, message: &str) -> Problem {
        let start = self.lexer.at();
        let length = self.lexer.peek().map_or(0, char::len_utf8);
        Problem::new((start..start + length).into(), message).label("this is unexpected")
    }
}
