//! The configuration of a zone, as zonecfg(8) keeps it.
//!
//! Source: illumos-gate usr/src/lib/libzonecfg/dtd/zonecfg.dtd.1; OmniOS adds to it
//! `net-attr`, `global-nic`, `mac-addr`, `vlan-id` and `debugid`.

use std::collections::BTreeMap;

use super::Variant;

/// A zone's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Config {
    pub(super) name: String,
    pub(super) zonepath: String,
    pub(super) autoboot: bool,
    pub(super) brand: String,
    pub(super) exclusive_ip: bool,
    /// Global properties without rules of their own: `bootargs`, `pool`,
    /// `limitpriv`, `scheduling-class`, `hostid`, `fs-allowed`; never empty.
    pub(super) properties: BTreeMap<String, String>,
    /// What identifies the zone in OmniOS' core files.
    pub(super) debug_id: Option<u32>,
    /// In the order in which they were added.
    pub(super) resources: Vec<Resource>,
}

/// What a resource is. Those that no virtual machine of ours has are not simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Fs,
    Net,
    Device,
    Attr,
    Dataset,
}

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) kind: Kind,
    /// Simple properties, by the names of zonecfg; never empty.
    pub(super) values: BTreeMap<&'static str, String>,
    /// Options of an `fs`.
    pub(super) options: Vec<String>,
    /// `property` of a `net` or a `device`, on OmniOS.
    pub(super) properties: Vec<(String, String)>,
}

impl Kind {
    pub(super) const ALL: [Kind; 5] =
        [Kind::Fs, Kind::Net, Kind::Device, Kind::Attr, Kind::Dataset];

    /// Its name in zonecfg.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Fs => "fs",
            Kind::Net => "net",
            Kind::Device => "device",
            Kind::Attr => "attr",
            Kind::Dataset => "dataset",
        }
    }

    /// Its element.
    pub(super) fn element(self) -> &'static str {
        match self {
            Kind::Fs => "filesystem",
            Kind::Net => "network",
            Kind::Device => "device",
            Kind::Attr => "attr",
            Kind::Dataset => "dataset",
        }
    }

    /// Its simple properties and their attributes, in the order of the file.
    pub(super) fn properties(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Kind::Fs => {
                &[("dir", "directory"), ("special", "special"), ("raw", "raw"), ("type", "type")]
            }
            Kind::Net => &[
                ("address", "address"),
                ("allowed-address", "allowed-address"),
                ("physical", "physical"),
                ("mac-addr", "mac-addr"),
                ("vlan-id", "vlan-id"),
                ("global-nic", "global-nic"),
                ("defrouter", "defrouter"),
            ],
            Kind::Device => &[("match", "match")],
            Kind::Attr => &[("name", "name"), ("type", "type"), ("value", "value")],
            Kind::Dataset => &[("name", "name")],
        }
    }

    /// The static name of one of its simple properties.
    pub(super) fn property(self, name: &str) -> Option<&'static str> {
        self.properties().iter().map(|(property, _)| *property).find(|property| *property == name)
    }
}

impl Resource {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, values: BTreeMap::new(), options: Vec::new(), properties: Vec::new() }
    }

    /// A simple property, empty if it is not set.
    pub(super) fn get(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// Sets a simple property; an empty value unsets it.
    pub(super) fn set(&mut self, name: &'static str, value: &str) {
        if value.is_empty() {
            self.values.remove(name);
        } else {
            self.values.insert(name, value.to_owned());
        }
    }

    /// Whether it has all these values.
    pub(super) fn matches(&self, kind: Kind, wanted: &BTreeMap<&'static str, String>) -> bool {
        self.kind == kind && wanted.iter().all(|(name, value)| self.get(name) == value)
    }
}

impl Config {
    /// The template that `create -b` starts from.
    pub(super) fn blank(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            zonepath: String::new(),
            autoboot: false,
            brand: "ipkg".to_owned(),
            exclusive_ip: false,
            properties: BTreeMap::new(),
            debug_id: None,
            resources: Vec::new(),
        }
    }

    /// A template that the system delivers, by its true name.
    pub(super) fn template(variant: Variant, template: &str, name: &str) -> Option<Self> {
        let blank = Self::blank(name);
        match template {
            "SUNWblank" | "SUNWdefault" => Some(blank),
            // omniosorg/pkg5 src/brand/etc/OMNIbhyve.xml.
            "OMNIbhyve" if variant == Variant::Omnios => {
                Some(Self { brand: "bhyve".to_owned(), exclusive_ip: true, ..blank })
            }
            _ => None,
        }
    }

    /// Where the zone's own file system begins.
    pub(super) fn root(&self) -> String {
        format!("{}/root", self.zonepath)
    }

    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Resource> {
        self.resources.iter().filter(move |resource| resource.kind == kind)
    }

    /// An attribute's value, as the brand reads it.
    pub(super) fn attr(&self, name: &str) -> Option<&str> {
        self.of_kind(Kind::Attr).find(|attr| attr.get("name") == name).map(|attr| attr.get("value"))
    }

    /// The links of its `net` resources.
    pub(super) fn links(&self) -> impl Iterator<Item = &str> {
        self.of_kind(Kind::Net).map(|net| net.get("physical"))
    }
}
