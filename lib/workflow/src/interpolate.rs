//! `${{ matrix.os }}` in a text: what is put in, and when it can be checked.
//!
//! Only values of the matrix are put in. They stand in the same file as the
//! text; a branch's name or a pull request's title comes from a stranger and
//! would become part of a script. Those are in the environment, where a shell
//! treats them as data.

use solstice_kdl::{Problem, Refusal, Span, Value, nearest, quoted, value};

use crate::expand::{Budget, ITEM_BYTES};
use crate::matrix::{Axes, Cell};

/// What a text must be to be taken; it is asked once the values are in.
pub(crate) type Rule<T> = fn(&str) -> Result<T, Refusal>;

/// A value that is known, or that differs from cell to cell of a matrix.
#[derive(Clone, Debug)]
pub(crate) struct Templated<T> {
    form: Form<T>,
    span: Span,
}

#[derive(Clone, Debug)]
enum Form<T> {
    Fixed { value: T, bytes: usize },
    Open { parts: Vec<Part>, rule: Rule<T> },
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Axis(String),
}

/// Makes a decoder for a text into which values of this matrix may be put.
pub(crate) fn templated<T>(
    axes: Axes<'_>,
    rule: Rule<T>,
) -> impl Fn(&Value) -> Result<Templated<T>, Refusal> {
    move |given| {
        let text = value::string(given)?;
        let parts = parts(&text, axes)?;
        let form = match fixed(&parts) {
            Some(text) => Form::Fixed { value: rule(&text)?, bytes: text.len() },
            None => Form::Open { parts, rule },
        };
        Ok(Templated { form, span: given.span() })
    }
}

/// A rule for a text into which nothing can be put.
pub(crate) fn verbatim<T>(rule: Rule<T>) -> impl Fn(&Value) -> Result<T, Refusal> {
    move |given| {
        let text = value::string(given)?;
        if let Some(at) = text.find(OPENING) {
            return Err(Refusal::because("nothing can be put in here")
                .help("write it out, or make it a job of its own")
                .within(at..at + OPENING.len()));
        }
        rule(&text)
    }
}

impl<T: Clone> Templated<T> {
    /// The value in a cell of the matrix; its size is taken from the budget first.
    pub(crate) fn resolve(&self, cell: &Cell, budget: &mut Budget) -> Result<T, Problem> {
        budget.take(self.bytes(cell), self.span)?;
        match &self.form {
            Form::Fixed { value, .. } => Ok(value.clone()),
            Form::Open { parts, rule } => {
                let text: String = parts.iter().map(|part| part.text(cell)).collect();
                rule(&text).map_err(|refusal| {
                    refusal.at(self.span).label(format!("where {}", quoted(&cell.described())))
                })
            }
        }
    }
}

impl<T: Clone> Templated<T> {
    /// As [`Self::resolve`], for one of a list.
    pub(crate) fn resolve_item(&self, cell: &Cell, budget: &mut Budget) -> Result<T, Problem> {
        budget.take(ITEM_BYTES, self.span)?;
        self.resolve(cell, budget)
    }
}

impl<T> Templated<T> {
    /// The size of its text in a cell.
    pub(crate) fn bytes(&self, cell: &Cell) -> usize {
        match &self.form {
            Form::Fixed { bytes, .. } => *bytes,
            Form::Open { parts, .. } => parts.iter().map(|part| part.text(cell).len()).sum(),
        }
    }
}

impl Part {
    fn text<'t>(&'t self, cell: &'t Cell) -> &'t str {
        match self {
            Part::Text(text) => text,
            Part::Axis(name) => cell.value(name),
        }
    }
}

const OPENING: &str = "${{";
const CLOSING: &str = "}}";

/// The text, if nothing is put in.
fn fixed(parts: &[Part]) -> Option<String> {
    let texts = parts.iter().map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        Part::Axis(_) => None,
    });
    texts.collect()
}

fn parts(text: &str, axes: Axes<'_>) -> Result<Vec<Part>, Refusal> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(OPENING) {
        let start = at + found;
        let inside = start + OPENING.len();
        if let Some(before) = text[at..start].strip_suffix('$') {
            parts.push(Part::Text(format!("{before}{OPENING}")));
            at = inside;
            continue;
        }
        let Some(length) = text[inside..].find(CLOSING) else {
            return Err(Refusal::because("this is never closed")
                .help("write ${{ matrix.NAME }}, or $${{ for the text itself")
                .within(start..inside));
        };
        let end = inside + length + CLOSING.len();
        let name = axis(text[inside..inside + length].trim(), axes);
        parts.push(Part::Text(text[at..start].to_owned()));
        parts.push(Part::Axis(name.map_err(|refusal| refusal.within(start..end))?));
        at = end;
    }
    parts.push(Part::Text(text[at..].to_owned()));
    Ok(parts)
}

/// The axis that an expression names.
fn axis(expression: &str, axes: Axes<'_>) -> Result<String, Refusal> {
    let Some(name) = expression.strip_prefix("matrix.") else {
        let reason = format!("{} cannot be put in, only matrix.NAME", quoted(expression));
        return Err(Refusal::because(reason).help(instead(expression)));
    };
    let checked = axes.check(name);
    match axes {
        Axes::None => checked.map_err(|refusal| {
            refusal.help("give the job a block matrix { … }, or write $${{ for the text itself")
        })?,
        _ => checked?,
    }
    Ok(name.to_owned())
}

/// Where a step finds what other systems put into its text.
fn instead(expression: &str) -> String {
    const PLACES: [(&str, &str); 7] = [
        ("branch", "SOLSTICE_REF_NAME"),
        ("ref_name", "SOLSTICE_REF_NAME"),
        ("ref", "SOLSTICE_REF"),
        ("repository", "SOLSTICE_REPOSITORY"),
        ("sha", "SOLSTICE_COMMIT"),
        ("event_name", "SOLSTICE_EVENT"),
        ("run_id", "SOLSTICE_RUN_ID"),
    ];
    if let Some(variable) = expression.strip_prefix("env.") {
        return format!("a script finds it in its environment: ${variable}");
    }
    let bare = expression.strip_prefix("github.").unwrap_or(expression);
    let meant = nearest(bare, PLACES.iter().map(|(name, _)| *name));
    match PLACES.iter().find(|(name, _)| Some(*name) == meant) {
        Some((_, variable)) => format!("a script finds it in its environment: ${variable}"),
        None => "write $${{ for the text itself; the rest is in the environment".to_owned(),
    }
}
