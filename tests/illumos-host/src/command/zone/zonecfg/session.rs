//! What zonecfg does with its commands.
//!
//! Source: illumos-gate usr/src/cmd/zonecfg/zonecfg.c (illumos-omnios for what OmniOS adds).

use super::super::Variant;
use super::super::config::{Config, Kind, Resource};
use super::super::store::{Stage, Store};
use super::grammar::{Command, Pairs, Parsed, Parser, Step, Value};
use super::help;
use crate::Reply;

/// What zonecfg asks of the host besides its files.
pub(in super::super) struct Host<'a> {
    pub(in super::super) store: &'a Store,
    pub(in super::super) variant: Variant,
    /// Whether a brand is installed.
    pub(in super::super) brand_known: &'a dyn Fn(&str) -> bool,
    /// Whether the zone is ready, running or on its way down.
    pub(in super::super) active: &'a dyn Fn(&str) -> bool,
    /// Whether the caller may not write to the store.
    pub(in super::super) read_only: bool,
}

/// Why zonecfg ends at once.
pub(super) enum Stop {
    /// With exit code 1.
    Failed,
    /// It was asked for something that is not simulated.
    NotSimulated(String),
}

pub(super) type Done = Result<(), Stop>;

/// A resource that is being added or modified.
pub(super) struct Scope {
    pub(super) resource: Resource,
    /// What `select` found, of the configuration's resources.
    pub(super) selected: Option<usize>,
}

/// A run of zonecfg.
pub(in super::super) struct Session<'a> {
    pub(super) host: &'a Host<'a>,
    pub(super) zone: String,
    /// The configuration as it would be saved.
    pub(super) config: Option<Config>,
    pub(super) scope: Option<Scope>,
    pub(super) need_to_commit: bool,
    pub(super) saw_error: bool,
    time_to_exit: bool,
    force_exit: bool,
    /// The file of `-f`, by which messages are prefixed.
    file: Option<String>,
    line: u32,
    last_line: u32,
    pub(super) reply: Reply,
}

impl<'a> Session<'a> {
    pub(in super::super) fn new(host: &'a Host<'a>, zone: &str, file: Option<&str>) -> Self {
        Self {
            host,
            zone: zone.to_owned(),
            config: None,
            scope: None,
            need_to_commit: false,
            saw_error: false,
            time_to_exit: false,
            force_exit: false,
            file: file.map(str::to_owned),
            line: 1,
            last_line: 0,
            reply: Reply::ok(),
        }
    }

    /// Runs every command and ends the session.
    pub(in super::super) fn run(mut self, mut parser: Parser) -> Reply {
        let mut done = Ok(());
        while let Some(Step { parsed, line }) = parser.step() {
            self.line = line;
            done = self.perform(parsed);
            // On a command line nothing stops zonecfg, not even `exit`.
            let stops = self.file.is_some() && (self.saw_error || self.time_to_exit);
            if done.is_err() || stops {
                break;
            }
        }
        if self.file.is_some() && self.saw_error {
            self.time_to_exit = true;
        }
        self.reply.code = match done.and_then(|()| self.finish()) {
            Ok(()) => u8::from(self.need_to_commit || self.saw_error),
            Err(Stop::Failed) => 1,
            Err(Stop::NotSimulated(what)) => return super::super::not_simulated(&what),
        };
        self.reply
    }

    fn perform(&mut self, parsed: Parsed) -> Done {
        match parsed {
            Parsed::Command(command) => self.command(command),
            Parsed::Empty | Parsed::Unfinished => Ok(()),
            Parsed::Short { command, bare } => {
                self.short_usage(command);
                if bare {
                    self.reply.stderr.push('\n');
                    if !["set", "clear"].contains(&command) {
                        self.reply.stderr += help::RESOURCES;
                    }
                    self.help_properties();
                }
                Ok(())
            }
            Parsed::Unexpected(word) => {
                let text = if word.text == "\n" { "\\n" } else { &word.text };
                let line = match self.file {
                    Some(_) => format!(" on line {}", word.line),
                    None => String::new(),
                };
                self.reply.stderr += &format!("syntax error{line} at '{text}'\n");
                self.reply.stderr += &help::commands();
                self.saw_error = true;
                Ok(())
            }
        }
    }

    fn command(&mut self, command: Command) -> Done {
        match command {
            Command::Plain(name, words) => self.plain(name, &words),
            Command::AddResource(resource) => self.add(resource),
            Command::AddProperty(property, value) => self.add_property(property, &value),
            Command::RemoveResource { option, resource, pairs } => {
                self.remove(option.as_deref(), resource, &pairs)
            }
            Command::RemoveProperty(property, value) => self.remove_property(property, &value),
            Command::Select(resource, pairs) => self.select(resource, &pairs),
            Command::Set(property, value) => self.set(property, &value),
            Command::SetForced(_) => Err(not_simulated("zonecfg set -F zonepath")),
            Command::Clear(property) => self.clear(property),
            Command::InfoAll => self.info(None, &Pairs::new()),
            Command::InfoResource(resource, pairs) => {
                let kind = self.kind(resource)?;
                self.info(Some(kind), &pairs)
            }
            Command::InfoProperty(property) => self.info_property(property),
        }
    }

