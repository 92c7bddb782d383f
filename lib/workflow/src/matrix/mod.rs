//! `matrix` blocks: one job for each combination of values.

mod combine;
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use solstice_kdl::{Refusal, nearest, quoted};

pub(crate) use read::read;

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
