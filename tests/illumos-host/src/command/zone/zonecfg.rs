//! zonecfg(8).
//!
//! Source: illumos-gate usr/src/cmd/zonecfg; the additions of illumos-omnios.

mod globals;
mod grammar;
mod help;
mod lex;
mod print;
mod resources;
mod session;

use std::fs;

use super::not_simulated;
use crate::Reply;

pub(super) use session::Host;

/// The longest name of a zone, in bytes.
const MOST_NAME_BYTES: usize = 63;

/// What the command line asks for.
enum Mode<'a> {
    /// The words of the command line, joined by one blank.
    OneOff(&'a [String]),
    File(&'a str),
}

/// Runs zonecfg.
pub(super) fn run(host: &Host<'_>, arguments: &[String]) -> Reply {
    let (zone, mode) = match command_line(arguments) {
        Ok(parsed) => parsed,
        Err(reply) => return reply,
    };
    let (input, file) = match mode {
        Mode::OneOff(words) => (words.join(" ") + "\n", None),
        Mode::File("-") => return not_simulated("zonecfg -f -"),
        Mode::File(path) => match read(path) {
            Ok(text) => (text, Some(path)),
            Err(reply) => return reply,
        },
    };
    let parser = grammar::Parser::new(lex::words(&input, host.variant));
    session::Session::new(host, zone, file).run(parser)
}

/// getopt(3C) with `?f:R:z:`, which stops at the first word that is no option.
fn command_line(arguments: &[String]) -> Result<(&str, Mode<'_>), Reply> {
    let usage = || Reply { stderr: help::USAGE.to_owned(), code: 2, ..Reply::default() };
    let (mut zone, mut file) = (None, None);
    let mut rest = arguments;
    while let [first, behind @ ..] = rest {
        let Some(letters) = first.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            break;
        };
        if letters == "-" {
            rest = behind;
            break;
        }
        let (letter, attached) = letters.split_at(1);
        let (value, behind) = match (attached, behind) {
            ("", [value, behind @ ..]) => (value.as_str(), behind),
            ("", []) => return Err(usage()),
            (attached, behind) => (attached, behind),
        };
        match letter {
            "z" => zone = Some(zone_name(value)?),
            "f" => file = Some(value),
            "R" => return Err(not_simulated("zonecfg -R")),
            _ => return Err(usage()),
        }
        rest = behind;
    }
    let Some(zone) = zone else {
        return Err(if rest == ["help"] { not_simulated("zonecfg help") } else { usage() });
    };
    match (file, rest) {
        (Some(file), _) => Ok((zone, Mode::File(file))),
        (None, []) => Err(not_simulated("interactive zonecfg")),
        (None, words) => Ok((zone, Mode::OneOff(words))),
    }
}

fn zone_name(name: &str) -> Result<&str, Reply> {
    if name == "global" {
        return Err(not_simulated("zonecfg -z global"));
    }
    let first = |c: char| c.is_ascii_alphanumeric();
    let other = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.len() <= MOST_NAME_BYTES && name.starts_with(first) && name.chars().all(other) {
        return Ok(name);
    }
    let stderr = format!("{name}: Bogus zone name\n{}", help::SYNTAX);
    Err(Reply { stderr, code: 2, ..Reply::default() })
}

fn read(path: &str) -> Result<String, Reply> {
    let failed = |error: std::io::Error| {
        let reason = super::strerror(&error);
        Reply::fail(1, format!("could not open file {path}: {reason}"))
    };
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Reply::fail(1, format!("{path} is not a regular file.")));
    }
    fs::read_to_string(path).map_err(failed)
}
