//! Zones: configuration, life, console.

use serde::{Deserialize, Serialize};

use crate::Reply;

/// What the host remembers of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {}

/// zlogin.
pub fn zlogin(arguments: &[String]) -> Reply {
    Reply::fail(1, format!("illumos-host: zlogin is not there yet: {arguments:?}"))
}

/// zoneadm.
pub fn zoneadm(arguments: &[String]) -> Reply {
    Reply::fail(1, format!("illumos-host: zoneadm is not there yet: {arguments:?}"))
}

/// zonecfg.
pub fn zonecfg(arguments: &[String]) -> Reply {
    Reply::fail(1, format!("illumos-host: zonecfg is not there yet: {arguments:?}"))
}