    fn plain(&mut self, name: &'static str, words: &[String]) -> Done {
        let (allowed, with_value) = match name {
            "create" => ("bF", "at"),
            "delete" | "exit" | "revert" => ("F", ""),
            "export" => ("", "f"),
            "help" => return Err(not_simulated("zonecfg help")),
            _ => ("", ""),
        };
        let Some(options) = options(words, allowed, with_value) else {
            if words.iter().any(|word| word == "-?" || word == "-X") {
                return Err(not_simulated(&format!("zonecfg {name} {}", words.join(" "))));
            }
            self.short_usage(name);
            return Ok(());
        };
        let force = options.iter().any(|(option, _)| *option == 'F');
        match name {
            "create" => self.create(&options),
            "delete" => self.delete(force),
            "end" => self.end(),
            "cancel" => {
                if self.scope.is_none() {
                    self.scope_usage("cancel");
                }
                self.scope = None;
                Ok(())
            }
            "exit" => self.exit(force),
            "commit" => self.verify(true),
            "verify" => self.verify(false),
            "revert" => self.revert(force),
            "export" => self.export(options.first().map(|(_, file)| file.as_str())),
            // `add` with neither arguments nor a resource that it knows.
            _ => Err(not_simulated(&format!("zonecfg {name}"))),
        }
    }

    /// A line on standard error, behind the line's number if a file is read.
    pub(super) fn say(&mut self, text: impl AsRef<str>) {
        if let Some(file) = &self.file
            && self.line > self.last_line
        {
            // The newline that ends the command counts already.
            self.reply.stderr += &format!("On line {} of {file}:\n", self.line.saturating_sub(1));
            self.last_line = self.line;
        }
        self.reply.stderr += text.as_ref();
        self.reply.stderr.push('\n');
    }

    /// The same for an error.
    pub(super) fn error(&mut self, text: impl AsRef<str>) {
        self.say(text);
        self.saw_error = true;
    }

    fn short_usage(&mut self, command: &str) {
        if let Some(file) = &self.file {
            let line = self.line.saturating_sub(1);
            self.reply.stderr += &format!("syntax error on line {line} of {file}\n");
        }
        self.reply.stderr += &help::short(command);
        self.saw_error = true;
    }

    pub(super) fn help_properties(&mut self) {
        self.reply.stderr += &help::properties(self.host.variant == Variant::Omnios);
    }

    pub(super) fn scope_usage(&mut self, command: &str) {
        let scope = if self.scope.is_some() { "global" } else { "resource" };
        self.error(format!("The {command} command only makes sense in the {scope} scope."));
    }

    /// No property of that name here; with all that could be meant.
    pub(super) fn no_property(&mut self, command: &str, property: &str) -> Done {
        self.error(format!("{property}: No such property type"));
        self.reply.stderr += &help::long(command);
        self.help_properties();
        Ok(())
    }

    /// Whether this command may not be; says so.
    pub(super) fn read_only(&mut self, command: &str) -> bool {
        let zone = &self.zone;
        let text = if zone.starts_with("SUNW") {
            format!("{zone}: zones beginning with SUNW are read-only.")
        } else if self.host.read_only {
            format!("{zone}: cannot {command} in read-only mode.")
        } else {
            return false;
        };
        self.error(text);
        true
    }

    /// The configuration, read when it is needed first; says so if there is none.
    pub(super) fn loaded(&mut self) -> Option<&mut Config> {
        if self.config.is_none() {
            self.config = self.host.store.config(&self.zone);
        }
        if self.config.is_none() {
            self.error(format!("{}: No such zone configured", self.zone));
        }
        self.config.as_mut()
    }

    /// Whether the zone is installed, or more.
    pub(super) fn installed(&self) -> bool {
        let entry = self.host.store.entry(&self.zone);
        entry.is_some_and(|entry| entry.stage == Stage::Installed)
    }

