//! A document whose syntax is right: nodes with arguments, properties and children.

use miette::SourceSpan;

use crate::diagnostic::{Diagnostics, Problem, Sink};
use crate::lexer::Dialect;
use crate::parser;
use crate::reader::Reader;
use crate::source::{self, Limits, Source};
use crate::value::{Spanned, Value};

/// One node; its span is its name.
#[derive(Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) name: Spanned<String>,
    pub(crate) entries: Vec<Entry>,
    /// `None` without a block.
    pub(crate) children: Option<Vec<Node>>,
}

/// One argument or property.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry {
    /// The property's name; an argument has none.
    pub(crate) key: Option<Spanned<String>>,
    pub(crate) value: Value,
}

/// A file that is KDL, ready to be decoded.
#[derive(Debug)]
pub struct Document {
    source: Source,
    nodes: Vec<Node>,
}

impl Document {
    /// Reads a file as KDL 2, else as KDL 1.
    ///
    /// `file_name` is what diagnostics call it; nothing is opened.
    ///
    /// # Errors
    ///
    /// Says where the file is not UTF-8, holds a character that KDL forbids,
    /// exceeds the limits, or is not KDL 2.
    pub fn parse(file_name: &str, bytes: &[u8], limits: Limits) -> Result<Self, Diagnostics> {
        let (source, text) = source::check(file_name, bytes, &limits);
        let found = Sink::default();
        let parsed = match text {
            Ok(text) => parser::parse(text, Dialect::V2, &limits, &found).or_else(|| {
                // Its problems matter to nobody: those of KDL 2 are shown.
                parser::parse(text, Dialect::V1, &limits, &Sink::default())
            }),
            Err(problem) => {
                found.report(problem);
                None
            }
        };
        if let Some(nodes) = parsed {
            return Ok(Self { source, nodes });
        }
        found.into_result(&source)?;
        unreachable!("a parser that gives no nodes has reported why")
    }

    /// Decodes the document; `read` gets a reader whose children are the top-level nodes.
    ///
    /// What `read` leaves unread is reported as unknown, so it need not call
    /// [`Reader::finish`] on the reader that it is given.
    ///
    /// # Errors
    ///
    /// Returns all that was reported while reading, in the file's order.
    pub fn decode<T>(
        &self,
        read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
    ) -> Result<T, Diagnostics> {
        let found = Sink::default();
        let mut top = Reader::top(&self.nodes, &found);
        let decoded = read(&mut top);
        top.finish();
        if decoded.is_none() && found.is_empty() {
            found.report(Problem::new(SourceSpan::from(0..0), "the file cannot be understood"));
        }
        found.into_result(&self.source)?;
        Ok(decoded.expect("a decoder that gives nothing has reported why, or we did"))
    }
}
