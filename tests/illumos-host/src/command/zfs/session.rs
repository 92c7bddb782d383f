//! One call of a command: who calls, on what, and what it says.

use super::data::DataError;
use super::name::{self, Expected};
use super::state::{Kind, State, dataset_of};
use super::usage;
use crate::command::getopt::{Given, Wrong};
use crate::command::rbac::Caller;
use crate::faults::BROKEN;
use crate::{Reply, World};

/// A call of `zfs` or `zpool`.
pub(super) struct Session<'a> {
    /// Pools and datasets.
    pub(super) state: &'a mut State,
    /// Who calls.
    pub(super) caller: Caller,
    /// Which subcommand; empty before it is known.
    pub(super) subcommand: &'static str,
    /// What goes to standard output.
    pub(super) out: String,
    err: String,
    service_user: String,
}

/// How a call ends that does not succeed. What is to be said has been said.
#[derive(Debug)]
pub(super) enum End {
    /// With this exit code.
    Code(u8),
}

/// What comes of a part of a call.
pub(super) type Done<T = ()> = Result<T, End>;

impl<'a> Session<'a> {
    /// A call by whoever calls this process.
    pub(super) fn new(world: &'a mut World) -> Self {
        let caller = Caller::current(world);
        Self {
            caller,
            service_user: world.rbac.user.clone(),
            state: &mut world.zfs,
            subcommand: "",
            out: String::new(),
            err: String::new(),
        }
    }

    /// The whole call.
    pub(super) fn reply(mut self, run: impl FnOnce(&mut Self) -> Done) -> Reply {
        let code = match run(&mut self) {
            Ok(()) => 0,
            Err(End::Code(code)) => code,
        };
        Reply { stdout: self.out, stderr: self.err, code }
    }

    /// The user of whom there is more than the name.
    pub(super) fn service_user(&self) -> &str {
        &self.service_user
    }

    /// Says a line on standard error.
    pub(super) fn complain(&mut self, line: impl AsRef<str>) {
        self.err += line.as_ref();
        self.err.push('\n');
    }

    /// Ends with a line on standard error and exit code 1.
    pub(super) fn fail<T>(&mut self, line: impl AsRef<str>) -> Done<T> {
        self.complain(line);
        Err(End::Code(1))
    }

    /// Ends with a line and how the command is used, and exit code 2.
    pub(super) fn usage<T>(&mut self, line: impl AsRef<str>) -> Done<T> {
        self.complain(line);
        self.bare_usage()
    }

    /// Ends with how the command is used, and exit code 2.
    pub(super) fn bare_usage<T>(&mut self) -> Done<T> {
        self.err += &usage::of(self.subcommand);
        Err(End::Code(2))
    }

    /// Ends because no source says what illumos would do.
    pub(super) fn not_simulated<T>(&mut self, what: &str) -> Done<T> {
        self.complain(format!("illumos-host: not simulated: {what}"));
        Err(End::Code(BROKEN))
    }

    /// Ends if the simulator's own files fail it.
    pub(super) fn data<T>(&mut self, result: Result<T, DataError>) -> Done<T> {
        result.map_err(|error| {
            self.complain(format!("illumos-host: {error}"));
            End::Code(BROKEN)
        })
    }

    /// The options and operands. `missing` makes the line for an option without
    /// its argument where the command's option string begins with a colon.
    pub(super) fn options<'b>(
        &mut self,
        arguments: &'b [String],
        letters: &str,
        missing: Option<fn(char) -> String>,
    ) -> Done<Given<'b>> {
        match Given::parse(arguments, letters, &[]) {
            Ok(given) => Ok(given),
            Err(Wrong::NoArgument(letter)) if missing.is_some() => {
                let line = missing.map_or(String::new(), |line| line(letter));
                self.usage(line)
            }
            Err(Wrong::Unknown(letter) | Wrong::NoArgument(letter)) => {
                self.usage(format!("invalid option '{letter}'"))
            }
        }
    }

    /// `zfs_open`: whether there is such a file system, volume or snapshot.
    pub(super) fn open(&mut self, name: &str, expected: Expected) -> Done {
        let refused = |why: String| format!("cannot open '{name}': {why}");
        if let Err(why) = name::check(name, expected, false) {
            return self.fail(refused(why));
        }
        let there = match name.split_once('@') {
            Some((dataset, snapshot)) => self.state.snapshot(dataset, snapshot).is_some(),
            None => self.state.datasets.contains_key(name),
        };
        if there { Ok(()) } else { self.fail(refused("dataset does not exist".to_owned())) }
    }

    /// Whether there is such a file system or volume.
    pub(super) fn open_dataset(&mut self, name: &str) -> Done {
        self.open(name, Expected::Dataset)
    }

    /// `check_parents`: whether a new dataset can lie there.
    pub(super) fn check_parent(&mut self, name: &str) -> Done {
        let refused = |why: &str| format!("cannot create '{name}': {why}");
        let Some((parent, _)) = name.rsplit_once('/') else {
            return self.fail(refused("missing dataset name"));
        };
        let pool = parent.split('/').next().unwrap_or(parent);
        if !self.state.pools.contains_key(pool) {
            return self.fail(refused(&format!("no such pool '{pool}'")));
        }
        match self.state.datasets.get(parent).map(|found| found.kind) {
            None => self.fail(refused("parent does not exist")),
            Some(Kind::Volume) => self.fail(refused("parent is not a filesystem")),
            Some(Kind::Filesystem) => Ok(()),
        }
    }

    /// Whether a new name is one, and not what our files cannot hold.
    pub(super) fn check_new(&mut self, name: &str, expected: Expected, what: &str) -> Done {
        if let Err(why) = name::check(name, expected, true) {
            return self.fail(format!("{what}: {why}"));
        }
        if dataset_of(name).split('/').any(|part| part == "." || part == "..") {
            return self.not_simulated("a component `.` or `..` in a name");
        }
        Ok(())
    }
}
