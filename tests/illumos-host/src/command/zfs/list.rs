//! `zfs list`, `zfs get`.
//!
//! omniosorg/illumos-omnios usr/src/cmd/zfs/zfs_main.c (`zfs_do_list`,
//! `zfs_do_get`), zfs_iter.c (`zfs_for_each`, `zfs_compare`); illumos-gate
//! usr/src/lib/libzfs/common/libzfs_util.c (`zprop_print_one_property`).

use super::name::{Expected, user_property};
use super::property::{self, Property};
use super::session::{Done, End, Session};
use super::state::{Kind, State};
use super::value::{Source, Value};
use crate::command::getopt::Given;

/// What is listed: which names, in which order.
struct Selection {
    names: Vec<String>,
    /// How the command ends.
    ended: Done,
}

/// `zfs list [-Hp] [-r|-d DEPTH] [-o …] [-t …] [NAME …]`.
pub(super) fn list(session: &mut Session<'_>, arguments: &[String]) -> Done {
    let given = session.options(arguments, "HS:d:o:prs:t:", None)?;
    if given.has('s') || given.has('S') {
        return session.not_simulated("zfs list in another order");
    }
    let types = types(session, &given, true)?;
    let columns = given.last('o').unwrap_or("name,used,available,referenced,mountpoint");
    let columns = properties(session, columns)?;
    let selection = select(session, &given, given.operands, &types)?;
    let mut rows = Vec::new();
    for name in &selection.names {
        let values = values(session, name, &columns, given.has('p'))?;
        rows.push(values.into_iter().map(|value| value.text).collect::<Vec<_>>());
    }
    match given.has('H') {
        true => rows.iter().for_each(|row| session.out += &format!("{}\n", row.join("\t"))),
        false if rows.is_empty() && selection.ended.is_ok() => {
            session.out += "no datasets available\n";
        }
        false if rows.is_empty() => {}
        false => session.out += &table(&columns, &rows, given.has('p')),
    }
    selection.ended
}

