//! zoneadm(8).
//!
//! Source: illumos-gate usr/src/cmd/zoneadm/{zoneadm.c,zfs.c}; OmniOS' own field.

mod install;
mod list;
mod verify;

use super::door::{self, Failure, Request};
use super::kernel::Status;
use super::not_simulated;
use super::store::{Stage, Store};
use crate::command::getopt::Given;
use crate::command::rbac::Caller;
use crate::{Reply, World, WorldError, state_dir};

/// What is printed to those who err.
const USAGE: &str = "\
usage:\tzoneadm help
\tzoneadm [-z <zone>] [-u <uuid-match>] list
\tzoneadm {-z <zone>|-u <uuid-match>} <subcommand>
";
/// Subcommands that zoneadm(8) has and this has not.
const NOT_SIMULATED: [&str; 9] =
    ["help", "reboot", "mount", "unmount", "clone", "move", "detach", "attach", "apply"];

/// Runs zoneadm.
pub(super) fn run(arguments: &[String]) -> Result<Reply, WorldError> {
    let usage = || Ok(Reply { stderr: USAGE.to_owned(), code: 2, ..Reply::default() });
    let Ok(given) = Given::parse(arguments, "u:R:z:", &[]) else { return usage() };
    if given.has('u') || given.has('R') {
        return Ok(not_simulated("zoneadm -u and -R"));
    }
    let [command, arguments @ ..] = given.operands else { return usage() };
    let store = Store::host();
    let zone = given.last('z');
    if let Some(zone) = zone
        && zone != "global"
        && store.entry(zone).is_none()
    {
        return Ok(Reply::fail(1, format!("zoneadm: {zone}: No such zone configured")));
    }
    if command == "list" {
        return list::run(&store, zone, arguments);
    }
    let Some(command) = Subcommand::parse(command) else {
        if NOT_SIMULATED.contains(&command.as_str()) {
            return Ok(not_simulated(&format!("zoneadm {command}")));
        }
        return usage();
    };
    let (caller, status) = World::with(state_dir(), |world| {
        world.zones.settle();
        let status = zone.and_then(|zone| world.zones.active.get(zone)).map(|active| active.status);
        (Caller::current(world), status)
    })?;
    let zone = match permitted(&caller, zone, command) {
        Ok(zone) => zone,
        Err(reply) => return Ok(reply),
    };
    let administration = Administration { store: &store, zone, status, arguments };
    administration.perform(command)
}

/// What changes a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subcommand {
    Boot,
    Halt,
    Install,
    Mark,
    Ready,
    Shutdown,
    Uninstall,
    Verify,
}

impl Subcommand {
    fn name(self) -> &'static str {
        match self {
            Subcommand::Boot => "boot",
            Subcommand::Halt => "halt",
            Subcommand::Install => "install",
            Subcommand::Mark => "mark",
            Subcommand::Ready => "ready",
            Subcommand::Shutdown => "shutdown",
            Subcommand::Uninstall => "uninstall",
            Subcommand::Verify => "verify",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        use Subcommand::{Boot, Halt, Install, Mark, Ready, Shutdown, Uninstall, Verify};
        let all = [Boot, Halt, Install, Mark, Ready, Shutdown, Uninstall, Verify];
        all.into_iter().find(|command| command.name() == name)
    }
}

/// A line about a zone, with exit code 1.
fn refused(zone: &str, text: impl AsRef<str>) -> Reply {
    Reply::fail(1, format!("zoneadm: zone '{zone}': {}", text.as_ref()))
}

/// The checks that every change begins with (#sanity_check, #auth_check).
fn permitted<'a>(
    caller: &Caller,
    zone: Option<&'a str>,
    command: Subcommand,
) -> Result<&'a str, Reply> {
    let name = command.name();
    if !caller.all_privileges() {
        let text = format!("only a privileged user may {name} a zone.");
        return Err(match zone {
            Some(zone) => refused(zone, text),
            None => Reply::fail(1, format!("zoneadm: {text}")),
        });
    }
    let Some(zone) = zone else { return Err(Reply::fail(1, "zoneadm: no zone specified")) };
    if !caller.authorized(&format!("solaris.zone.manage/{zone}")) {
        let user = &caller.user;
        return Err(refused(zone, format!("User {user} is not authorized to {name} this zone.")));
    }
    if zone == "global" {
        return Err(refused(zone, format!("{name} operation is invalid for the global zone.")));
    }
    if zone.starts_with("SUNW") {
        let text = format!("{name} operation is invalid for zones starting with SUNW.");
        return Err(refused(zone, text));
    }
    Ok(zone)
}

