//! `matrix` blocks: one job for each combination of values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use solstice_kdl::{Problem, Reader, Refusal, Span, Spanned, nearest, quoted, value};

use crate::interpolate::verbatim;
use crate::limits::{
    MAX_AXES, MAX_AXIS_NAME_BYTES, MAX_AXIS_VALUES, MAX_JOBS, MAX_MATRIX_NAMES,
    MAX_MATRIX_VALUE_BYTES,
};
use crate::rules::{self, too_many_of};

/// The combinations of a job.
#[derive(Debug, Default)]
pub(crate) struct Matrix {
    /// Everything that has a value: the axes, and what `include` adds.
    names: BTreeSet<String>,
    /// In the order of the axes; the added ones last.
    pub(crate) cells: Vec<Cell>,
}

/// One combination of values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    /// The values of the axes, in their order.
    pub(crate) place: Vec<(Arc<str>, Arc<str>)>,
    /// What `include` adds.
    extras: BTreeMap<Arc<str>, Arc<str>>,
}

impl Cell {
    /// The value of a name; empty where an `include` gave it to others only.
    pub(crate) fn value(&self, name: &str) -> &str {
        let on_axis = self.place.iter().find(|(axis, _)| **axis == *name).map(|(_, value)| value);
        on_axis.or_else(|| self.extras.get(name)).map_or("", |value| value)
    }

    /// The combination for people: `os=omnios, rust=1.85`.
    pub(crate) fn described(&self) -> String {
        let pairs = self.place.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join(", ")
    }

    fn fits(&self, line: &Line) -> bool {
        line.place.iter().all(|(name, value)| self.value(name) == &**value)
    }
}

impl Matrix {
    /// The value of every name in a cell.
    pub(crate) fn values(&self, cell: &Cell) -> BTreeMap<String, String> {
        let value = |name: &String| (name.clone(), cell.value(name).to_owned());
        self.names.iter().map(value).collect()
    }

    /// The names that texts of the job may use.
    pub(crate) fn axes(&self) -> Axes<'_> {
        Axes::Known(&self.names)
    }
}

/// Which names of a matrix a text may use.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Axes<'s> {
    /// None: there is no matrix.
    None,
    /// Those of a matrix that is wrong, which was reported: any.
    Unknown,
    /// These.
    Known(&'s BTreeSet<String>),
}

impl Axes<'_> {
    /// Refuses a name that no axis has.
    pub(crate) fn check(self, name: &str) -> Result<(), Refusal> {
        match self {
            Axes::Unknown => Ok(()),
            Axes::Known(names) if names.contains(name) => Ok(()),
            Axes::Known(names) => {
                Err(Refusal::because(format!("the matrix has no {}", quoted(name)))
                    .help(meant(name, names.iter().map(String::as_str))))
            }
            Axes::None => Err(Refusal::because("there is no matrix here")
                .help("a job has values if it has a block matrix { … }")),
        }
    }
}

fn meant<'n>(name: &str, known: impl Iterator<Item = &'n str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(meant) => format!("did you mean {}?", quoted(meant)),
        None => format!("it has {}", known.take(10).map(quoted).collect::<Vec<_>>().join(", ")),
    }
}

/// One axis.
struct Axis {
    name: Arc<str>,
    values: Vec<Arc<str>>,
}

/// An `include` or `exclude`.
struct Line {
    /// What it says of axes.
    place: BTreeMap<Arc<str>, Arc<str>>,
    /// What else it says.
    extras: BTreeMap<Arc<str>, Arc<str>>,
    span: Span,
    /// Where each of both is named.
    places: BTreeMap<Arc<str>, Span>,
}

impl Line {
    /// The problem of what is said of a name.
    fn problem(&self, name: &str, refusal: Refusal) -> Problem {
        let span = self.places.get(name).copied().unwrap_or(self.span);
        refusal.at(span).label("this name")
    }
}

