//! `export` and `info`.

use super::super::Variant;
use super::super::config::{Config, Kind, Resource};
use super::grammar::Pairs;
use super::session::{Done, Session, not_simulated};

/// The properties of a resource in the order in which `info` prints them.
fn in_info(kind: Kind, omnios: bool) -> &'static [&'static str] {
    match kind {
        Kind::Fs => &["dir", "special", "raw", "type"],
        Kind::Net if omnios => &[
            "address",
            "allowed-address",
            "defrouter",
            "global-nic",
            "mac-addr",
            "physical",
            "vlan-id",
        ],
        Kind::Net => &["address", "allowed-address", "defrouter", "physical"],
        Kind::Device => &["match"],
        Kind::Attr => &["name", "type", "value"],
        Kind::Dataset => &["name"],
    }
}

/// The order in which `info` and `export` print resources.
const INFO_ORDER: [Kind; 5] = [Kind::Fs, Kind::Net, Kind::Device, Kind::Attr, Kind::Dataset];

impl Session<'_> {
    pub(super) fn export(&mut self, file: Option<&str>) -> Done {
        if file.is_some() {
            return Err(not_simulated("zonecfg export -f"));
        }
        let Some(config) = self.loaded() else { return Ok(()) };
        let text = exported(config);
        self.reply.stdout += &text;
        Ok(())
    }

    pub(super) fn info(&mut self, only: Option<Kind>, pairs: &Pairs) -> Done {
        let omnios = self.host.variant == Variant::Omnios;
        if self.loaded().is_none() {
            return Ok(());
        }
        if let Some(scope) = &self.scope {
            self.reply.stdout += &shown(&scope.resource, omnios);
            return Ok(());
        }
        let config = self.config.clone().expect("the configuration is loaded");
        if only.is_none() {
            for property in [
                "zonename",
                "zonepath",
                "brand",
                "autoboot",
                "bootargs",
                "pool",
                "limitpriv",
                "scheduling-class",
                "ip-type",
                "hostid",
                "fs-allowed",
            ] {
                self.reply.stdout += &global(&config, property);
            }
        }
        let kinds = INFO_ORDER.into_iter().filter(|kind| only.is_none_or(|only| only == *kind));
        for kind in kinds {
            let Some(wanted) = self.wanted(kind, pairs) else { return Ok(()) };
            let matching = config.resources.iter().filter(|have| have.matches(kind, &wanted));
            let text: String = matching.map(|resource| shown(resource, omnios)).collect();
            if text.is_empty() && !pairs.is_empty() {
                self.reply.stdout += &format!("No such {} resource.\n", kind.name());
            }
            self.reply.stdout += &text;
        }
        Ok(())
    }

    pub(super) fn info_property(&mut self, property: &str) -> Done {
        let Some(config) = self.loaded() else { return Ok(()) };
        let text = global(config, property);
        if text.is_empty() {
            return Err(not_simulated(&format!("zonecfg info {property}")));
        }
        self.reply.stdout += &text;
        Ok(())
    }
}

/// A line about a global property; nothing for those that are not simulated.
fn global(config: &Config, property: &str) -> String {
    let value = match property {
        "zonename" => &config.name,
        "zonepath" => &config.zonepath,
        "brand" => &config.brand,
        "autoboot" if config.autoboot => "true",
        "autoboot" => "false",
        "ip-type" if config.exclusive_ip => "exclusive",
        "ip-type" => "shared",
        "bootargs" | "pool" | "limitpriv" | "scheduling-class" | "hostid" | "fs-allowed" => {
            config.properties.get(property).map_or("", String::as_str)
        }
        _ => return String::new(),
    };
    format!("{property}: {value}\n")
}

/// A resource as `info` shows it.
fn shown(resource: &Resource, omnios: bool) -> String {
    let mut text = format!("{}:\n", resource.kind.name());
    for name in in_info(resource.kind, omnios) {
        let value = resource.get(name);
        text += &match value {
            "" => format!("\t{name} not specified\n"),
            _ if value.contains(' ') => format!("\t{name}: \"{value}\"\n"),
            _ => format!("\t{name}: {value}\n"),
        };
    }
    if resource.kind == Kind::Fs {
        let quoted = |option: &String| match option.contains('=') {
            true => format!("\"{option}\""),
            false => option.clone(),
        };
        let options: Vec<String> = resource.options.iter().map(quoted).collect();
        text += &format!("\toptions: [{}]\n", options.join(","));
    }
    for (name, value) in &resource.properties {
        text += &format!("\tproperty: (name={name},value=\"{value}\")\n");
    }
    text
}

/// The commands that make this configuration.
fn exported(config: &Config) -> String {
    let mut text = "create -b\n".to_owned();
    if !config.zonepath.is_empty() {
        text += &format!("set zonepath={}\n", config.zonepath);
    }
    text += &format!("set brand={}\nset autoboot={}\n", config.brand, config.autoboot);
    let property = |text: &mut String, name: &str| {
        if let Some(value) = config.properties.get(name) {
            *text += &format!("set {name}={value}\n");
        }
    };
    for name in ["bootargs", "pool", "limitpriv", "scheduling-class"] {
        property(&mut text, name);
    }
    let ip_type = if config.exclusive_ip { "exclusive" } else { "shared" };
    text += &format!("set ip-type={ip_type}\n");
    for name in ["hostid", "fs-allowed"] {
        property(&mut text, name);
    }
    for kind in INFO_ORDER {
        for resource in config.of_kind(kind) {
            text += &exported_resource(resource);
        }
    }
    text
}

fn exported_resource(resource: &Resource) -> String {
    let mut text = format!("add {}\n", resource.kind.name());
    for (name, _) in resource.kind.properties() {
        if let Some(value) = resource.values.get(name) {
            text += &format!("set {name}=\"{value}\"\n");
        }
    }
    for option in &resource.options {
        let quote = if option.contains('=') { "\"" } else { "" };
        text += &format!("add options {quote}{option}{quote}\n");
    }
    for (name, value) in &resource.properties {
        text += &format!("add property (name={name},value=\"{value}\")\n");
    }
    text + "end\n"
}
