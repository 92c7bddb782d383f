//! One stretch of time in a trace.

use chrono::{DateTime, Utc};

use crate::id::{SpanId, TraceId};

/// What a span is to the one above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Work within a program.
    Internal,
    /// A request that was answered.
    Server,
    /// A request that was made.
    Client,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A text; only its first [`Attribute::MAX_BYTES`] are kept.
    Text(String),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

impl Attribute {
    /// The longest text.
    pub const MAX_BYTES: usize = 1024;
}

impl From<String> for Attribute {
    fn from(mut text: String) -> Self {
        text.truncate(text.floor_char_boundary(Self::MAX_BYTES));
        Attribute::Text(text)
    }
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<u32> for Attribute {
    fn from(number: u32) -> Self {
        Attribute::Number(number.into())
    }
}

/// Something that began and is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Its trace.
    pub trace: TraceId,
    /// Its id.
    pub id: SpanId,
    /// The span that it belongs to; none if the trace begins with it.
    pub parent: Option<SpanId>,
    /// What it is, of few names: what differs is in the attributes.
    pub name: &'static str,
    /// What it is to the one above it.
    pub kind: Kind,
    /// The program that did it, if it is not the one that tells.
    pub service: Option<&'static str>,
    /// When it began.
    pub begin: DateTime<Utc>,
    /// When it was over; not before `begin`.
    pub end: DateTime<Utc>,
    /// What it was about.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// What went wrong, if anything did.
    pub error: Option<String>,
}

impl Span {
    /// A span without attributes, of work within the program that tells.
    pub fn new(
        trace: TraceId,
        id: SpanId,
        name: &'static str,
        (begin, end): (DateTime<Utc>, DateTime<Utc>),
    ) -> Self {
        let (parent, service, error) = (None, None, None);
        let (kind, attributes, end) = (Kind::Internal, Vec::new(), end.max(begin));
        Self { trace, id, parent, name, kind, service, begin, end, attributes, error }
    }

    /// Below this one.
    pub fn below(mut self, parent: SpanId) -> Self {
        self.parent = Some(parent);
        self
    }

    /// Of this kind.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Done by this program.
    pub fn by(mut self, service: &'static str) -> Self {
        self.service = Some(service);
        self
    }

    /// With this attribute.
    pub fn with(mut self, key: &'static str, value: impl Into<Attribute>) -> Self {
        self.attributes.push((key, value.into()));
        self
    }

    /// Gone wrong, if there is anything to tell.
    pub fn failed(mut self, why: Option<String>) -> Self {
        self.error = why;
        self
    }
}
