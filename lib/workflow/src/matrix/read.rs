//! Reading a `matrix` block.

use std::collections::BTreeSet;
use std::sync::Arc;

use solstice_kdl::{Problem, Reader, Refusal, Span, Spanned, quoted, value};

use super::combine::{self, Axis, Line};
use super::{Matrix, meant};
use crate::interpolate::verbatim;
use crate::limits::{
    MAX_AXES, MAX_AXIS_NAME_BYTES, MAX_AXIS_VALUES, MAX_JOBS, MAX_MATRIX_NAMES,
    MAX_MATRIX_VALUE_BYTES,
};
use crate::rules::{self, too_many_of};

/// Reads a `matrix` block; `None` if it was reported that it is wrong.
pub(crate) fn read(mut node: Reader<'_>) -> Option<Matrix> {
    let excludes = node.children("exclude");
    let includes = node.children("include");
    let axes = node.other_children();
    let axes = read_axes(&node, axes)?;
    let excludes = read_lines(&node, excludes, &axes, |line| check_exclude(line, &axes));
    let includes = read_lines(&node, includes, &axes, |_| Ok(()));
    let made = combined(&axes, &excludes?, &includes?, node.span());
    match made {
        Ok(matrix) => {
            node.finish();
            Some(matrix)
        }
        Err(problem) => {
            node.report(problem);
            None
        }
    }
}

fn combined(
    axes: &[Axis],
    excludes: &[Line],
    includes: &[Line],
    span: Span,
) -> Result<Matrix, Problem> {
    let names = combine::names(axes, includes);
    if names.len() > MAX_MATRIX_NAMES {
        let problem = too_many_of("names in this matrix", MAX_MATRIX_NAMES, span);
        return Err(problem.label("this block").help("put several values into one"));
    }
    let cells = combine::cells(axes, excludes, includes, span)?;
    Ok(Matrix { names, cells })
}

/// Reads all lines of one kind.
fn read_lines(
    matrix: &Reader<'_>,
    nodes: Vec<Reader<'_>>,
    axes: &[Axis],
    check: impl Fn(&Line) -> Result<(), Problem>,
) -> Option<Vec<Line>> {
    let lines = nodes.into_iter().take_while(|_| !matrix.is_flooded());
    let lines: Vec<_> = lines.map(|line| read_line(line, axes, &check)).collect();
    lines.into_iter().collect::<Option<_>>().filter(|_| !matrix.is_flooded())
}

fn read_axes(matrix: &Reader<'_>, nodes: Vec<Reader<'_>>) -> Option<Vec<Axis>> {
    let count = nodes.len();
    let (mut axes, mut names) = (Vec::new(), BTreeSet::new());
    let mut right = true;
    for node in nodes.into_iter().take(MAX_AXES) {
        match read_axis(node, &mut names) {
            Some(axis) => axes.push(axis),
            None => right = false,
        }
    }
    let span = matrix.span();
    let problem = if count == 0 {
        let problem = Problem::new(span, "a matrix needs an axis");
        Some(problem.help("add one: os \"debian-12\" \"omnios\""))
    } else if count > MAX_AXES {
        let problem = too_many_of("axes", MAX_AXES, span);
        Some(problem.label("this block").help("let fewer things vary"))
    } else {
        too_many_cells(&axes, span)
    };
    let Some(problem) = problem else { return right.then_some(axes) };
    matrix.report(problem);
    None
}

/// Reads an axis that comes after those of these names.
fn read_axis(mut node: Reader<'_>, names: &mut BTreeSet<String>) -> Option<Axis> {
    let name = node.name();
    let span = node.span();
    let values = node.required_args("a value", value::spanned(verbatim(axis_value)));
    let mut right = !values.is_empty() && all_differ(&node, &values);
    let twice = (!names.insert(name.to_owned())).then(|| {
        Refusal::because(format!("the axis {} is given twice", quoted(name)))
            .help("put all values into one line")
    });
    if let Some(refusal) = axis_name(name).err().or(twice) {
        node.report(refusal.at(span).label("this axis"));
        right = false;
    }
    node.finish();
    let values = values.into_iter().map(|value| value.value.into()).collect();
    right.then(|| Axis { name: name.into(), values })
}

