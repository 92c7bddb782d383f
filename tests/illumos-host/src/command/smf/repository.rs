//! The repository: services, instances, property groups, snapshots, states.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{fmri, manifest};

/// What the host remembers of its services.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// By name, such as `network/loopback`.
    pub services: BTreeMap<String, Service>,
}

/// A service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// What all its instances have.
    pub groups: Groups,
    /// By name, such as `default`.
    pub instances: BTreeMap<String, Instance>,
}

/// An instance of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// What it has besides what the service has, or instead.
    pub groups: Groups,
    /// The snapshot `running`: all groups as they were at the last refresh.
    pub running: Groups,
    /// The state: disabled, offline, online or maintenance.
    pub state: String,
    /// Whether it is to run until the next boot, whatever `general/enabled` says.
    pub until_boot: Option<bool>,
}

/// Property groups by name.
pub type Groups = BTreeMap<String, Group>;

/// A property group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its type, such as `application`.
    pub kind: String,
    /// Its properties by name.
    pub properties: BTreeMap<String, Property>,
}

/// A property.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Property {
    /// Its type, such as `astring`.
    pub kind: String,
    /// Its values, as text.
    pub values: Vec<String>,
}

/// Services of the system that ours depend on; they are online.
const SYSTEM: &[&str] = &[
    "milestone/multi-user-server",
    "milestone/name-services",
    "milestone/network",
    "network/datalink-management",
    "network/ip-interface-management",
    "network/loopback",
    "network/physical",
    "system/filesystem/local",
    "system/pfexec",
    "system/rbac",
    "system/zones",
];

/// The manifests that the packages deliver to a host.
const PROJECT: &[&str] = &[
    include_str!("../../../../../smf/solstice-orchestrator.xml"),
    include_str!("../../../../../smf/solstice-server.xml"),
];

/// The group with the exit code that a start method would have.
const SIMULATED: (&str, &str) = ("illumos-host", "exit");

impl Default for State {
    /// A host on which the packages are installed, and nothing is configured.
    fn default() -> Self {
        let mut state = State { services: BTreeMap::new() };
        for name in SYSTEM {
            let mut service = Service::default();
            service.instances.insert("default".to_owned(), Instance::new(true));
            state.services.insert((*name).to_owned(), service);
        }
        for text in PROJECT {
            let services = manifest::parse(text).expect("the project's own manifests are right");
            state.import(services);
        }
        state.settle();
        state
    }
}

impl Property {
    /// A property with one value.
    pub(super) fn new(kind: &str, value: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), values: vec![value.into()] }
    }
}

impl Instance {
    /// An instance that is to run, or not.
    pub(super) fn new(enabled: bool) -> Self {
        let mut instance = Self {
            groups: Groups::new(),
            running: Groups::new(),
            state: "uninitialized".to_owned(),
            until_boot: None,
        };
        instance.enable(enabled);
        instance
    }

    /// Sets `general/enabled`.
    pub(super) fn enable(&mut self, enabled: bool) {
        let general = self.groups.entry("general".to_owned()).or_default();
        general.kind = "framework".to_owned();
        let value = Property::new("boolean", enabled.to_string());
        general.properties.insert("enabled".to_owned(), value);
    }

    /// Whether it is to run.
    pub(super) fn is_enabled(&self) -> bool {
        self.until_boot.unwrap_or_else(|| value(&self.groups, "general", "enabled") == Some("true"))
    }

    /// Groups that are in no snapshot, as they are now.
    pub(super) fn volatile(&self) -> Groups {
        let mut groups = Groups::new();
        let mut restarter = Group { kind: "framework".to_owned(), properties: BTreeMap::new() };
        for (name, text) in [("next_state", "none"), ("state", &self.state)] {
            restarter.properties.insert(name.to_owned(), Property::new("astring", text));
        }
        groups.insert("restarter".to_owned(), restarter);
        if let Some(enabled) = self.until_boot {
            let enabled = Property::new("boolean", enabled.to_string());
            let properties = BTreeMap::from([("enabled".to_owned(), enabled)]);
            let group = Group { kind: "framework".to_owned(), properties };
            groups.insert("general_ovr".to_owned(), group);
        }
        groups
    }
}

/// The first value of a property.
pub(super) fn value<'a>(groups: &'a Groups, group: &str, property: &str) -> Option<&'a str> {
    groups.get(group)?.properties.get(property)?.values.first().map(String::as_str)
}

/// The groups of a service with those of an instance over them, property by property.
pub(super) fn composed(service: &Groups, instance: &Groups) -> Groups {
    let mut all = service.clone();
    for (name, group) in instance {
        let below = all.entry(name.clone()).or_default();
        below.kind.clone_from(&group.kind);
        below.properties.extend(group.properties.clone());
    }
    all
}

impl State {
    /// Adds services, or what is new of them; settings that were made stay.
    pub(super) fn import(&mut self, services: BTreeMap<String, Service>) {
        for (name, new) in services {
            let service = self.services.entry(name).or_default();
            service.groups = composed(&new.groups, &service.groups);
            for (name, new) in new.instances {
                let made = service.instances.entry(name).or_insert_with(|| new.clone());
                made.groups = composed(&new.groups, &made.groups);
                made.running = composed(&service.groups, &made.groups);
            }
        }
    }

    /// Every instance: its service's name, its own, itself.
    pub(super) fn instances(&self) -> impl Iterator<Item = (&str, &str, &Instance)> {
        self.services.iter().flat_map(|(service, of)| {
            of.instances
                .iter()
                .map(move |(name, instance)| (service.as_str(), name.as_str(), instance))
        })
    }

    /// An instance.
    pub(super) fn instance_mut(&mut self, service: &str, name: &str) -> Option<&mut Instance> {
        self.services.get_mut(service)?.instances.get_mut(name)
    }

