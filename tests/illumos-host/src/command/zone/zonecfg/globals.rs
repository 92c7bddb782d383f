//! Properties of the zone itself, and whether all of it is fit to be saved.

use super::super::Variant;
use super::super::config::{Config, Kind, Resource};
use super::grammar::Value;
use super::session::{Done, Session, not_simulated};

/// Global properties that are kept as they are.
const PLAIN: [&str; 6] =
    ["bootargs", "pool", "limitpriv", "scheduling-class", "hostid", "fs-allowed"];
/// Global properties that stand for resource controls.
const ALIASES: [&str; 8] = [
    "cpu-shares",
    "max-lwps",
    "max-processes",
    "max-shm-memory",
    "max-shm-ids",
    "max-msg-ids",
    "max-sem-ids",
    "zfs-io-priority",
];

/// What verification finds, in libzonecfg's words.
type Problem = &'static str;

impl Session<'_> {
    pub(super) fn set(&mut self, property: &'static str, value: &Value) -> Done {
        if self.read_only("set") {
            return Ok(());
        }
        if self.scope.is_some() {
            return self.set_in_scope(property, value);
        }
        if ALIASES.contains(&property) || property == "zonename" {
            return Err(not_simulated(&format!("zonecfg set {property}")));
        }
        if !PLAIN.contains(&property)
            && !["zonepath", "brand", "autoboot", "ip-type"].contains(&property)
        {
            self.error("Cannot set a resource-specific property from the global scope.");
            return Ok(());
        }
        let Some(text) = self.simple(value) else { return Ok(()) };
        if self.loaded().is_none() {
            return Ok(());
        }
        self.set_global(property, text);
        Ok(())
    }

    fn set_global(&mut self, property: &'static str, text: &str) {
        match property {
            "zonepath" | "brand" if self.installed() => {
                // Not an error to zonecfg.
                let zone = &self.zone;
                self.say(format!("Zone {zone} already installed; set {property} not allowed."));
            }
            "zonepath" => {
                let Some(path) = self.zonepath(text) else { return };
                self.changed().zonepath = path;
            }
            "brand" => text.clone_into(&mut self.changed().brand),
            "autoboot" => {
                let Some(value) = self.either(property, text, ["true", "false"]) else { return };
                self.changed().autoboot = value;
            }
            "ip-type" => {
                let Some(shared) = self.either(property, text, ["shared", "exclusive"]) else {
                    return;
                };
                if !shared && !self.may_have_its_own_ip() {
                    return;
                }
                self.changed().exclusive_ip = !shared;
            }
            _ if text.is_empty() => {
                self.changed().properties.remove(property);
            }
            _ => {
                self.changed().properties.insert(property.to_owned(), text.to_owned());
            }
        }
    }

    /// The configuration, which will have to be saved.
    fn changed(&mut self) -> &mut Config {
        self.need_to_commit = true;
        self.config.as_mut().expect("the configuration is loaded")
    }

    /// Whether it is the first of two words; says so if it is neither.
    fn either(&mut self, property: &str, text: &str, words: [&str; 2]) -> Option<bool> {
        if !words.contains(&text) {
            let [first, second] = words;
            self.error(format!("{property} value must be '{first}' or '{second}'."));
            return None;
        }
        Some(text == words[0])
    }

    fn zonepath(&mut self, text: &str) -> Option<String> {
        if !text.starts_with('/') {
            self.error(format!("{text} is not an absolute path."));
            return None;
        }
        if text.bytes().all(|byte| byte == b'/') {
            self.error("/ is not allowed as a zonepath.");
            return None;
        }
        let mut path = String::new();
        for part in text.split('/').filter(|part| !part.is_empty()) {
            path.push('/');
            path += part;
        }
        if text.ends_with('/') {
            path.push('/');
        }
        Some(path)
    }

    fn may_have_its_own_ip(&mut self) -> bool {
        let brand = &self.config.as_ref().expect("the configuration is loaded").brand;
        let known = (self.host.brand_known)(brand);
        if !known {
            self.error(format!("{}: unknown brand.\n", self.zone));
        }
        known
    }

    pub(super) fn clear(&mut self, property: &'static str) -> Done {
        if self.read_only("clear") || self.loaded().is_none() {
            return Ok(());
        }
        if self.scope.is_some() {
            return self.clear_in_scope(property);
        }
        match property {
            "zonename" | "zonepath" | "brand" => {
                self.error(format!("{property}: Clearing this property is not allowed"));
            }
            "autoboot" => self.changed().autoboot = false,
            "ip-type" => self.changed().exclusive_ip = false,
            _ if PLAIN.contains(&property) => {
                self.changed().properties.remove(property);
            }
            _ if ALIASES.contains(&property) => {
                return Err(not_simulated(&format!("zonecfg clear {property}")));
            }
            _ => return self.no_property("clear", property),
        }
        Ok(())
    }

    /// Verifies the configuration and, if told so, saves it.
    pub(super) fn verify(&mut self, save: bool) -> Done {
        if self.read_only(if save { "commit" } else { "verify" }) {
            return Ok(());
        }
        let Some(config) = self.loaded().cloned() else { return Ok(()) };
        let mut problem = None;
        if config.zonepath.is_empty() {
            self.error("zonepath cannot be empty.");
            problem = Some("Required resource missing");
        }
        if !(self.host.brand_known)(&config.brand) {
            // The line ends twice: the message brings a newline of its own.
            self.error(format!("{}: unknown brand.\n", self.zone));
            self.error(format!("{}: Invalid document", self.zone));
            return Ok(());
        }
        self.verify_nets(&config, &mut problem);
        for resource in config.resources.iter().filter(|resource| resource.kind != Kind::Net) {
            self.verify_complete(resource, &mut problem);
        }
        if self.scope.is_some() {
            self.error("resource specification incomplete");
            problem.get_or_insert("Insufficient specification");
        }
        if save && problem.is_none() {
            return self.save(config);
        }
        if save {
            self.say(format!("Zone {} failed to verify", self.zone));
        }
        if let Some(problem) = problem {
            self.error(format!("{}: {problem}", self.zone));
        }
        Ok(())
    }

    fn save(&mut self, mut config: Config) -> Done {
        if self.host.variant == Variant::Omnios && config.debug_id.is_none() {
            let others = self.host.store.entries();
            let ids =
                others.iter().filter_map(|entry| self.host.store.config(&entry.name)?.debug_id);
            config.debug_id = Some(ids.max().unwrap_or(0) + 1);
        }
        match self.host.store.save(&config) {
            Ok(()) => {
                self.need_to_commit = false;
                self.config = Some(config);
            }
            Err(error) => self.error(format!("{}: {error}", self.zone)),
        }
        Ok(())
    }

    fn verify_nets(&mut self, config: &Config, problem: &mut Option<Problem>) {
        // A router needs an address, on whichever resource of the same link.
        let mut routers: Vec<&str> = Vec::new();
        for net in config.of_kind(Kind::Net) {
            if net.get("physical").is_empty() {
                self.error("net: physical not specified");
                problem.get_or_insert("Required property missing");
            }
            if !self.valid_physical(net.get("physical")) {
                self.saw_error = true;
                problem.get_or_insert("Invalid argument");
            }
            if let Some(text) = wrong_address(config.exclusive_ip, net) {
                self.error(text);
                problem.get_or_insert("Invalid argument");
            }
            if config.exclusive_ip && !net.get("defrouter").is_empty() {
                routers.push(net.get("physical"));
            }
        }
        for link in routers {
            let addressed = |net: &Resource| {
                net.get("physical") == link && !net.get("allowed-address").is_empty()
            };
            if !config.of_kind(Kind::Net).any(addressed) {
                self.error(format!(
                    "net: defrouter for {link} cannot be specified without allowed-address \
                     for an exclusive IP type"
                ));
                *problem = Some("Invalid argument");
            }
        }
    }

    fn verify_complete(&mut self, resource: &Resource, problem: &mut Option<Problem>) {
        let required: &[&str] = match resource.kind {
            Kind::Fs => &["dir", "special", "type"],
            Kind::Attr => &["name", "type", "value"],
            Kind::Dataset => &["name"],
            Kind::Net | Kind::Device => &[],
        };
        for name in required.iter().filter(|name| resource.get(name).is_empty()) {
            self.error(format!("{}: {name} not specified", resource.kind.name()));
            problem.get_or_insert("Required property missing");
        }
    }
}

/// What an interface must not have with this kind of IP stack.
fn wrong_address(exclusive: bool, net: &Resource) -> Option<&'static str> {
    let given = |name| !net.get(name).is_empty();
    match exclusive {
        true if given("address") => {
            Some("net: address cannot be specified for an exclusive IP type")
        }
        false if !given("address") => Some("net: address not specified"),
        false if given("allowed-address") => {
            Some("net: allowed-address cannot be specified for a shared IP type")
        }
        _ => None,
    }
}