    pub(super) fn kind(&self, resource: &str) -> Result<Kind, Stop> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == resource);
        kind.ok_or_else(|| not_simulated(&format!("zonecfg's resource {resource}")))
    }

    fn create(&mut self, options: &[(char, String)]) -> Done {
        let omnios = self.host.variant == Variant::Omnios;
        let mut template = "SUNWdefault".to_owned();
        for (option, value) in options {
            match option {
                'b' => "SUNWblank".clone_into(&mut template),
                't' if omnios && !value.starts_with(|c: char| c.is_ascii_uppercase()) => {
                    template = format!("OMNI{value}");
                }
                't' => template.clone_from(value),
                'a' => return Err(not_simulated("zonecfg create -a")),
                _ => {}
            }
        }
        if self.read_only("create") {
            return Ok(());
        }
        let force = options.iter().any(|(option, _)| *option == 'F');
        if self.host.store.config(&self.zone).is_some() {
            if self.installed() {
                // Not an error to zonecfg: what follows edits the zone.
                self.say(format!("Zone {} already installed; create not allowed.", self.zone));
                return Ok(());
            }
            if !force {
                return self.cannot_ask(
                    "Zone exists, input not from terminal and -F not specified:\n\
                     create command ignored, exiting.",
                );
            }
            self.reply.stdout += &format!("Zone {} already exists; overwriting.\n", self.zone);
        }
        let from_file = || {
            let found = self.host.store.config(&template)?;
            Some(Config { name: self.zone.clone(), ..found })
        };
        let config = Config::template(self.host.variant, &template, &self.zone);
        match config.or_else(from_file) {
            Some(config) => {
                self.config = Some(config);
                self.need_to_commit = true;
            }
            None => self.error(format!("{template}: No such zone configured")),
        }
        Ok(())
    }

    /// Where a person would be asked.
    fn cannot_ask(&mut self, text: &str) -> Done {
        if rustix::termios::isatty(std::io::stdin()) {
            return Err(not_simulated("zonecfg's questions at a terminal"));
        }
        self.error(text);
        Err(Stop::Failed)
    }

    fn delete(&mut self, force: bool) -> Done {
        if self.read_only("delete") {
            return Ok(());
        }
        if !force {
            if self.loaded().is_none() {
                return Ok(());
            }
            return self.cannot_ask(
                "Input not from terminal and -F not specified:\n\
                 delete command ignored, exiting.",
            );
        }
        let known = self.loaded().is_some() && self.host.store.entry(&self.zone).is_some();
        if !known {
            self.error(format!("{}: No such zone configured", self.zone));
        } else if (self.host.active)(&self.zone) {
            let zone = &self.zone;
            self.error(format!("{zone}: Zone state is invalid for the requested operation"));
        } else if let Err(error) = self.host.store.remove(&self.zone) {
            self.error(format!("{}: {error}", self.zone));
        }
        self.need_to_commit = false;
        self.config = None;
        Ok(())
    }

    fn exit(&mut self, force: bool) -> Done {
        self.force_exit |= force;
        if self.scope.is_none() || self.force_exit {
            self.time_to_exit = true;
            return Ok(());
        }
        self.cannot_ask(
            "Resource incomplete, input not from terminal and -F not specified:\n\
             exit command ignored, but exiting anyway.",
        )
    }

    fn revert(&mut self, force: bool) -> Done {
        if self.read_only("revert") {
            return Ok(());
        }
        if self.scope.is_some() {
            self.error(
                "You can only use revert in the global scope.\n\
                 Use 'cancel' to cancel changes to a resource specification.",
            );
        } else if self.config.is_none() {
            self.error("No changes to revert.");
        } else if !force {
            return self.cannot_ask(
                "Input not from terminal and -F not specified:\n\
                 revert command ignored, exiting.",
            );
        } else {
            self.config = self.host.store.config(&self.zone);
            if self.config.is_none() {
                self.error(format!("{}: no such saved zone to revert to.", self.zone));
            }
        }
        Ok(())
    }

    /// What happens at the end of the input.
    fn finish(&mut self) -> Done {
        if self.scope.is_some() {
            if !self.time_to_exit {
                self.error("Resource incomplete.");
                return Err(Stop::Failed);
            }
            self.saw_error = true;
        }
        if self.need_to_commit && self.config.is_some() {
            self.verify(true)?;
            if self.need_to_commit {
                self.error("Configuration not saved.");
                return Err(Stop::Failed);
            }
        }
        Ok(())
    }

    /// A value that must be a word; says so if it is not.
    pub(super) fn simple<'v>(&mut self, value: &'v Value) -> Option<&'v str> {
        match value {
            Value::Simple(text) => Some(text),
            _ => {
                self.error("A simple value was expected here.");
                None
            }
        }
    }
}

pub(super) fn not_simulated(what: &str) -> Stop {
    Stop::NotSimulated(what.to_owned())
}

/// getopt(3C) on a command's words: options without a value and with one.
/// `None` for an unknown option, a missing value or a word that is left over.
fn options(words: &[String], plain: &str, with_value: &str) -> Option<Vec<(char, String)>> {
    let mut options = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let letters = word.strip_prefix('-').filter(|letters| !letters.is_empty())?;
        for (at, letter) in letters.char_indices() {
            if plain.contains(letter) {
                options.push((letter, String::new()));
            } else if with_value.contains(letter) {
                let attached = &letters[at + letter.len_utf8()..];
                let value = if attached.is_empty() { words.next()? } else { attached };
                options.push((letter, value.to_owned()));
                break;
            } else {
                return None;
            }
        }
    }
    Some(options)
}
