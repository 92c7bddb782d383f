//! svcadm(8): what is to run. Everything happens at once.

use super::repository::{State, value};
use super::{fmri, may, not_simulated};
use crate::Reply;
use crate::command::getopt::Given;
use crate::command::rbac::Caller;

/// The first line of the usage; the others are not imitated.
const USAGE: &str = "Usage: svcadm [-S <state>] [-v] [-Z | -z zone] [cmd [args ... ]]";
/// Who may do it to any service (smf_security(7)).
const MANAGE: &[&str] =
    &["solaris.smf.manage", "solaris.smf.modify", "solaris.smf.modify.framework"];

/// Runs a subcommand.
pub(super) fn run(state: &mut State, caller: &Caller, arguments: &[String]) -> Reply {
    let Some((subcommand, arguments)) = arguments.split_first() else {
        return Reply::fail(2, USAGE);
    };
    let short = match subcommand.as_str() {
        "enable" => "st",
        "disable" => "st",
        "restart" | "refresh" | "clear" => "",
        "mark" | "milestone" => return not_simulated(&format!("svcadm {subcommand}")),
        option if option.starts_with('-') => return not_simulated(&format!("svcadm {option}")),
        _ => return Reply::fail(2, USAGE),
    };
    let given = match Given::parse(arguments, short, &[]) {
        Ok(given) if !given.operands.is_empty() => given,
        _ if arguments.iter().any(|word| word == "-r" || word == "-d") => {
            return not_simulated(&format!("svcadm {subcommand} {}", arguments.join(" ")));
        }
        _ => return Reply::fail(2, USAGE),
    };
    let mut svcadm = Svcadm { state, caller, reply: Reply::ok() };
    let mut done = Vec::new();
    for text in given.operands {
        done.extend(svcadm.each(text, subcommand, given.has('t')));
    }
    if given.has('s') && svcadm.reply.code == 0 {
        for (service, name) in &done {
            svcadm.waited(service, name, subcommand == "enable");
        }
    }
    svcadm.reply
}

struct Svcadm<'a> {
    state: &'a mut State,
    caller: &'a Caller,
    reply: Reply,
}

impl Svcadm<'_> {
    fn warn(&mut self, code: u8, line: &str) {
        self.reply.stderr.push_str(&format!("svcadm: {line}\n"));
        self.reply.code = code;
    }

    /// Does it to the instance that is meant, and gives that.
    fn each(&mut self, text: &str, subcommand: &str, temporary: bool) -> Option<(String, String)> {
        let mut found = fmri::instances(self.state, text);
        let pattern = text.contains(['*', '?', '[']);
        if found.is_empty() {
            self.warn(1, &format!("Pattern '{text}' doesn't match any instances"));
            return None;
        }
        if found.len() > 1 && !pattern {
            self.warn(1, &format!("Pattern '{text}' matches multiple instances:"));
            for (service, name) in found {
                self.reply.stderr.push_str(&format!("\t{}\n", fmri::instance(&service, &name)));
            }
            return None;
        }
        if found.len() > 1 {
            self.reply = not_simulated("svcadm for several services at once");
            return None;
        }
        let (service, name) = found.remove(0);
        let full = fmri::instance(&service, &name);
        if !self.permitted(&service, &name, matches!(subcommand, "enable" | "disable")) {
            self.warn(1, &format!("{full}: Permission denied."));
            return None;
        }
        self.act(&service, &name, subcommand, temporary);
        self.state.settle();
        Some((service, name))
    }

    /// An action needs the authorization for actions; what is to run is a
    /// property as well, and needs the one for that group's values.
    fn permitted(&self, service: &str, name: &str, enabling: bool) -> bool {
        let running = &self.state.services[service].instances[name].running;
        let with = |property: &str| {
            let own = value(running, "general", property);
            let all: Vec<&str> = MANAGE.iter().copied().chain(own).collect();
            may(self.caller, &all)
        };
        with("action_authorization") && (!enabling || with("value_authorization"))
    }

    fn act(&mut self, service: &str, name: &str, subcommand: &str, temporary: bool) {
        let full = fmri::instance(service, name);
        if subcommand == "refresh" {
            return self.state.refresh(service, name);
        }
        let Some(instance) = self.state.instance_mut(service, name) else { return };
        match subcommand {
            "enable" | "disable" if temporary => instance.until_boot = Some(subcommand == "enable"),
            "enable" | "disable" => {
                instance.until_boot = None;
                instance.enable(subcommand == "enable");
            }
            "clear" if instance.state == "maintenance" => "offline".clone_into(&mut instance.state),
            "clear" => {
                let line =
                    format!("Instance \"{full}\" is not in a maintenance or degraded state.");
                self.warn(1, &line);
            }
            // A method that would fail now fails.
            "restart" if instance.state == "online" => "offline".clone_into(&mut instance.state),
            _ => {}
        }
    }

    /// What `-s` waits for.
    fn waited(&mut self, service: &str, name: &str, enabled: bool) {
        let full = fmri::instance(service, name);
        let instance = &self.state.services[service].instances[name];
        let online = instance.state == "online" || instance.state == "disabled" && !enabled;
        let (state, satisfied) = (instance.state.clone(), self.state.satisfied(instance, false));
        if online {
            return;
        }
        if state == "maintenance" {
            self.warn(3, &format!("Instance \"{full}\" is in maintenance state."));
        } else if !satisfied {
            self.warn(4, &format!("Instance \"{full}\" has unsatisfied dependencies."));
        }
    }
}