    /// The snapshot becomes what is set now.
    pub(super) fn refresh(&mut self, service: &str, name: &str) {
        let Some(of) = self.services.get_mut(service) else { return };
        if let Some(instance) = of.instances.get_mut(name) {
            instance.running = composed(&of.groups, &instance.groups);
        }
    }

    /// Starts and stops what is to be, until nothing changes any more.
    pub(super) fn settle(&mut self) {
        // Each round moves at least one instance, and each at most twice.
        for _ in 0..=2 * self.services.len() {
            let moves: Vec<_> = self
                .instances()
                .map(|(service, name, instance)| {
                    (service.to_owned(), name.to_owned(), self.next(instance))
                })
                .collect();
            let mut moved = false;
            for (service, name, next) in moves {
                let instance = self.instance_mut(&service, &name).expect("it was just there");
                moved |= instance.state != next;
                instance.state = next.to_owned();
            }
            if !moved {
                return;
            }
        }
    }

    /// The state that an instance goes to.
    fn next(&self, instance: &Instance) -> &'static str {
        if !instance.is_enabled() {
            return "disabled";
        }
        match instance.state.as_str() {
            "maintenance" => "maintenance",
            "online" if self.satisfied(instance, true) => "online",
            _ if !self.satisfied(instance, false) => "offline",
            _ if fails(&instance.running) => "maintenance",
            _ => "online",
        }
    }

    /// Whether all dependencies are satisfied; of an instance that runs only
    /// those that would stop it.
    pub(super) fn satisfied(&self, instance: &Instance, runs: bool) -> bool {
        let dependencies = instance.running.values().filter(|group| group.kind == "dependency");
        dependencies.filter(|group| !runs || text(group, "restart_on") != "none").all(|group| {
            let entities = group.properties.get("entities");
            let mut entities = entities.map(|of| of.values.iter()).unwrap_or_default();
            let online = |entity: &String| self.is_there(entity, |i| i.state == "online");
            match text(group, "grouping") {
                "require_any" => entities.any(online),
                "exclude_all" => !entities.any(|e| self.is_there(e, Instance::is_enabled)),
                "optional_all" => {
                    entities.all(|e| online(e) || !self.is_there(e, |i| i.state == "offline"))
                }
                _ => entities.all(online),
            }
        })
    }

    /// Whether a dependency's entity has an instance like that; a file is
    /// there or not.
    fn is_there(&self, entity: &str, like: impl Fn(&Instance) -> bool) -> bool {
        if let Some(path) = entity.strip_prefix("file://localhost") {
            return Path::new(path).exists();
        }
        let Some((service, name)) = fmri::exact(entity) else { return false };
        let Some(service) = self.services.get(service) else { return false };
        match name {
            Some(name) => service.instances.get(name).is_some_and(like),
            None => service.instances.values().any(like),
        }
    }
}

fn text<'a>(group: &'a Group, property: &str) -> &'a str {
    let property = group.properties.get(property);
    property.and_then(|of| of.values.first()).map_or("", String::as_str)
}

/// Whether the start method would end in such a way that the restarter gives up
/// at once: smf_method(7). In the child model only SMF_EXIT_ERR_CONFIG does.
fn fails(groups: &Groups) -> bool {
    let code: u8 =
        value(groups, SIMULATED.0, SIMULATED.1).and_then(|c| c.parse().ok()).unwrap_or(0);
    match value(groups, "startd", "duration") {
        Some("child" | "wait") => code == 96,
        _ => matches!(code, 95 | 96 | 99 | 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state_of(state: &State, service: &str) -> String {
        state.services[service].instances["default"].state.clone()
    }

    fn enable(state: &mut State, service: &str, enabled: bool) {
        state.instance_mut(service, "default").unwrap().enable(enabled);
        state.settle();
    }

    const ORCHESTRATOR: &str = "application/solstice/orchestrator";

    #[test]
    fn installed_services_are_disabled_until_somebody_enables_them() {
        let mut state = State::default();
        assert_eq!(state_of(&state, ORCHESTRATOR), "disabled");
        assert_eq!(state_of(&state, "system/zones"), "online");
        enable(&mut state, ORCHESTRATOR, true);
        assert_eq!(state_of(&state, ORCHESTRATOR), "online");
    }

    #[test]
    fn a_service_waits_for_what_it_requires() {
        let mut state = State::default();
        enable(&mut state, "system/pfexec", false);
        enable(&mut state, ORCHESTRATOR, true);
        assert_eq!(state_of(&state, ORCHESTRATOR), "offline");
        enable(&mut state, "system/pfexec", true);
        assert_eq!(state_of(&state, ORCHESTRATOR), "online");
        enable(&mut state, "system/pfexec", false);
        assert_eq!(state_of(&state, ORCHESTRATOR), "online", "restart_on is none");
        enable(&mut state, "network/loopback", false);
        assert_eq!(state_of(&state, ORCHESTRATOR), "offline", "restart_on is error");
    }

    #[test]
    fn a_child_service_goes_into_maintenance_for_a_bad_configuration_only() {
        for (code, expected) in [("95", "online"), ("96", "maintenance"), ("1", "online")] {
            let mut state = State::default();
            let instance = state.instance_mut(ORCHESTRATOR, "default").unwrap();
            let group = instance.groups.entry("illumos-host".to_owned()).or_default();
            group.properties.insert("exit".to_owned(), Property::new("count", code));
            state.refresh(ORCHESTRATOR, "default");
            enable(&mut state, ORCHESTRATOR, true);
            assert_eq!(state_of(&state, ORCHESTRATOR), expected, "exit {code}");
        }
    }
}
