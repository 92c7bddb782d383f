//! Data links, IP interfaces and addresses.

use serde::{Deserialize, Serialize};

use crate::Reply;

/// What the host remembers of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {}

/// dladm.
pub fn dladm(arguments: &[String]) -> Reply {
    Reply::fail(1, format!("illumos-host: dladm is not there yet: {arguments:?}"))
}

/// ipadm.
pub fn ipadm(arguments: &[String]) -> Reply {
    Reply::fail(1, format!("illumos-host: ipadm is not there yet: {arguments:?}"))
}
