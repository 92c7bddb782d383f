//! `zoneadm list`.

use super::super::kernel::{State, Status, Variant};
use super::super::not_simulated;
use super::super::store::{Entry, Stage, Store};
use crate::command::getopt::Given;
use crate::{Reply, World, WorldError, state_dir};

/// A line of the list.
struct Line {
    id: Option<u32>,
    name: String,
    state: &'static str,
    path: String,
    uuid: String,
    brand: String,
    exclusive_ip: bool,
    debug_id: Option<u32>,
}

/// Which zones, and how.
struct Options {
    parsable: bool,
    verbose: bool,
    /// Zones that are not active, from this stage on.
    least: Option<Stage>,
    global: bool,
}

pub(super) fn run(
    store: &Store,
    zone: Option<&str>,
    arguments: &[String],
) -> Result<Reply, WorldError> {
    let given = match Given::parse(arguments, "cinpv", &[]) {
        Ok(given) if given.operands.is_empty() => given,
        _ => return Ok(Reply::fail(2, "usage:\tlist [-cinpv]")),
    };
    if given.has('p') && given.has('v') {
        return Ok(Reply::fail(1, "zoneadm: list -p and -v are mutually exclusive."));
    }
    if zone.is_some() && ['c', 'i', 'n'].into_iter().any(|letter| given.has(letter)) {
        return Ok(not_simulated("zoneadm -z list with -c, -i or -n"));
    }
    let options = Options {
        parsable: given.has('p'),
        verbose: given.has('v'),
        least: match (given.has('c'), given.has('i')) {
            (true, _) => Some(Stage::Configured),
            (false, true) => Some(Stage::Installed),
            (false, false) => None,
        },
        global: !given.has('n'),
    };
    World::with(state_dir(), |world| {
        world.zones.settle();
        let lines = match zone {
            Some(zone) => all(store, &world.zones).filter(|line| line.name == zone).collect(),
            None => chosen(store, &world.zones, &options),
        };
        Reply::out(print(&lines, &options, world.zones.brand))
    })
}

/// The global zone, active zones in the order of their ids, the others as the index has them.
fn all<'a>(store: &'a Store, zones: &'a State) -> impl Iterator<Item = Line> + 'a {
    let global = Line {
        id: Some(0),
        name: "global".to_owned(),
        state: Status::Running.name(),
        path: "/".to_owned(),
        uuid: String::new(),
        brand: "ipkg".to_owned(),
        exclusive_ip: false,
        debug_id: Some(0),
    };
    let mut entries = store.entries();
    entries.sort_by_key(|entry| zones.active.get(&entry.name).map_or(u32::MAX, |active| active.id));
    std::iter::once(global).chain(entries.into_iter().map(|entry| line(store, zones, entry)))
}

fn chosen(store: &Store, zones: &State, options: &Options) -> Vec<Line> {
    let shown = |line: &Line| {
        if line.name == "global" {
            return options.global;
        }
        match zones.active.get(&line.name) {
            Some(active) => active.status >= Status::Running || options.least.is_some(),
            None => options.least.is_some_and(|least| {
                least == Stage::Configured || line.state == Stage::Installed.name()
            }),
        }
    };
    all(store, zones).filter(shown).collect()
}

fn line(store: &Store, zones: &State, entry: Entry) -> Line {
    let active = zones.active.get(&entry.name);
    let config = store.config(&entry.name);
    Line {
        id: active.map(|active| active.id),
        state: active.map_or(entry.stage.name(), |active| active.status.name()),
        path: entry.zonepath,
        uuid: entry.uuid,
        brand: config.as_ref().map_or("???", |config| config.brand.as_str()).to_owned(),
        exclusive_ip: config.as_ref().is_some_and(|config| config.exclusive_ip),
        debug_id: config.and_then(|config| config.debug_id),
        name: entry.name,
    }
}

fn print(lines: &[Line], options: &Options, variant: Variant) -> String {
    let mut text = String::new();
    if options.verbose {
        text += &row("ID", "NAME", "STATUS", "PATH", "BRAND", "IP");
    }
    for line in lines {
        let id = line.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let ip = if line.exclusive_ip { "excl" } else { "shared" };
        let Line { name, state, path, uuid, brand, .. } = line;
        if options.verbose {
            text += &row(&id, name, state, path, brand, ip);
        } else if options.parsable {
            let path = path.replace(':', "\\:");
            text += &format!("{id}:{name}:{state}:{path}:{uuid}:{brand}:{ip}");
            if variant == Variant::Omnios {
                let debug = line.debug_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
                text += &format!(":{debug}");
            }
            text.push('\n');
        } else {
            text += &format!("{name}\n");
        }
    }
    text
}

fn row(id: &str, name: &str, status: &str, path: &str, brand: &str, ip: &str) -> String {
    format!("{id:>4} {name:<16} {status:<10} {path:<30} {brand:<8} {ip:<6}\n")
}