/// A table for people: `print_header`, `print_dataset`.
fn table(columns: &[Column<'_>], rows: &[Vec<String>], exact: bool) -> String {
    let titles = columns.iter().map(|column| match column {
        Column::Native(property) => property.column.to_owned(),
        Column::User(name) => name.to_uppercase(),
    });
    let titles: Vec<String> = titles.collect();
    let width = |at: usize| {
        let values = rows.iter().map(|row| row[at].len()).max().unwrap_or(0);
        // A number that is shown short is taken to need five characters.
        let fixed = matches!(columns[at], Column::Native(p) if p.is_number()) && !exact;
        titles[at].len().max(if fixed { 5.max(values) } else { values })
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for row in std::iter::once(&titles).chain(rows) {
        for (at, value) in row.iter().enumerate() {
            let right = matches!(columns[at], Column::Native(p) if p.is_number());
            text += if at == 0 { "" } else { "  " };
            text += &match (right, at + 1 == row.len()) {
                (true, _) => format!("{value:>width$}", width = widths[at]),
                (false, true) => value.clone(),
                (false, false) => format!("{value:<width$}", width = widths[at]),
            };
        }
        text.push('\n');
    }
    text
}

/// `zfs get -H [-p] [-r|-d DEPTH] [-o …] [-t …] [-s …] PROPERTY[,…] NAME …`.
pub(super) fn get(session: &mut Session<'_>, arguments: &[String]) -> Done {
    let missing = |letter| format!("missing argument for '{letter}' option");
    let given = session.options(arguments, "d:o:s:rt:Hp", Some(missing))?;
    let types = types(session, &given, false)?;
    let fields = fields(session, &given)?;
    let sources = sources(session, &given)?;
    let [wanted, names @ ..] = given.operands else {
        return session.usage("missing property argument");
    };
    if wanted == "all" || !given.has('H') {
        return session.not_simulated("zfs get of all properties, or without -H");
    }
    let wanted = properties(session, wanted)?;
    let selection = select(session, &given, names, &types)?;
    for name in &selection.names {
        let values = values(session, name, &wanted, given.has('p'))?;
        for (property, value) in wanted.iter().zip(values) {
            if sources.contains(&kind_of(&value.source)) {
                let fields = fields.iter().map(|field| field_of(field, name, property, &value));
                let line = fields.collect::<Vec<_>>().join("\t");
                session.out += &format!("{line}\n");
            }
        }
    }
    selection.ended
}

fn field_of(field: &str, name: &str, property: &Column<'_>, value: &Value) -> String {
    match field {
        "name" => name.to_owned(),
        "property" => property.name().to_owned(),
        "value" => value.text.clone(),
        _ => match &value.source {
            Source::Local => "local".to_owned(),
            Source::Inherited(from) => format!("inherited from {from}"),
            Source::Default => "default".to_owned(),
            Source::None => "-".to_owned(),
        },
    }
}

fn kind_of(source: &Source) -> &'static str {
    match source {
        Source::Local => "local",
        Source::Inherited(_) => "inherited",
        Source::Default => "default",
        Source::None => "none",
    }
}

fn fields<'a>(session: &mut Session<'_>, given: &Given<'a>) -> Done<Vec<&'a str>> {
    let text = given.last('o').unwrap_or("name,property,value,source");
    let fields: Vec<&str> = text.split(',').collect();
    if fields.iter().any(|field| matches!(*field, "received" | "all")) {
        return session.not_simulated("received values");
    }
    match fields.iter().find(|f| !["name", "property", "value", "source"].contains(f)) {
        Some(wrong) => session.usage(format!("invalid column name '{wrong}'")),
        None => Ok(fields),
    }
}

fn sources<'a>(session: &mut Session<'_>, given: &Given<'a>) -> Done<Vec<&'a str>> {
    const ALL: &[&str] = &["local", "default", "inherited", "received", "temporary", "none"];
    let Some(text) = given.last('s') else { return Ok(ALL.to_vec()) };
    let chosen: Vec<&str> = text.split(',').collect();
    match chosen.iter().find(|source| !ALL.contains(source)) {
        Some(wrong) => session.usage(format!("invalid source '{wrong}'")),
        None => Ok(chosen),
    }
}

/// The letters of the kinds that are wanted.
fn types(session: &mut Session<'_>, given: &Given<'_>, listing: bool) -> Done<String> {
    let Some(text) = given.last('t') else { return Ok("fvs".to_owned()) };
    let mut letters = String::new();
    for kind in text.split(',') {
        match kind {
            "filesystem" => letters.push('f'),
            "volume" => letters.push('v'),
            "snapshot" => letters.push('s'),
            "snap" if listing => letters.push('s'),
            "bookmark" => {}
            "all" => letters += "fvs",
            wrong => return session.usage(format!("invalid type '{wrong}'")),
        }
    }
    Ok(letters)
}

/// A property that is asked for.
enum Column<'a> {
    Native(&'static Property),
    User(&'a str),
}

impl Column<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Native(property) => property.name,
            Self::User(name) => name,
        }
    }
}

fn properties<'a>(session: &mut Session<'_>, text: &'a str) -> Done<Vec<Column<'a>>> {
    let mut found = Vec::new();
    for name in text.split(',') {
        if let Some(property) = property::find(name) {
            found.push(Column::Native(property));
        } else if user_property(name) {
            found.push(Column::User(name));
        } else if name.contains('@')
            || matches!(name, "all" | "space")
            || property::of_encryption(name)
        {
            return session.not_simulated(&format!("the property {name}"));
        } else {
            return session.usage(format!("bad property list: invalid property '{name}'"));
        }
    }
    Ok(found)
}