/// Reads a `matrix` block; `None` if it was reported that it is wrong.
pub(crate) fn read(mut node: Reader<'_>) -> Option<Matrix> {
    let excludes = node.children("exclude");
    let includes = node.children("include");
    let nodes = node.other_children();
    if nodes.is_empty() {
        let problem = Problem::new(node.span(), "a matrix needs an axis");
        node.report(problem.help("add one: os \"debian-12\" \"omnios\""));
        return None;
    }
    let axes = read_axes(&node, nodes)?;
    if let Some(problem) = too_many_cells(&axes, node.span()) {
        node.report(problem);
        return None;
    }
    let exclude = |line| read_line(line, &axes, |line| check_exclude(line, &axes));
    let excludes: Vec<_> = excludes.into_iter().map(exclude).collect();
    let include = |line| read_line(line, &axes, |_| Ok(()));
    let includes: Vec<_> = includes.into_iter().map(include).collect();
    let excludes: Vec<_> = excludes.into_iter().collect::<Option<_>>()?;
    let includes: Vec<_> = includes.into_iter().collect::<Option<_>>()?;
    let names = names(&axes, &includes);
    let made = cells(&axes, &excludes, &includes, node.span());
    let most = (names.len() > MAX_MATRIX_NAMES).then(|| {
        too_many_of("names in this matrix", MAX_MATRIX_NAMES, node.span())
            .label("this block")
            .help("put several values into one")
    });
    let cells = match (made, most) {
        (Ok(cells), None) => cells,
        (Err(problem), _) | (_, Some(problem)) => {
            node.report(problem);
            return None;
        }
    };
    node.finish();
    Some(Matrix { names, cells })
}

fn read_axes(matrix: &Reader<'_>, nodes: Vec<Reader<'_>>) -> Option<Vec<Axis>> {
    let mut axes: Vec<Axis> = Vec::new();
    let mut right = true;
    for mut node in nodes {
        let name = node.name();
        let span = node.span();
        let values = node.required_args("a value", value::spanned(verbatim(axis_value)));
        let refusal = axis_name(name).err().or_else(|| {
            let twice = axes.iter().any(|axis| *axis.name == *name);
            twice.then(|| {
                Refusal::because(format!("the axis {} is given twice", quoted(name)))
                    .help("put all values into one line")
            })
        });
        right &= !values.is_empty() && refusal.is_none() && all_differ(&node, &values);
        if let Some(refusal) = refusal {
            node.report(refusal.at(span).label("this axis"));
        }
        node.finish();
        let values = values.into_iter().map(|value| value.value.into()).collect();
        axes.push(Axis { name: name.into(), values });
    }
    if axes.len() > MAX_AXES {
        let problem = too_many_of("axes", MAX_AXES, matrix.span());
        matrix.report(problem.label("this block").help("let fewer things vary"));
    }
    right.then_some(axes).filter(|axes| axes.len() <= MAX_AXES)
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

fn names(axes: &[Axis], includes: &[Line]) -> BTreeSet<String> {
    let axes = axes.iter().map(|axis| &axis.name);
    let extras = includes.iter().flat_map(|line| line.extras.keys());
    axes.chain(extras).map(|name| name.to_string()).collect()
}

/// All combinations, without the excluded and with the included ones.
fn cells(
    axes: &[Axis],
    excludes: &[Line],
    includes: &[Line],
    span: Span,
) -> Result<Vec<Cell>, Problem> {
    let mut cells = vec![Cell::default()];
    for axis in axes {
        let with = |cell: &Cell, value: &Arc<str>| {
            let mut cell = cell.clone();
            cell.place.push((axis.name.clone(), value.clone()));
            cell
        };
        let each = |cell| axis.values.iter().map(move |value| with(cell, value));
        cells = cells.iter().flat_map(each).collect();
    }
    cells.retain(|cell| !excludes.iter().any(|line| cell.fits(line)));
    for line in includes {
        include(&mut cells, axes, line)?;
    }
    if cells.is_empty() {
        let problem = Problem::new(span, "this matrix has no combination left");
        return Err(problem.label("all are excluded").help("remove an `exclude`"));
    }
    Ok(cells)
}

/// A line that names all axes and fits no combination is a new one; every
/// other adds its further values to the combinations that it fits.
fn include(cells: &mut Vec<Cell>, axes: &[Axis], line: &Line) -> Result<(), Problem> {
    let mut fitting = cells.iter_mut().filter(|cell| cell.fits(line)).peekable();
    let wrong = |message: &str, help: &str| {
        Err(Problem::new(line.span, message).label("this line").help(help))
    };
    if fitting.peek().is_some() && line.extras.is_empty() {
        return wrong(
            "this includes what is there already",
            "add another value, or remove the line",
        );
    }
    if fitting.peek().is_none() && line.place.len() < axes.len() {
        return wrong(
            "this fits no combination",
            "give every axis a value to add a combination, or values that the axes have",
        );
    }
    if fitting.peek().is_some() {
        // Of two lines for one combination the later one stands.
        fitting.for_each(|cell| cell.extras.extend(line.extras.clone()));
        return Ok(());
    }
    if cells.len() >= MAX_JOBS {
        return Err(too_many_of("combinations", MAX_JOBS, line.span));
    }
    let value = |axis: &Axis| Some((axis.name.clone(), line.place.get(&axis.name)?.clone()));
    let place = axes.iter().filter_map(value).collect();
    cells.push(Cell { place, extras: line.extras.clone() });
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
