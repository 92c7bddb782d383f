//! Users, profiles, authorizations and privileges: who calls, and pfexec(1).
//!
//! Three databases in their true format ([`State`]) say what a user may do.
//! [`Caller`] is what came of that for the process at hand; pfexec gives it to
//! the program that it executes.
//!
//! Source: user_attr(5), prof_attr(5), exec_attr(5), privileges(7);
//! illumos-gate usr/src/lib/libsecdb, usr/src/cmd/{pfexec,pfexecd},
//! usr/src/uts/common/os/klpd.c.

mod caller;
mod databases;
mod default;
mod pfexec;
mod privileges;

use serde::{Deserialize, Serialize};

pub use caller::{CALLER_VARIABLE, Caller};
pub use pfexec::{environment_of, pfexec};

/// The databases of the host, each as the text of its file, and the user whose
/// processes call the commands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Whose processes call the commands.
    pub user: String,
    /// /etc/user_attr with what is below /etc/user_attr.d.
    pub user_attr: String,
    /// /etc/security/prof_attr with prof_attr.d.
    pub prof_attr: String,
    /// /etc/security/exec_attr with exec_attr.d.
    pub exec_attr: String,
    /// /etc/security/policy.conf.
    pub policy_conf: String,
}

impl Default for State {
    /// A host on which the service is installed: the user `solstice` with the
    /// profile that the package delivers.
    fn default() -> Self {
        default::state()
    }
}