fn values(
    session: &mut Session<'_>,
    name: &str,
    columns: &[Column<'_>],
    exact: bool,
) -> Done<Vec<Value>> {
    let mut values = Vec::new();
    for column in columns {
        let object = session.state.object(name).expect("it was selected");
        match session.state.value(object, column.name(), exact) {
            Some(value) => values.push(value),
            None => {
                return session.not_simulated(&format!("the property {}", column.name()));
            }
        }
    }
    Ok(values)
}

/// `zfs_for_each`: what the arguments and options name, in the order of names.
fn select(
    session: &mut Session<'_>,
    given: &Given<'_>,
    roots: &[String],
    types: &str,
) -> Done<Selection> {
    let depth = given.last('d').map(|text| depth(session, text)).transpose()?;
    let recurse = given.has('r') || depth.is_some() || roots.is_empty();
    // Without -t, `list` shows snapshots only if they are named (listsnapshots=off).
    let snapshots = types.contains('s') && (given.has('t') || session.subcommand == "get");
    let mut names = Vec::new();
    let mut ended = Ok(());
    let pools: Vec<String> = session.state.pools.keys().cloned().collect();
    for root in if roots.is_empty() { &pools } else { roots } {
        if root.starts_with('/') || root.starts_with("./") {
            return session.not_simulated("paths in place of datasets");
        }
        if let Err(End::Code(code)) = open_as(session, root, types, recurse) {
            ended = Err(End::Code(code));
            continue;
        }
        let limit = if recurse { depth.unwrap_or(u32::MAX) } else { 0 };
        collect(session.state, root, types, snapshots, limit, &mut names);
    }
    names.sort_by(|one, other| order(session.state, one).cmp(&order(session.state, other)));
    names.dedup();
    Ok(Selection { names, ended })
}

fn depth(session: &mut Session<'_>, text: &str) -> Done<u32> {
    match text.parse::<i32>() {
        Ok(depth) => match u32::try_from(depth) {
            Ok(depth) => Ok(depth),
            Err(_) => session.usage("Depth can not be negative."),
        },
        Err(_) => session.usage(format!("{text} is not an integer")),
    }
}

/// Opens what is named; with recursion, also what only leads to what is wanted.
fn open_as(session: &mut Session<'_>, name: &str, types: &str, recurse: bool) -> Done {
    let mut allowed = types.to_owned();
    if recurse {
        allowed.push('f');
        if types.contains('s') {
            allowed.push('v');
        }
    }
    let expected = match (allowed.contains(['f', 'v']), allowed.contains('s')) {
        (true, false) => Expected::Dataset,
        (false, true) => Expected::Snapshot,
        _ => Expected::Any,
    };
    session.open(name, expected)?;
    let letter = session.state.object(name).map(super::value::Object::letter);
    match letter.is_some_and(|letter| allowed.contains(letter)) {
        true => Ok(()),
        false => {
            let why = "operation not applicable to datasets of this type";
            session.fail(format!("cannot open '{name}': {why}"))
        }
    }
}

fn collect(
    state: &State,
    name: &str,
    types: &str,
    snapshots: bool,
    depth: u32,
    names: &mut Vec<String>,
) {
    let Some(object) = state.object(name) else { return };
    if types.contains(object.letter()) {
        names.push(name.to_owned());
    }
    if object.snapshot.is_some() || depth == 0 {
        return;
    }
    if object.dataset.kind == Kind::Filesystem {
        for child in state.children(name) {
            collect(state, &child, types, snapshots, depth - 1, names);
        }
    }
    if snapshots {
        let of = object.dataset.snapshots.iter();
        names.extend(of.map(|snapshot| format!("{name}@{}", snapshot.name)));
    }
}

/// Datasets by name, each before its snapshots, those by age.
fn order<'a>(state: &State, name: &'a str) -> (&'a str, u64) {
    let age = name.split_once('@').and_then(|(of, snapshot)| state.snapshot(of, snapshot));
    (super::state::dataset_of(name), age.map_or(0, |snapshot| snapshot.transaction))
}
