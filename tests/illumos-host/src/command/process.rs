//! Processes: ctrun(1) and pkill(1).

use crate::Reply;

/// ctrun.
pub fn ctrun(arguments: &[String]) -> Reply {
    Reply::fail(1, format!("illumos-host: ctrun is not there yet: {arguments:?}"))
}

/// pkill.
pub fn pkill(arguments: &[String]) -> Reply {
    Reply::fail(1, format!("illumos-host: pkill is not there yet: {arguments:?}"))
}
