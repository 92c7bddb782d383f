//! What a tool has to say about a place in the source.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest [`Annotation::path`], in bytes.
pub const MAX_PATH_BYTES: usize = 1024;

/// The longest [`Annotation::title`], in characters.
pub const MAX_TITLE_CHARS: usize = 255;

/// The longest [`Annotation::message`], in bytes.
pub const MAX_MESSAGE_BYTES: usize = 4096;

/// The most annotations that are kept of one attempt.
pub const MAX_ANNOTATIONS: usize = 1000;

/// A remark on a place in the source, found in what a job printed or left.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Annotation {
    /// The file, relative to the root of the repository, without `.` and `..`.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
    /// The last line, at least `line`.
    pub end_line: u32,
    /// The column, from 1, if it is known; only where both lines are one.
    pub column: Option<u32>,
    /// How bad it is.
    pub level: AnnotationLevel,
    /// One line, such as a lint's or a test's name; may be empty.
    pub title: String,
    /// What is wrong; not empty.
    pub message: String,
}

/// How bad something is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AnnotationLevel {
    /// It does not work.
    Failure,
    /// It should be looked at.
    Warning,
    /// Worth knowing.
    Notice,
}

impl AnnotationLevel {
    /// The level's name, as in the database and the API.
    pub fn name(self) -> &'static str {
        match self {
            AnnotationLevel::Failure => "failure",
            AnnotationLevel::Warning => "warning",
            AnnotationLevel::Notice => "notice",
        }
    }
}

/// How many annotations there are of each level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnnotationCounts {
    /// Of what does not work.
    pub failures: u32,
    /// Of what should be looked at.
    pub warnings: u32,
    /// Of what is worth knowing.
    pub notices: u32,
}

impl AnnotationCounts {
    /// Counts them.
    pub fn of(annotations: &[Annotation]) -> Self {
        let mut counts = Self::default();
        for annotation in annotations {
            match annotation.level {
                AnnotationLevel::Failure => counts.failures += 1,
                AnnotationLevel::Warning => counts.warnings += 1,
                AnnotationLevel::Notice => counts.notices += 1,
            }
        }
        counts
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// `2 errors, 1 warning`; empty if there are none.
impl fmt::Display for AnnotationCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted =
            [(self.failures, "error"), (self.warnings, "warning"), (self.notices, "notice")];
        let mut comma = "";
        for (count, word) in counted.into_iter().filter(|(count, _)| *count > 0) {
            let plural = if count == 1 { "" } else { "s" };
            write!(f, "{comma}{count} {word}{plural}")?;
            comma = ", ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_as_words() {
        let text = |failures, warnings, notices| {
            AnnotationCounts { failures, warnings, notices }.to_string()
        };
        assert_eq!(text(2, 1, 0), "2 errors, 1 warning");
        assert_eq!(text(0, 0, 3), "3 notices");
        assert_eq!(text(1, 2, 1), "1 error, 2 warnings, 1 notice");
        assert_eq!(text(0, 0, 0), "");
    }
}
