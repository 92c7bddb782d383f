//! `if`: when a job or a step is run, as an expression with two types.
//!
//! ```text
//! text ─ lexer ─► tokens ─ parser ─► Syntax ─ types ─► Test ─ eval ─► bool
//! ```
//!
//! Everything that can be wrong with a condition is found by the first three,
//! when the file is read: what is left is a [`Test`](types::Test) without
//! unknown names or types that do not fit, so that deciding it cannot fail.

mod eval;
mod lexer;
mod parser;
mod types;

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use solstice_kdl::Refusal;

pub(crate) use eval::Facts;
pub(crate) use types::Scope;

use crate::limits::MAX_CONDITION_BYTES;
use types::Test;

/// A condition of the workflow file, whose names and types are right.
#[derive(Clone, Debug)]
pub struct Condition {
    text: Arc<str>,
    test: Arc<Test>,
}

impl Condition {
    /// The condition as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a job with these facts is run.
    pub(crate) fn holds(&self, facts: &Facts<'_>) -> bool {
        self.test.holds(facts)
    }

    /// Whether it asks how the steps before it ended; if not, `success()` is meant too.
    pub(crate) fn asks_for_status(&self) -> bool {
        self.test.asks_for_status()
    }
}

/// Reads a condition, in which the names of the scope are known.
pub(crate) fn decode(text: &str, scope: &Scope<'_>) -> Result<Condition, Refusal> {
    if text.len() > MAX_CONDITION_BYTES {
        return Err(Refusal::because(format!(
            "a condition has at most {MAX_CONDITION_BYTES} bytes"
        ))
        .help("decide it in the script of a step"));
    }
    let syntax = parser::parse(&lexer::tokens(text)?, text.len())?;
    let test = types::condition(&syntax, scope)?;
    Ok(Condition { text: text.into(), test: Arc::new(test) })
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Condition {}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
