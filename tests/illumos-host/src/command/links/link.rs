//! What is known of a link, an interface and an address.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::mac::Mac;

/// The properties that were set, by name, each with its values.
pub type Settings = BTreeMap<String, Vec<String>>;

/// A data link. It is active, or kept for the next boot, or both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What it is.
    pub class: Class,
    /// If it is active: its properties.
    pub active: Option<Settings>,
    /// If it comes back after a reboot: the properties that it gets then.
    pub persistent: Option<Settings>,
    /// The running zone that has it.
    pub zone: Option<String>,
}

/// Classes of links.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Class {
    /// A switch.
    Etherstub,
    /// A virtual interface.
    Vnic {
        /// The etherstub below it.
        over: String,
        /// Its address.
        mac: Mac,
        /// Whether the address was given and not made up.
        fixed: bool,
        /// Its VLAN; 0 for none.
        vid: u16,
    },
}

impl Class {
    /// Its name, as dladm has it.
    pub fn name(&self) -> &'static str {
        match self {
            Class::Etherstub => "etherstub",
            Class::Vnic { .. } => "vnic",
        }
    }
}

/// An IP interface, which always has the name of its link.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interface {
    /// Whether it is plumbed.
    pub active: bool,
    /// Whether it comes back after a reboot.
    pub persistent: bool,
    /// Its addresses, by the part of the address object's name behind the `/`.
    pub addresses: BTreeMap<String, Address>,
}

/// A static IPv4 address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The address.
    pub address: Ipv4Addr,
    /// The length of its network's prefix.
    pub prefix: u8,
    /// Whether it is marked up.
    pub up: bool,
    /// Whether it is there.
    pub active: bool,
    /// Whether it comes back after a reboot.
    pub persistent: bool,
}

/// Why a zone cannot use a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// There is no such active link.
    #[error("object not found")]
    Absent,
    /// It is an etherstub.
    #[error("not a VNIC")]
    NoVnic,
    /// It has an IP interface, or another zone has it.
    #[error("link busy")]
    Busy,
    /// The property that a zone would set is set already.
    #[error("{0} is already set")]
    Set(&'static str),
}

/// The most bytes of a link's name (`MAXLINKNAMELEN` - 1).
pub(super) const NAME_MAX: usize = 31;

/// Whether a link may have this name: it ends in a number without leading
/// zeros, does not begin with a digit, and has letters, digits, `_` and `.`.
///
/// illumos-gate usr/src/lib/libdladm/common/libdladm.c `dladm_valid_linkname`.
pub(super) fn valid_name(name: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = &name[stem.len()..];
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    name.len() <= NAME_MAX
        && !stem.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && (number == "0" || !number.is_empty() && !number.starts_with('0'))
        && name.chars().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_names_end_in_a_number() {
        for good in ["x0", "job12", "a.b_c9", "sol10net0", &format!("{}1", "a".repeat(30))] {
            assert!(valid_name(good), "{good}");
        }
        let long = format!("{}1", "a".repeat(31));
        for bad in ["", "0", "job", "job-1", "1job1", "vnic007", "job 1", "häuser1", &long] {
            assert!(!valid_name(bad), "{bad}");
        }
    }
}
