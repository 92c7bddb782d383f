//! ctrun(1): a command in a process contract of its own.
//!
//! There are no contracts here, so nothing is gained by it; but what ctrun takes
//! and when it returns is as it is. As ever, the command stays in the session and the
//! process group of whoever called.
//!
//! Source: illumos-gate usr/src/cmd/ctrun/ctrun.c.

use std::io;
use std::process::Command;

use camino::Utf8Path;

use crate::command::getopt::Given;
use crate::command::rbac::{CALLER_VARIABLE, Caller, environment_of};
use crate::command::zone::not_simulated;
use crate::{Reply, World, faults, state_dir};

/// What it ends with after a wrong command line (UU_PROFILE_LAUNCHER of libuutil).
const USAGE: u8 = 125;
/// What it ends with if its command was killed.
const BAD_CHILD: u8 = 123;
const USAGE_TEXT: &str = "\
Usage: ctrun [-i eventlist] [-f eventlist] [-l lifetime] 
\t[-o optionlist] [-r count [-t]] [-v]
\t[-F fmri] [-A aux] command
";
const OPTIONS: [&str; 4] = ["noorphan", "pgrponly", "regent", "inherit"];
const EVENTS: [&str; 6] = ["core", "signal", "hwerr", "empty", "fork", "exit"];
/// Events that may be fatal: the first of them all.
const FATAL_EVENTS: usize = 3;

/// ctrun.
pub fn ctrun(arguments: &[String]) -> Reply {
    match parse(arguments) {
        Ok((lifetime, command)) => run(lifetime, command),
        Err(reply) => reply,
    }
}

/// For how long ctrun stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lifetime {
    None,
    Child,
    Contract,
}

fn usage(warning: &str) -> Reply {
    Reply { stderr: format!("{warning}{USAGE_TEXT}"), code: USAGE, ..Reply::default() }
}

fn parse(arguments: &[String]) -> Result<(Lifetime, &[String]), Reply> {
    let given = Given::parse(arguments, "a:A:l:o:i:c:f:F:r:tvV", &[]).map_err(|_| usage(""))?;
    for letter in ['a', 'A', 'c', 'F', 'r', 't', 'v', 'V'] {
        if given.has(letter) {
            return Err(not_simulated(&format!("ctrun -{letter}")));
        }
    }
    let options = list(given.last('o').unwrap_or_default(), &OPTIONS, 'o')?;
    list(given.last('i').unwrap_or_default(), &EVENTS, 'i')?;
    list(given.last('f').unwrap_or_default(), &EVENTS[..FATAL_EVENTS], 'f')?;
    let lifetime = match given.last('l') {
        Some("none") => Lifetime::None,
        Some("child") => Lifetime::Child,
        None | Some("contract") => Lifetime::Contract,
        Some(other) => return Err(usage(&format!("ctrun: invalid lifetime '{other}'\n"))),
    };
    if lifetime == Lifetime::None && options.contains(&"noorphan") {
        return Err(usage("ctrun: cannot use option 'noorphan' with lifetime 'none'\n"));
    }
    match (given.operands, lifetime) {
        ([], _) => Err(usage("")),
        (_, Lifetime::Contract) => Err(not_simulated("ctrun -l contract")),
        (command, _) => Ok((lifetime, command)),
    }
}

/// A list of names, any of which may be cut short; `none` stands alone.
fn list<'n>(text: &str, names: &[&'n str], letter: char) -> Result<Vec<&'n str>, Reply> {
    let mut found = Vec::new();
    let words: Vec<&str> = text.split([',', ' ']).filter(|word| !word.is_empty()).collect();
    for word in &words {
        match names.iter().find(|name| name.starts_with(word)) {
            Some(name) => found.push(*name),
            None if "none".starts_with(word) && words.len() == 1 => {}
            None if "none".starts_with(word) => {
                return Err(usage("ctrun: option is incompatible with others: 'none'\n"));
            }
            None => {
                return Err(usage(&format!(
                    "ctrun: unrecognized option '{word}'\nctrun: error parsing '-{letter}' option\n"
                )));
            }
        }
    }
    Ok(found)
}

fn run(lifetime: Lifetime, words: &[String]) -> Reply {
    let [program, arguments @ ..] = words else { return usage("") };
    let credentials = World::with(state_dir(), |world| {
        environment_of(world, &Caller::current(world), Utf8Path::new(program))
    });
    let mut command = Command::new(program);
    command.args(arguments);
    match credentials {
        Ok(Some(value)) => command.env(CALLER_VARIABLE, value),
        Ok(None) => return Reply::fail(126, "ctrun: exec failed: Permission denied"),
        Err(error) => return Reply::fail(faults::BROKEN, error.to_string()),
    };
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Reply::fail(127, "ctrun: exec failed: No such file or directory");
        }
        Err(_) => return Reply::fail(126, "ctrun: exec failed: Permission denied"),
    };
    if lifetime == Lifetime::None {
        return Reply::ok();
    }
    let code = child.wait().ok().and_then(|status| status.code());
    let code = code.and_then(|code| u8::try_from(code).ok()).unwrap_or(BAD_CHILD);
    Reply { code, ..Reply::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Lifetime, u8> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&words).map(|(lifetime, _)| lifetime).map_err(|reply| reply.code)
    }

    #[test]
    fn nobody_can_be_without_an_owner_and_die_with_it() {
        assert_eq!(parsed("-l none true"), Ok(Lifetime::None));
        assert_eq!(parsed("-l child -o noorphan,regent true"), Ok(Lifetime::Child));
        assert_eq!(parsed("-l none -o noorphan true"), Err(USAGE));
        assert_eq!(parsed("-l none -o n true"), Err(USAGE));
    }

    #[test]
    fn what_ctrun_does_not_know_it_refuses() {
        for line in [
            "",
            "-l none",
            "-l soon true",
            "-l none -o nothing true",
            "-l none -f exit true",
            "-l none -o none,regent true",
            "-x",
        ] {
            assert_eq!(parsed(line), Err(USAGE), "{line}");
        }
        assert_eq!(parsed("-l none -v true"), Err(faults::BROKEN));
        assert_eq!(parsed("true"), Err(faults::BROKEN));
    }
}
