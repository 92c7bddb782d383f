//! The value of a property of a dataset or a snapshot, and whence it comes.
//!
//! illumos-gate usr/src/lib/libzfs/common/libzfs_dataset.c (`zfs_prop_get`).

use super::number;
use super::property::{self, Form, Property};
use super::settings::VOLBLOCKSIZE;
use super::state::{Dataset, Kind, Snapshot, State};
use super::time;

/// A value as it is to be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// The text; `-` for none.
    pub(super) text: String,
    /// Whence.
    pub(super) source: Source,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// It was set here.
    Local,
    /// It was set there.
    Inherited(String),
    /// Nobody set it.
    Default,
    /// It is a fact, or there is none.
    None,
}

impl Value {
    fn none() -> Self {
        Self { text: "-".to_owned(), source: Source::None }
    }

    fn fact(text: impl Into<String>) -> Self {
        Self { text: text.into(), source: Source::None }
    }
}

/// A dataset or a snapshot, with its name.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    /// The full name.
    pub(super) name: &'a str,
    /// The dataset, or that of which it is a snapshot.
    pub(super) dataset: &'a Dataset,
    /// The snapshot, if it is one.
    pub(super) snapshot: Option<&'a Snapshot>,
}

impl Object<'_> {
    /// `f`ile system, `v`olume or `s`napshot.
    pub(super) fn letter(self) -> char {
        match (self.snapshot, self.dataset.kind) {
            (Some(_), _) => 's',
            (None, Kind::Filesystem) => 'f',
            (None, Kind::Volume) => 'v',
        }
    }
}

impl State {
    /// The dataset or snapshot of this name.
    pub(super) fn object<'a>(&'a self, name: &'a str) -> Option<Object<'a>> {
        let (of, snapshot) = match name.split_once('@') {
            Some((of, snapshot)) => (of, Some(self.snapshot(of, snapshot)?)),
            None => (name, None),
        };
        Some(Object { name, dataset: self.datasets.get(of)?, snapshot })
    }

    /// The value of any property; nothing for one that is not simulated.
    pub(super) fn value(&self, object: Object<'_>, name: &str, exact: bool) -> Option<Value> {
        let Some(found) = property::find(name) else { return Some(self.of_user(object, name)) };
        if found.form == Form::Unknown || object.snapshot.is_some() && found.name == "volsize" {
            return None;
        }
        if !found.applies_to(object.letter()) {
            return Some(Value::none());
        }
        Some(match found.form {
            Form::OneOf(values) => self.inherited(object, found, values[0]),
            Form::Bytes => bytes(object, found, exact),
            _ => match object.snapshot {
                Some(snapshot) => self.of_snapshot(object, snapshot, found, exact),
                None => self.of_dataset(object, found, exact),
            },
        })
    }

    fn of_user(&self, object: Object<'_>, name: &str) -> Value {
        if let Some(text) = object.snapshot.and_then(|snapshot| snapshot.properties.get(name)) {
            return Value { text: text.clone(), source: Source::Local };
        }
        let of = super::state::dataset_of(object.name);
        match self.nearest(of, name) {
            Some((text, at)) if at == object.name => Value { text, source: Source::Local },
            Some((text, at)) => Value { text, source: Source::Inherited(at) },
            None => Value::none(),
        }
    }

    /// A value set at this dataset or above, and where.
    fn nearest(&self, dataset: &str, property: &str) -> Option<(String, String)> {
        let mut at = Some(dataset);
        while let Some(name) = at {
            if let Some(text) = self.datasets.get(name).and_then(|d| d.properties.get(property)) {
                return Some((text.clone(), name.to_owned()));
            }
            at = name.rsplit_once('/').map(|(parent, _)| parent);
        }
        None
    }

