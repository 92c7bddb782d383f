//! pkill(1), as far as it reaches into zones: `pkill [-SIGNAL] -z ZONES bhyve`.
//!
//! Source: illumos-gate usr/src/cmd/pgrep/pgrep.c, usr/src/lib/libzonecfg/common/libzonecfg.c
//! (#zone_get_id); for who may signal whom usr/src/uts/common/os/cred.c
//! (#prochasprocperm).

use crate::command::getopt::Given;
use crate::command::rbac::Caller;
use crate::command::zone::{self, Signal, not_simulated};
use crate::{Reply, World, WorldError, faults, state_dir};

/// pkill.
pub fn pkill(arguments: &[String]) -> Reply {
    let (signal, rest) = match arguments {
        [first, rest @ ..] => match first.as_str() {
            "-9" | "-KILL" => (Signal::Kill, rest),
            "-15" | "-TERM" => (Signal::Terminate, rest),
            _ => (Signal::Terminate, arguments),
        },
        [] => (Signal::Terminate, arguments),
    };
    let all = || not_simulated(&format!("pkill {}", arguments.join(" ")));
    // Options may also stand behind the pattern.
    let (zones, pattern) = match rest {
        [pattern, flag, zones] if flag == "-z" => (zones.as_str(), pattern.as_str()),
        _ => match Given::parse(rest, "z:", &[]) {
            Ok(Given { options, operands: [pattern] }) if options.len() == 1 => {
                (options[0].1, pattern.as_str())
            }
            _ => return all(),
        },
    };
    if pattern != "bhyve" {
        return all();
    }
    signal_all(zones, signal).unwrap_or_else(|error| Reply::fail(faults::BROKEN, error.to_string()))
}

fn signal_all(zones: &str, signal: Signal) -> Result<Reply, WorldError> {
    let (caller, names) = World::with(state_dir(), |world| {
        let named = |word: &str| {
            let id = word.parse::<u32>().ok();
            let by_id = world.zones.active.iter().find(|(_, active)| Some(active.id) == id);
            by_id.map_or_else(|| word.to_owned(), |(name, _)| name.clone())
        };
        let words = zones.split([',', '\t', ' ']).filter(|word| !word.is_empty());
        (Caller::current(world), words.map(named).collect::<Vec<_>>())
    })?;
    if let Some(unknown) = names.iter().find(|name| !zone::exists(name)) {
        return Ok(Reply::fail(2, format!("pkill: invalid zone name -- {unknown}")));
    }
    let mut reply = Reply { code: 1, ..Reply::default() };
    // Without it other users' processes are not even seen.
    if !caller.has("proc_info") && !caller.has("proc_owner") {
        return Ok(reply);
    }
    let may = caller.has("proc_owner") && caller.has("proc_zone");
    for name in &names {
        let found = if may { zone::signal_bhyve(name, signal)? } else { zone::bhyve(name)? };
        if let Some(pid) = found {
            reply.code = 0;
            if !may {
                reply.stderr += &format!("pkill: Failed to signal pid {pid}: Not owner\n");
            }
        }
    }
    Ok(reply)
}
