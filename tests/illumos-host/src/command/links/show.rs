//! dladm show-etherstub, show-vnic and show-linkprop, parsable output only.

use super::dladm::{Status, die, options, refused, usage, warning};
use super::link::{Class, Link};
use super::ofmt::Output;
use super::{State, properties as props};
use crate::Reply;
use crate::faults::BROKEN;

const VNIC_FIELDS: &[&str] = &["LINK", "OVER", "SPEED", "MACADDRESS", "MACADDRTYPE", "VID"];
const PROPERTY_FIELDS: &[&str] = &["LINK", "PROPERTY", "VALUE"];
/// More fields of show-linkprop, which are not simulated.
const MORE_PROPERTY_FIELDS: &[&str] = &["PERM", "DEFAULT", "POSSIBLE"];

fn for_people(command: &str) -> Reply {
    let line = format!("illumos-host: not simulated: dladm {command} for people");
    Reply::fail(BROKEN, line)
}

/// show-etherstub and show-vnic.
pub(super) fn links(state: &State, arguments: &[String], etherstub: bool) -> Result<Reply, Reply> {
    let long = [("parsable", 'p'), ("persistent", 'P'), ("link", 'l'), ("output", 'o')];
    let given = options(arguments, "pPl:o:", &long)?;
    if etherstub && given.has('l') {
        return Err(die("option not supported for this command"));
    }
    let wanted = wanted(state, given.operands, etherstub)?;
    let lower = given.last('l');
    if let Some(lower) = lower.filter(|lower| !state.links.contains_key(*lower)) {
        return Err(refused(format!("invalid link name '{lower}'"), &Status::NotFound));
    }
    if !given.has('p') {
        return Err(for_people(if etherstub { "show-etherstub" } else { "show-vnic" }));
    }
    let output = Output::of(given.last('o'), VNIC_FIELDS).map_err(die)?;
    let visible = |link: &Link| {
        let there = if given.has('P') { &link.persistent } else { &link.active };
        let over = match &link.class {
            Class::Etherstub => None,
            Class::Vnic { over, .. } => Some(over.as_str()),
        };
        there.is_some() && over.is_none() == etherstub && (lower.is_none() || lower == over)
    };
    if let Some(name) = wanted.filter(|name| there(&state.links[*name], given.has('P')).is_none()) {
        let line = format!("failed to show vnic '{name}'");
        return Err(refused(line, &Status::NotFound));
    }
    let all = state.links.iter().filter(|(name, _)| wanted.is_none_or(|wanted| *name == wanted));
    let rows =
        all.filter(|(_, link)| visible(link)).map(|(name, link)| output.row(&row(name, link)));
    Ok(Reply::out(rows.collect::<String>()))
}

fn there(link: &Link, persistent: bool) -> Option<&super::Settings> {
    if persistent { link.persistent.as_ref() } else { link.active.as_ref() }
}

/// The link that is asked for, if one is.
fn wanted<'a>(
    state: &State,
    operands: &'a [String],
    etherstub: bool,
) -> Result<Option<&'a str>, Reply> {
    let name = match operands {
        [] => return Ok(None),
        [name] => name,
        _ => return Err(usage()),
    };
    let link = state.links.get(name);
    let link =
        link.ok_or_else(|| refused(format!("invalid vnic name '{name}'"), &Status::NotFound))?;
    if (link.class == Class::Etherstub) == etherstub {
        return Ok(Some(name));
    }
    let (kind, found) = (if etherstub { "an etherstub" } else { "a vnic" }, link.class.name());
    Err(die(format!("datalink {name} is not {kind}: found class {found}")))
}

fn row(name: &str, link: &Link) -> Vec<String> {
    let (over, mac, kind, vid, speed) = match &link.class {
        Class::Etherstub => Default::default(),
        Class::Vnic { over, mac, fixed, vid } => {
            let kind = if *fixed { "fixed" } else { "random" };
            (over.clone(), mac.to_string(), kind.to_owned(), vid.to_string(), "0".to_owned())
        }
    };
    vec![name.to_owned(), over, speed, mac, kind, vid]
}

/// show-linkprop.
pub(super) fn properties(state: &State, arguments: &[String]) -> Result<Reply, Reply> {
    let long = [("prop", 'p'), ("parsable", 'c'), ("persistent", 'P'), ("output", 'o')];
    let given = options(arguments, "p:cPo:", &long)?;
    let text = props::joined(given.all('p')).map_err(die)?;
    let names: Vec<&String> = match given.operands {
        [] => state.links.keys().collect(),
        [name] if state.links.contains_key(name) => vec![name],
        [name] => return Err(refused(format!("link {name} is not valid"), &Status::NotFound)),
        _ => return Err(usage()),
    };
    let listed = props::parse(&text)
        .filter(|listed| listed.iter().all(|(_, values)| values.is_empty()))
        .ok_or_else(|| die("invalid link properties specified"))?;
    if !given.has('c') {
        return Err(for_people("show-linkprop"));
    }
    let asked = given.last('o').unwrap_or_default();
    if MORE_PROPERTY_FIELDS.iter().any(|more| asked.to_ascii_uppercase().contains(more)) {
        return Err(for_people(&format!("show-linkprop -o {asked}")));
    }
    let output = Output::of(given.last('o'), PROPERTY_FIELDS).map_err(die)?;
    let mut listed: Vec<String> = listed.into_iter().map(|(name, _)| name).collect();
    if listed.is_empty() {
        listed = props::names().chain(["zone"]).map(str::to_owned).collect();
    }
    let mut reply = Reply::ok();
    for name in names {
        let link = &state.links[name];
        if there(link, given.has('P')).is_some() {
            show(&mut reply, &output, name, link, &listed, given.has('P'))?;
        }
    }
    Ok(reply)
}

/// The properties of one link. One that does not exist has a row, too.
fn show(
    reply: &mut Reply,
    output: &Output,
    name: &str,
    link: &Link,
    listed: &[String],
    persistent: bool,
) -> Result<(), Reply> {
    for property in listed {
        let value = match props::shown(link, property, persistent) {
            Ok(value) => value,
            Err(status @ Status::NotSimulated(_)) => return Err(refused("", &status)),
            Err(status) => {
                let line = format!("cannot get link property '{property}' for {name}: {status}");
                reply.stderr.push_str(&warning(line));
                reply.code = 1;
                "?".to_owned()
            }
        };
        reply.stdout.push_str(&output.row(&[name.to_owned(), property.clone(), value]));
    }
    Ok(())
}
