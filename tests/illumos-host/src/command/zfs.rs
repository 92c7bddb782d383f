//! Pools and datasets.

use serde::{Deserialize, Serialize};

use crate::Reply;

/// What the host remembers of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {}

/// zfs.
pub fn zfs(arguments: &[String]) -> Reply {
    Reply::fail(1, format!("illumos-host: zfs is not there yet: {arguments:?}"))
}

/// zpool.
pub fn zpool(arguments: &[String]) -> Reply {
    Reply::fail(1, format!("illumos-host: zpool is not there yet: {arguments:?}"))
}
