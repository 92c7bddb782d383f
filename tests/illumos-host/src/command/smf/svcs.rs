//! svcs(1): the states of services, in the columns STATE and FMRI.

use super::repository::State;
use super::{fmri, not_simulated};
use crate::Reply;
use crate::command::getopt::{Given, Wrong};

const USAGE: &str = "Usage: svcs [-aHpv] [-o col[,col ... ]] [-R restarter] \
    [-sS col] [-Z | -z zone ]";

/// A column: its title, and its width with the blank behind it.
const COLUMNS: &[(&str, usize)] = &[("STATE", 15), ("FMRI", 51)];

/// Runs it.
pub(super) fn run(state: &State, arguments: &[String]) -> Reply {
    let given = match Given::parse(arguments, "aHo:", &[]) {
        Ok(given) => given,
        Err(Wrong::Unknown(letter)) if "dDlLpPrRsSvxzZ".contains(letter) => {
            return not_simulated(&format!("svcs -{letter}"));
        }
        Err(_) => return Reply::fail(2, USAGE),
    };
    let Some(columns) = given.last('o').map(|text| text.split(',').collect::<Vec<_>>()) else {
        return not_simulated("svcs without -o");
    };
    let mut chosen = Vec::new();
    for name in columns {
        match COLUMNS.iter().find(|(title, _)| title.eq_ignore_ascii_case(name)) {
            Some(column) => chosen.push(*column),
            None => return not_simulated(&format!("svcs -o {name}")),
        }
    }
    let mut reply = Reply::ok();
    let mut found: Vec<(String, String)> = Vec::new();
    for text in given.operands {
        let matching = fmri::instances(state, text);
        if matching.is_empty() {
            let line = format!("svcs: Pattern '{text}' doesn't match any instances\n");
            reply.stderr.push_str(&line);
            reply.code = 1;
        }
        found.extend(matching);
    }
    if given.operands.is_empty() {
        let all = state.instances().filter(|(_, _, i)| given.has('a') || i.is_enabled());
        found = all.map(|(service, name, _)| (service.to_owned(), name.to_owned())).collect();
    }
    if !found.is_empty() {
        reply.stdout = table(state, found, &chosen, given.has('H'));
    }
    reply
}

/// Sorted by state and then by name, as svcs does by itself.
fn table(
    state: &State,
    mut found: Vec<(String, String)>,
    columns: &[(&str, usize)],
    bare: bool,
) -> String {
    let of = |(service, name): &(String, String)| &state.services[service].instances[name].state;
    found.sort_by(|a, b| (of(a), a).cmp(&(of(b), b)));
    found.dedup();
    let row = |cells: &dyn Fn(&str) -> String| {
        let cells = columns.iter().map(|(title, width)| format!("{:<1$}", cells(title), *width));
        format!("{}\n", cells.collect::<String>().trim_end())
    };
    let mut text = if bare { String::new() } else { row(&str::to_owned) };
    for entry in &found {
        text.push_str(&row(&|title: &str| match title {
            "STATE" => of(entry).clone(),
            _ => fmri::instance(&entry.0, &entry.1),
        }));
    }
    text
}
