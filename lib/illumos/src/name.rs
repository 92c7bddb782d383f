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

impl NameError {
    pub(crate) fn new(what: &'static str, value: &str, why: impl Into<String>) -> Self {
        Self { what, value: cut(value), why: why.into() }
    }
}

/// The beginning of a text, for people.
pub(crate) fn cut(text: &str) -> String {
    const LONGEST: usize = 300;
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Refuses what cannot be an argument, or not one word of a list.
pub(crate) fn no_controls(what: &'static str, value: &str) -> Result<(), NameError> {
    if value.chars().any(char::is_control) {
        return Err(NameError::new(what, value, "it has a tab, a newline or the like"));
    }
    Ok(())
}