/// A subcommand on a zone that exists.
struct Administration<'a> {
    store: &'a Store,
    zone: &'a str,
    /// How far the kernel has it.
    status: Option<Status>,
    arguments: &'a [String],
}

impl Administration<'_> {
    fn perform(&self, command: Subcommand) -> Result<Reply, WorldError> {
        let takes_words = matches!(command, Subcommand::Mark | Subcommand::Uninstall);
        if !takes_words && !self.arguments.is_empty() {
            let words = self.arguments.join(" ");
            return Ok(not_simulated(&format!("zoneadm {} {words}", command.name())));
        }
        if let Some(reply) = self.wrong_state(command) {
            return Ok(reply);
        }
        match command {
            Subcommand::Boot => self.boot(Request::Boot),
            Subcommand::Ready => self.boot(Request::Ready),
            Subcommand::Halt => self.call(Request::Halt),
            Subcommand::Shutdown => self.call(Request::Shutdown),
            Subcommand::Install => self.install(),
            Subcommand::Uninstall => self.uninstall(),
            Subcommand::Mark => self.mark(),
            Subcommand::Verify => self.verified(),
        }
    }

    fn stage(&self) -> Stage {
        self.store.entry(self.zone).map_or(Stage::Configured, |entry| entry.stage)
    }

    /// The rules about states.
    fn wrong_state(&self, command: Subcommand) -> Option<Reply> {
        use Subcommand::{Boot, Halt, Install, Mark, Ready, Shutdown, Uninstall, Verify};
        let name = command.name();
        let text = match (command, self.status, self.stage()) {
            (Install | Mark | Uninstall, Some(_), _) => {
                format!("{name} operation is invalid for running zones.")
            }
            (Install, None, Stage::Installed) => "is already installed.".to_owned(),
            (Install, None, Stage::Incomplete) => {
                "zone is incomplete; uninstall required.".to_owned()
            }
            (Boot | Ready, None, Stage::Configured | Stage::Incomplete) => {
                format!("must be installed before {name}.")
            }
            (Shutdown, status, _) if status != Some(Status::Running) => "not running".to_owned(),
            (Uninstall, None, Stage::Configured) => "is already in state 'configured'.".to_owned(),
            (Boot | Halt | Install | Mark | Ready | Shutdown | Uninstall | Verify, ..) => {
                return None;
            }
        };
        Some(refused(self.zone, text))
    }

    /// Verifies the zone and has zoneadmd do it.
    fn boot(&self, request: Request) -> Result<Reply, WorldError> {
        let Ok(verified) = self.verify(false)?.into_passed() else {
            return Ok(self.verify(false)?.reply);
        };
        let reply = self.call(request)?;
        let stderr = verified + &reply.stderr;
        Ok(Reply { stderr, ..reply })
    }

    /// Has zoneadmd do it, however long that takes.
    fn call(&self, request: Request) -> Result<Reply, WorldError> {
        let zone = self.zone;
        let mut stderr = String::new();
        match door::call(self.store, zone, request, &mut stderr) {
            Ok(answer) => {
                for line in answer.messages {
                    stderr += &format!("zone '{zone}': {line}\n");
                }
                let failed = answer.rval != 0;
                if failed && matches!(request, Request::Boot | Request::Ready) {
                    stderr += &format!("zoneadm: zone '{zone}': call to zoneadmd failed\n");
                }
                Ok(Reply { stderr, code: u8::from(failed), ..Reply::default() })
            }
            Err(Failure::NotStarted(text)) => {
                stderr += &format!("{text}zone '{zone}': could not start zoneadmd\n");
                Ok(Reply { stderr, code: 1, ..Reply::default() })
            }
            Err(Failure::World(error)) => Err(error),
        }
    }

    fn mark(&self) -> Result<Reply, WorldError> {
        if self.arguments != ["incomplete"] {
            return Ok(Reply::fail(2, "usage:\tmark incomplete"));
        }
        let done = self
            .store
            .zone_lock(self.zone)
            .and_then(|_lock| self.store.set_stage(self.zone, Stage::Incomplete));
        Ok(match done {
            Ok(()) => Reply::ok(),
            Err(error) => refused(self.zone, super::strerror(&error)),
        })
    }
}
