//! Users, profiles and authorizations: pfexec(1).

use serde::{Deserialize, Serialize};

use crate::Reply;

/// What the host remembers of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {}

/// pfexec.
pub fn pfexec(arguments: &[String]) -> Reply {
    Reply::fail(1, format!("illumos-host: pfexec is not there yet: {arguments:?}"))
}