/// Reports a value that comes twice.
fn all_differ(node: &Reader<'_>, values: &[Spanned<String>]) -> bool {
    let mut seen = BTreeSet::new();
    let again = values.iter().find(|value| !seen.insert(&value.value));
    if let Some(again) = again {
        let message = format!("the value {} is given twice", quoted(&again.value));
        node.report(Problem::new(again.span, message).label("again").help("once is enough"));
    }
    again.is_none()
}

/// Counts before anything is made: a few lines can ask for a billion.
fn too_many_cells(axes: &[Axis], span: Span) -> Option<Problem> {
    let count =
        axes.iter().fold(1_u128, |count, axis| count.saturating_mul(axis.values.len() as u128));
    if count > MAX_JOBS as u128 {
        let message = format!("this matrix has {count} combinations; at most {MAX_JOBS} are taken");
        let problem = Problem::new(span, message).label("all values of all axes, multiplied");
        return Some(problem.help("name fewer values; what is excluded counts too"));
    }
    let long = axes.iter().find(|axis| axis.values.len() > MAX_AXIS_VALUES)?;
    let what = format!("values of {}", quoted(&long.name));
    let problem = too_many_of(&what, MAX_AXIS_VALUES, span);
    Some(problem.label("this block").help("name fewer, or let a second axis vary"))
}

/// Reads what an `include` or `exclude` says of the axes, and what else.
fn read_line(
    mut node: Reader<'_>,
    axes: &[Axis],
    check: impl Fn(&Line) -> Result<(), Problem>,
) -> Option<Line> {
    let span = node.span();
    let given = node.other_props(verbatim(axis_value));
    let (place, extras, places) = Default::default();
    let mut line = Line { place, extras, span, places };
    let mut right = true;
    for (name, value) in given {
        if let Err(refusal) = axis_name(&name.value) {
            node.report(refusal.at(name.span).label("this name"));
            right = false;
        }
        let on_axis = axes.iter().any(|axis| *axis.name == *name.value);
        let part = if on_axis { &mut line.place } else { &mut line.extras };
        let known: Arc<str> = name.value.into();
        line.places.insert(known.clone(), name.span);
        part.insert(known, value.into());
    }
    if let (true, Err(problem)) = (right, check(&line)) {
        node.report(problem);
        right = false;
    }
    node.finish();
    right.then_some(line)
}

impl Line {
    /// The problem of what is said of a name.
    fn problem(&self, name: &str, refusal: Refusal) -> Problem {
        let span = self.places.get(name).copied().unwrap_or(self.span);
        refusal.at(span).label("this name")
    }
}

/// Refuses a line that excludes nothing.
fn check_exclude(line: &Line, axes: &[Axis]) -> Result<(), Problem> {
    if let Some(name) = line.extras.keys().next() {
        let refusal = Refusal::because(format!("the matrix has no axis {}", quoted(name)))
            .help(meant(name, axes.iter().map(|axis| &*axis.name)));
        return Err(line.problem(name, refusal));
    }
    if line.place.is_empty() {
        return Err(Problem::new(line.span, "this excludes everything")
            .help("name what is meant: exclude os=\"omnios\""));
    }
    for axis in axes {
        let Some(value) = line.place.get(&axis.name) else { continue };
        if !axis.values.contains(value) {
            let reason = format!("{} has no value {}", quoted(&axis.name), quoted(value));
            let help = meant(value, axis.values.iter().map(|one| &**one));
            return Err(line.problem(&axis.name, Refusal::because(reason).help(help)));
        }
    }
    Ok(())
}

fn axis_name(name: &str) -> Result<(), Refusal> {
    let fits = name.len() <= MAX_AXIS_NAME_BYTES
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if fits {
        return Ok(());
    }
    let help =
        format!("use up to {MAX_AXIS_NAME_BYTES} lower-case letters, digits and _, a letter first");
    Err(Refusal::because(format!("{} is not a name of an axis", quoted(name))).help(help))
}

fn axis_value(text: &str) -> Result<String, Refusal> {
    if text.len() > MAX_MATRIX_VALUE_BYTES {
        let reason = format!("a value of a matrix has at most {MAX_MATRIX_VALUE_BYTES} bytes");
        return Err(Refusal::because(reason).help("put it into a file of the repository"));
    }
    rules::no_controls("a value of a matrix", text)
}
