//! What only looks.

use solstice_exec::Command;

use super::any_name;
use super::cause::RULES;
use super::name::{Property, Snapshot};
use crate::error::IllumosError;
use crate::programs::ZFS;
use crate::run::{lines, not_understood, run};

/// The most that a list may have: some 100,000 datasets.
const LIST_BYTES: u64 = 16 * 1024 * 1024;

/// What a property is, and whence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its value; `-` if it is not set.
    pub value: String,
    /// Where it comes from.
    pub source: Source,
}

/// Where a property's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was set here.
    Local,
    /// It was set further up.
    Inherited(String),
    /// Nobody set it.
    Default,
    /// It was received with a stream.
    Received,
    /// It was set by a mount option.
    Temporary,
    /// It is a fact, or the property is not set at all.
    None,
}

/// Kinds of datasets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file system.
    Filesystem,
    /// A volume.
    Volume,
    /// A snapshot.
    Snapshot,
}

/// What to list.
#[derive(Clone, Debug)]
pub struct List<'a> {
    /// Where to begin.
    pub root: &'a str,
    /// Which kinds; all three if empty.
    pub kinds: &'a [Kind],
    /// How deep below the root; `None` for all.
    pub depth: Option<u32>,
    /// Which properties, besides the name.
    pub properties: &'a [Property],
}

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The dataset's or snapshot's full name.
    pub name: String,
    /// The properties in the order in which they were asked for; `None` for `-`.
    pub values: Vec<Option<String>>,
}

/// Reads properties of a dataset or a snapshot, in the order asked for; numbers
/// in full, times as seconds since 1970.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `BadName`.
pub async fn get(name: &str, properties: &[Property]) -> Result<Vec<Value>, IllumosError> {
    any_name(name)?;
    if properties.is_empty() {
        return Ok(Vec::new());
    }
    let output = run(get_command(name, properties), RULES).await?;
    let rows = lines("zfs get", &output, property_row)?;
    let find = |property: &Property| {
        let row = rows.iter().find(|(name, _)| name == property.as_str());
        row.map(|(_, value)| value.clone()).ok_or_else(|| {
            not_understood("zfs get", &format!("{property} is not in: {}", output.stdout_text()))
        })
    };
    properties.iter().map(find).collect()
}

pub(super) fn get_command(name: &str, properties: &[Property]) -> Command {
    Command::new(ZFS)
        .args(["get", "-Hp", "-o", "property,value,source"])
        .arg(joined(properties.iter().map(Property::as_str)))
        .arg(name)
}

/// Lists datasets, each before what is below it.
///
/// # Errors
///
/// [`IllumosError`]: `Absent` (the root), `BadName`. What could be listed is
/// not given if anything could not.
pub async fn list(list: &List<'_>) -> Result<Vec<Row>, IllumosError> {
    any_name(list.root)?;
    let output = run(list_command(list), RULES).await?;
    lines("zfs list", &output, |line| row(line, list.properties.len()))
}

pub(super) fn list_command(list: &List<'_>) -> Command {
    let kinds = match list.kinds {
        [] => &[Kind::Filesystem, Kind::Volume, Kind::Snapshot],
        kinds => kinds,
    };
    let columns = std::iter::once("name").chain(list.properties.iter().map(Property::as_str));
    let command = Command::new(ZFS)
        .args(["list", "-Hp", "-o"])
        .arg(joined(columns))
        .arg("-t")
        .arg(joined(kinds.iter().map(|kind| kind.as_str())));
    let command = match list.depth {
        None => command.arg("-r"),
        Some(depth) => command.arg("-d").arg(depth.to_string()),
    };
    command.arg(list.root).stdout_limit(LIST_BYTES)
}

/// The tags under which a snapshot is held.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`.
pub async fn holds(snapshot: &Snapshot) -> Result<Vec<String>, IllumosError> {
    let output = run(holds_command(snapshot), RULES).await?;
    lines("zfs holds", &output, |line| match line.split('\t').collect::<Vec<_>>()[..] {
        [_snapshot, tag, _date] => Some(tag.to_owned()),
        _ => None,
    })
}

pub(super) fn holds_command(snapshot: &Snapshot) -> Command {
    Command::new(ZFS).args(["holds", "-H"]).arg(snapshot.to_string())
}

impl Value {
    /// The value, unless the property is not set at all.
    pub fn set(&self) -> Option<&str> {
        let unset = self.value == "-" && self.source == Source::None;
        (!unset).then_some(self.value.as_str())
    }
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Kind::Filesystem => "filesystem",
            Kind::Volume => "volume",
            Kind::Snapshot => "snapshot",
        }
    }
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(",")
}

/// A line of `zfs get -H -o property,value,source`. A value with a tab, which
/// others may have set, is not understood.
fn property_row(line: &str) -> Option<(String, Value)> {
    let [property, value, source] = line.split('\t').collect::<Vec<_>>()[..] else { return None };
    let source = match source {
        "-" => Source::None,
        "local" => Source::Local,
        "default" => Source::Default,
        "received" => Source::Received,
        "temporary" => Source::Temporary,
        _ => Source::Inherited(source.strip_prefix("inherited from ")?.to_owned()),
    };
    Some((property.to_owned(), Value { value: value.to_owned(), source }))
}

/// A line of `zfs list -H` with so many properties behind the name.
fn row(line: &str, properties: usize) -> Option<Row> {
    let mut columns = line.split('\t');
    let name = columns.next()?.to_owned();
    let values: Vec<_> = columns.map(|value| (value != "-").then(|| value.to_owned())).collect();
    (values.len() == properties && !name.is_empty()).then_some(Row { name, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(line: &str) -> Value {
        property_row(line).expect("a line").1
    }

    #[test]
    fn a_property_tells_whence_it_is() {
        assert_eq!(value("org.solstice:job\t17\tlocal").source, Source::Local);
        assert_eq!(
            value("org.x:y\tyes\tinherited from tank/base").source,
            Source::Inherited("tank/base".to_owned())
        );
        assert_eq!(value("volsize\t536870912\tlocal").set(), Some("536870912"));
        assert_eq!(value("used\t0\t-").set(), Some("0"));
        assert_eq!(value("org.x:empty\t\tlocal").set(), Some(""));
        assert_eq!(value("org.solstice:job\t-\t-").set(), None);
    }

    #[test]
    fn what_is_no_line_of_get_is_refused() {
        for line in ["", "used", "a:b\tone\ttwo\tlocal", "used\t0\tfrom the moon"] {
            assert_eq!(property_row(line), None, "{line:?}");
        }
    }

    #[test]
    fn a_list_has_as_many_columns_as_were_asked_for() {
        let line = "tank/jobs/j1\tvolume\ttank/base/img@v1\t-";
        let row_of_it = row(line, 3).expect("a row");
        assert_eq!(row_of_it.name, "tank/jobs/j1");
        assert_eq!(
            row_of_it.values,
            [Some("volume".to_owned()), Some("tank/base/img@v1".to_owned()), None]
        );
        assert_eq!([row(line, 2), row(line, 4), row("", 0)], [None, None, None]);
    }
}
