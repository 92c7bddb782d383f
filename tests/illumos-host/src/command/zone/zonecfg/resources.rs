//! Resources: add, select, set, clear, remove, end.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::Variant;
use super::super::config::{Config, Kind, Resource};
use super::grammar::{Pairs, Value};
use super::help;
use super::session::{Done, Scope, Session, Stop, not_simulated};

/// The longest name of a link, in bytes.
const MOST_LINK_BYTES: usize = 31;
/// The longest value of an attribute, in bytes: it is read into a buffer of MAXNAMELEN.
const MOST_ATTR_BYTES: usize = 255;

impl Session<'_> {
    pub(super) fn add(&mut self, resource: &str) -> Done {
        if self.read_only("add") {
            return Ok(());
        }
        if self.loaded().is_none() {
            return Ok(());
        }
        if self.scope.is_some() {
            // The grammar takes it for a property that has no name.
            self.reply.stderr += &help::long("add");
            self.saw_error = true;
            return Ok(());
        }
        let resource = Resource::new(self.kind(resource)?);
        self.scope = Some(Scope { resource, selected: None });
        Ok(())
    }

    pub(super) fn add_property(&mut self, property: &str, value: &Value) -> Done {
        if self.read_only("add") || self.loaded().is_none() {
            return Ok(());
        }
        let Some(scope) = &self.scope else {
            // A property is no resource.
            self.reply.stderr += &help::long("add");
            self.saw_error = true;
            return Ok(());
        };
        let omnios = self.host.variant == Variant::Omnios;
        match (scope.resource.kind, property) {
            (Kind::Fs, "options") => {
                let Some(options) = self.options(value) else { return Ok(()) };
                self.in_scope().options.extend(options);
                Ok(())
            }
            (Kind::Net | Kind::Device, "property") if omnios => {
                let Some(pair) = self.net_property(value)? else { return Ok(()) };
                self.in_scope().properties.push(pair);
                Ok(())
            }
            (Kind::Fs | Kind::Net | Kind::Device, _) => self.no_property("add", property),
            (kind, _) => {
                self.error(format!("{}: No such resource type", kind.name()));
                self.reply.stderr += &help::long("add");
                self.reply.stderr += help::RESOURCES;
                Ok(())
            }
        }
    }

    /// The resource that is being worked on.
    fn in_scope(&mut self) -> &mut Resource {
        &mut self.scope.as_mut().expect("a scope is open").resource
    }

    fn options(&mut self, value: &Value) -> Option<Vec<String>> {
        let options = match value {
            Value::Simple(option) => Some(vec![option.clone()]),
            Value::List(values) => {
                let simple = |value: &Value| match value {
                    Value::Simple(option) => Some(option.clone()),
                    _ => None,
                };
                Some(values.iter().map_while(simple).collect())
            }
            Value::Complex(_) => None,
        };
        if options.is_none() {
            self.error("A simple or list value was expected here.");
        }
        options
    }

    fn net_property(&mut self, value: &Value) -> Result<Option<(String, String)>, Stop> {
        let Value::Complex(pieces) = value else {
            self.error("A complex value was expected here.");
            return Ok(None);
        };
        let (mut name, mut text) = (None, None);
        for (property, piece) in pieces {
            let (slot, what) = match *property {
                "name" => (&mut name, "name"),
                "value" => (&mut text, "value"),
                _ => return self.no_property("add", "property").map(|()| None),
            };
            if slot.replace(piece.clone()).is_some() {
                // zonecfg prints this and goes on as if nothing had been said.
                self.say(format!("{what} already specified"));
                return Ok(None);
            }
        }
        match (name, text) {
            (Some(name), Some(text)) => Ok(Some((name, text))),
            _ => Err(not_simulated("a property without name or value")),
        }
    }

    pub(super) fn remove_property(&mut self, property: &str, value: &Value) -> Done {
        if self.read_only("remove") {
            return Ok(());
        }
        let kind = self.scope.as_ref().map(|scope| scope.resource.kind);
        match (kind, property) {
            (Some(Kind::Fs), "options") => {
                let Some(options) = self.options(value) else { return Ok(()) };
                for option in options {
                    let all = &mut self.in_scope().options;
                    let before = all.len();
                    all.retain(|have| *have != option);
                    if all.len() == before {
                        self.error("options: No such property with that id");
                    }
                }
                Ok(())
            }
            (Some(Kind::Net | Kind::Device), "property") => {
                let Some(pair) = self.net_property(value)? else { return Ok(()) };
                self.in_scope().properties.retain(|have| *have != pair);
                Ok(())
            }
            (Some(_), _) => self.no_property("remove", property),
            (None, _) => {
                self.reply.stderr += &help::long("remove");
                self.saw_error = true;
                Ok(())
            }
        }
    }

    /// The values that qualify a resource; says what is wrong with them.
    pub(super) fn wanted(
        &mut self,
        kind: Kind,
        pairs: &Pairs,
    ) -> Option<BTreeMap<&'static str, String>> {
        let mut wanted = BTreeMap::new();
        for (property, value) in pairs {
            let text = self.simple(value)?.to_owned();
            let Some(name) = kind.property(property) else {
                self.error(format!("{property}: No such property type"));
                return None;
            };
            wanted.insert(name, text);
        }
        Some(wanted)
    }

    /// The one resource that is meant, or what zonecfg calls the problem.
    fn find(&mut self, kind: Kind, pairs: &Pairs) -> Result<usize, &'static str> {
        let Some(wanted) = self.wanted(kind, pairs) else {
            return Err("Insufficient specification");
        };
        let resources = self.config.iter().flat_map(|config| &config.resources).enumerate();
        let mut found = resources.filter(|(_, resource)| resource.matches(kind, &wanted));
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Ok(at),
            (Some(_), Some(_)) => Err("Insufficient specification"),
            (None, _) => Err("No such resource with that id"),
        }
    }

    pub(super) fn select(&mut self, resource: &str, pairs: &Pairs) -> Done {
        if self.read_only("select") {
            return Ok(());
        }
        if self.scope.is_some() {
            self.scope_usage("select");
            return Ok(());
        }
        let kind = self.kind(resource)?;
        if self.loaded().is_none() {
            // The scope stays open, with nothing in it.
            self.scope = Some(Scope { resource: Resource::new(kind), selected: None });
            return Ok(());
        }
        match self.find(kind, pairs) {
            Ok(at) => {
                let resource = self.config.as_ref().expect("loaded").resources[at].clone();
                self.scope = Some(Scope { resource, selected: Some(at) });
            }
            Err(problem) => self.error(format!("select {}: {problem}", kind.name())),
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, option: Option<&str>, resource: &str, pairs: &Pairs) -> Done {
        if self.read_only("remove") {
            return Ok(());
        }
        if self.scope.is_some() {
            self.reply.stderr += &help::long("remove");
            self.saw_error = true;
            return Ok(());
        }
        let kind = self.kind(resource)?;
        if option.is_some_and(|option| option != "-F") {
            self.reply.stderr += &help::short("remove");
            self.saw_error = true;
            return Ok(());
        }
        if self.loaded().is_none() {
            return Ok(());
        }
        if pairs.is_empty() {
            self.remove_all(kind, option.is_some());
            return Ok(());
        }
        match self.find(kind, pairs) {
            Ok(at) => {
                self.config.as_mut().expect("loaded").resources.remove(at);
                self.need_to_commit = true;
            }
            Err(problem) => self.error(format!("remove {}: {problem}", kind.name())),
        }
        Ok(())
    }

    fn remove_all(&mut self, kind: Kind, force: bool) {
        let config = self.config.as_mut().expect("loaded");
        match config.of_kind(kind).count() {
            0 => self.error(format!("remove {}: No such entry", kind.name())),
            many if many > 1 && !force => self.error(
                "There are multiple instances of this resource.  \
                 Either qualify the resource to\n\
                 remove a single instance or use the -F option to remove all instances.",
            ),
            _ => {
                config.resources.retain(|resource| resource.kind != kind);
                self.need_to_commit = true;
            }
        }
    }

    pub(super) fn set_in_scope(&mut self, property: &'static str, value: &Value) -> Done {
        let kind = self.in_scope().kind;
        match (kind, property) {
            (Kind::Fs, "options") => {
                let Some(options) = self.options(value) else { return Ok(()) };
                self.in_scope().options = options;
                return Ok(());
            }
            (Kind::Net, "property") => {
                let Some(pair) = self.net_property(value)? else { return Ok(()) };
                self.in_scope().properties = vec![pair];
                return Ok(());
            }
            _ => {}
        }
        let Some(text) = self.simple(value) else { return Ok(()) };
        if self.loaded().is_none() {
            return Ok(());
        }
        let Some(name) = kind.property(property) else {
            return self.no_property("set", property);
        };
        let valid = match (kind, name) {
            (Kind::Net, "address" | "allowed-address") => self.valid_address(text, false),
            (Kind::Net, "defrouter") => self.valid_address(text, true),
            (Kind::Net, "physical") => self.valid_physical(text),
            (Kind::Fs, "type") => self.valid_fs_type(text),
            _ => true,
        };
        if valid {
            self.in_scope().set(name, text);
        } else {
            self.saw_error = true;
        }
        Ok(())
    }

    fn valid_fs_type(&mut self, text: &str) -> bool {
        let valid = !text.contains('/') && !["", ".", ".."].contains(&text);
        if !valid {
            self.say(format!("\"{text}\" is not a valid type."));
        }
        valid
    }

    /// An address with its prefix length, or a host's name.
    fn valid_address(&mut self, text: &str, host_only: bool) -> bool {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(leading_number(prefix))),
            None => (text, None),
        };
        if host_only && prefix.is_some() {
            self.say(format!(
                "Warning: prefix length in {text} is not required and will be ignored. \
                 The default host-prefix length will be used"
            ));
        }
        let out_of = |most: i64| !host_only && prefix.is_some_and(|p| !(0..=most).contains(&p));
        if address.parse::<Ipv6Addr>().is_ok() {
            if prefix.is_none() && !host_only {
                self.say(format!("{text}: IPv6 addresses require /prefix-length suffix."));
                return false;
            }
            if out_of(128) {
                self.say(format!("{text}: IPv6 address prefix lengths must be 0 - 128."));
                return false;
            }
            return true;
        }
        if out_of(32) {
            self.say(format!("{text}: IPv4 address prefix lengths must be 0 - 32."));
            return false;
        }
        let host = |(at, c): (usize, char)| {
            c.is_ascii_alphanumeric() || (at > 0 && (c == '-' || c == '.'))
        };
        let named = !address.is_empty() && address.char_indices().all(host);
        if address.parse::<Ipv4Addr>().is_err() && !named {
            self.say(format!("{address}: bogus host name or network address syntax"));
            self.reply.stderr += help::ADDRESS;
            return false;
        }
        true
    }

    /// A link's name, as dladm(8) takes it, in a zone with its own IP stack; else
    /// an interface's.
    pub(super) fn valid_physical(&mut self, text: &str) -> bool {
        let exclusive = self.config.as_ref().is_some_and(|config| config.exclusive_ip);
        let valid = valid_link(text);
        if !valid && exclusive && text.contains(':') {
            self.say(format!(
                "{text}: physical interface name required; logical interface name not allowed"
            ));
        } else if !valid {
            self.say(format!("{text}: invalid physical interface name"));
        }
        valid
    }

    pub(super) fn clear_in_scope(&mut self, property: &'static str) -> Done {
        let omnios = self.host.variant == Variant::Omnios;
        let clearable = match self.in_scope().kind {
            Kind::Fs => property == "raw",
            Kind::Net if omnios => {
                ["allowed-address", "defrouter", "global-nic", "mac-addr", "vlan-id"]
                    .contains(&property)
            }
            _ => false,
        };
        if clearable {
            self.in_scope().values.remove(property);
            self.need_to_commit = true;
        } else {
            self.error(format!("{property}: Clearing this property is not allowed"));
        }
        Ok(())
    }

    pub(super) fn end(&mut self) -> Done {
        let Some(scope) = self.scope.take() else {
            self.scope_usage("end");
            return Ok(());
        };
        let mut complete = self.complete(&scope.resource);
        if complete && scope.selected.is_none() {
            complete = self.unique(&scope.resource);
        }
        if !complete {
            self.saw_error = true;
            self.scope = Some(scope);
            return Ok(());
        }
        let Some(config) = self.config.as_mut() else {
            self.error(format!("{}: No such zone configured", self.zone));
            return Ok(());
        };
        // What was modified moves to the end, as libzonecfg does it.
        if let Some(at) = scope.selected {
            config.resources.remove(at);
        }
        config.resources.push(scope.resource);
        self.need_to_commit = true;
        Ok(())
    }

    /// Whether everything that is needed is there; says what is not.
    fn complete(&mut self, resource: &Resource) -> bool {
        let required: &[&str] = match resource.kind {
            Kind::Fs => &["dir", "special", "type"],
            Kind::Net => &["physical"],
            Kind::Device => &["match"],
            Kind::Attr => &["name", "type", "value"],
            Kind::Dataset => &["name"],
        };
        let mut complete = true;
        for name in required {
            if resource.get(name).is_empty() {
                self.say(format!("{name} not specified"));
                complete = false;
            } else if *name == "dir" && !resource.get("dir").starts_with('/') {
                self.say(format!("dir {} is not an absolute path.", resource.get("dir")));
                complete = false;
            }
        }
        if resource.kind == Kind::Attr {
            complete &= self.valid_attr_name(resource.get("name"));
            complete &= self.valid_attr_value(resource.get("type"), resource.get("value"));
        }
        complete
    }

    fn valid_attr_name(&mut self, name: &str) -> bool {
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            self.say(format!(
                "Invalid attr name {name}: must start with an alpha-numeric character."
            ));
            return false;
        }
        let valid = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if !name.chars().all(valid) {
            self.say(format!(
                "Invalid attr name {name}: can only contain alpha-numeric characters, \
                 plus '-' and '.'."
            ));
            return false;
        }
        true
    }

    fn valid_attr_value(&mut self, kind: &str, value: &str) -> bool {
        let valid = match kind {
            "boolean" => ["true", "false"].contains(&value),
            "int" => value.parse::<i64>().is_ok(),
            "uint" => value.parse::<u64>().is_ok(),
            "string" => value.len() <= MOST_ATTR_BYTES,
            _ => {
                self.say(format!("invalid attr type '{kind}'"));
                return false;
            }
        };
        if !valid {
            self.say(format!("invalid attr value for type={kind}"));
        }
        valid
    }

    /// Whether there is none like it yet; says so otherwise.
    fn unique(&mut self, resource: &Resource) -> bool {
        let keys: &[&str] = match resource.kind {
            Kind::Fs => &["dir"],
            Kind::Net => &["physical", "address", "allowed-address"],
            Kind::Device => &["match"],
            Kind::Attr | Kind::Dataset => &["name"],
        };
        let given = |key: &&&'static str| !resource.get(key).is_empty();
        let keys: &[&'static str] = keys;
        let wanted: BTreeMap<&'static str, String> =
            keys.iter().filter(given).map(|key| (*key, resource.get(key).to_owned())).collect();
        let like = |config: &Config| {
            config.resources.iter().any(|have| have.matches(resource.kind, &wanted))
        };
        if !self.config.as_ref().is_some_and(like) {
            return true;
        }
        let text = match resource.kind {
            Kind::Net => {
                let address = if given(&&"address") { "address" } else { "allowed-address" };
                format!(
                    "A net resource with the physical '{}', and {address} '{}' already exists.",
                    resource.get("physical"),
                    resource.get(address)
                )
            }
            kind => format!(
                "{} {} resource with the {} '{}' already exists.",
                if kind == Kind::Attr { "An" } else { "A" },
                kind.name(),
                keys[0],
                resource.get(keys[0])
            ),
        };
        self.say(text);
        false
    }
}

/// atoi(3C).
fn leading_number(text: &str) -> i64 {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let negative = text.starts_with('-');
    text[..digits].parse().unwrap_or(if negative { -1 } else { 0 })
}

/// Whether libdladm takes this for a link's name (illumos-gate
/// usr/src/lib/libdladm/common/libdladm.c, dladm_valid_linkname).
fn valid_link(name: &str) -> bool {
    let character = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let unit = &name[name.trim_end_matches(|c: char| c.is_ascii_digit()).len()..];
    name.len() <= MOST_LINK_BYTES
        && name.starts_with(|c: char| !c.is_ascii_digit())
        && name.chars().all(character)
        && !unit.is_empty()
        && (unit == "0" || !unit.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_end_in_a_number() {
        for name in ["x0", "job12", "sol_a.b7"] {
            assert!(valid_link(name), "{name}");
        }
        for name in
            ["", "job", "job-1", "0x0", "vnic007", "job0:1", &format!("{}0", "a".repeat(31))]
        {
            assert!(!valid_link(name), "{name}");
        }
    }
}
