//! What is wrong with a name or a value.

/// A name or a value that a command would refuse or misread.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is no {what}: {why}")]
pub struct NameError {
    /// What it should be, such as "dataset name".
    pub what: &'static str,
    /// What it is, cut to a bearable length.
    pub value: String,
    /// The rule that it breaks.
    pub why: String,
}
