//! The combinations that axes, exclusions and inclusions make.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use solstice_kdl::{Problem, Span};

use super::Cell;
use crate::limits::MAX_JOBS;
use crate::rules::too_many_of;

/// One axis.
pub(super) struct Axis {
    pub(super) name: Arc<str>,
    pub(super) values: Vec<Arc<str>>,
}

/// An `include` or `exclude`.
pub(super) struct Line {
    /// What it says of axes.
    pub(super) place: BTreeMap<Arc<str>, Arc<str>>,
    /// What else it says.
    pub(super) extras: BTreeMap<Arc<str>, Arc<str>>,
    pub(super) span: Span,
    /// Where each of both is named.
    pub(super) places: BTreeMap<Arc<str>, Span>,
}

impl Cell {
    fn fits(&self, line: &Line) -> bool {
        line.place.iter().all(|(name, value)| self.value(name) == &**value)
    }
}

/// Everything that has a value in some combination.
pub(super) fn names(axes: &[Axis], includes: &[Line]) -> BTreeSet<String> {
    let axes = axes.iter().map(|axis| &axis.name);
    let extras = includes.iter().flat_map(|line| line.extras.keys());
    axes.chain(extras).map(|name| name.to_string()).collect()
}

/// All combinations, without the excluded and with the included ones.
pub(super) fn cells(
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