    fn inherited(&self, object: Object<'_>, found: &Property, default: &str) -> Value {
        let of = super::state::dataset_of(object.name);
        let set = match found.inherits() {
            true => self.nearest(of, found.name),
            false => object.dataset.properties.get(found.name).map(|v| (v.clone(), of.to_owned())),
        };
        match set {
            Some((text, at)) if at == object.name => Value { text, source: Source::Local },
            Some((text, at)) => Value { text, source: Source::Inherited(at) },
            None => Value { text: default.to_owned(), source: Source::Default },
        }
    }

    fn of_dataset(&self, object: Object<'_>, found: &Property, exact: bool) -> Value {
        let (name, dataset) = (object.name, object.dataset);
        let size = |bytes: u64| if exact { bytes.to_string() } else { number::nice(bytes) };
        match found.name {
            "name" => Value::fact(name),
            "type" => Value::fact(match dataset.kind {
                Kind::Filesystem => "filesystem",
                Kind::Volume => "volume",
            }),
            "creation" => Value::fact(when(dataset.created, exact)),
            "createtxg" => Value::fact(dataset.transaction.to_string()),
            "used" => Value::fact(size(self.used(name).total())),
            "available" => Value::fact(size(self.available(name))),
            "referenced" => Value::fact(size(self.used(name).referenced)),
            "usedbydataset" => Value::fact(size(self.used(name).by_dataset)),
            "usedbychildren" => Value::fact(size(self.used(name).by_children)),
            "usedbyrefreservation" => Value::fact(size(self.used(name).by_refreservation)),
            "origin" => dataset.origin.as_ref().map_or_else(Value::none, Value::fact),
            "mounted" => Value::fact(if self.mounted_at(dataset).is_some() { "yes" } else { "no" }),
            "mountpoint" => self.mountpoint_value(name),
            "volsize" => Value { text: size(dataset.volsize), source: Source::Local },
            "volblocksize" => Value {
                text: size(dataset.volblocksize),
                source: match dataset.volblocksize {
                    VOLBLOCKSIZE => Source::Default,
                    _ => Source::None,
                },
            },
            _ => Value::none(),
        }
    }

    fn mountpoint_value(&self, name: &str) -> Value {
        let (text, set) = self.mountpoint(name);
        let source = match set {
            Some(at) if at == name => Source::Local,
            Some(at) => Source::Inherited(at),
            None => Source::Default,
        };
        Value { text, source }
    }

    fn of_snapshot(
        &self,
        object: Object<'_>,
        snapshot: &Snapshot,
        found: &Property,
        exact: bool,
    ) -> Value {
        let size = |bytes: u64| if exact { bytes.to_string() } else { number::nice(bytes) };
        match found.name {
            "name" => Value::fact(object.name),
            "type" => Value::fact("snapshot"),
            "creation" => Value::fact(when(snapshot.created, exact)),
            "createtxg" => Value::fact(snapshot.transaction.to_string()),
            // What it alone refers to is not known here; see space.rs.
            "used" => Value::fact("0"),
            "referenced" => Value::fact(size(snapshot.referenced)),
            "defer_destroy" => Value::fact(if snapshot.deferred { "on" } else { "off" }),
            "userrefs" => Value::fact(snapshot.holds.len().to_string()),
            "clones" => match self.clones(object.name) {
                none if none.is_empty() => Value::none(),
                clones => Value::fact(clones.join(",")),
            },
            _ => Value::none(),
        }
    }
}

fn bytes(object: Object<'_>, found: &Property, exact: bool) -> Value {
    match object.dataset.properties.get(found.name) {
        Some(text) if exact => Value { text: text.clone(), source: Source::Local },
        Some(text) => {
            let text = number::nice(text.parse().unwrap_or(0));
            Value { text, source: Source::Local }
        }
        None => {
            let text = if exact { "0" } else { "none" }.to_owned();
            Value { text, source: Source::Default }
        }
    }
}

fn when(seconds: i64, exact: bool) -> String {
    if exact { seconds.to_string() } else { time::shown(seconds) }
}
