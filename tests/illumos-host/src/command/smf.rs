//! Services and their properties.

use serde::{Deserialize, Serialize};

use crate::Reply;

/// What the host remembers of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {}

/// svcprop.
pub fn svcprop(arguments: &[String]) -> Reply {
    Reply::fail(1, format!("illumos-host: svcprop is not there yet: {arguments:?}"))
}

/// svcs.
pub fn svcs(arguments: &[String]) -> Reply {
    Reply::fail(1, format!("illumos-host: svcs is not there yet: {arguments:?}"))
}

/// svcadm.
pub fn svcadm(arguments: &[String]) -> Reply {
    Reply::fail(1, format!("illumos-host: svcadm is not there yet: {arguments:?}"))
}

/// svccfg.
pub fn svccfg(arguments: &[String]) -> Reply {
    Reply::fail(1, format!("illumos-host: svccfg is not there yet: {arguments:?}"))
}
