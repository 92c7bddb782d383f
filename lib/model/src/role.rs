//! What the holder of a token may do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A role, weakest first among people; `Host` stands apart and opens only the host API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees runs, jobs and logs.
    Reader,
    /// Also cancels jobs.
    Submitter,
    /// Also sees deliveries and hosts.
    Operator,
    /// Also makes and revokes tokens.
    Admin,
    /// An orchestrator.
    Host,
}

impl Role {
    /// Every role, for help texts and tests.
    pub const ALL: [Role; 5] =
        [Role::Reader, Role::Submitter, Role::Operator, Role::Admin, Role::Host];

    /// The role's name in the API, the database and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Reader => "reader",
            Role::Submitter => "submitter",
            Role::Operator => "operator",
            Role::Admin => "admin",
            Role::Host => "host",
        }
    }

    /// Whether a holder of this role may do what asks for `needed`.
    pub fn may(self, needed: Role) -> bool {
        fn rank(role: Role) -> Option<u8> {
            match role {
                Role::Reader => Some(0),
                Role::Submitter => Some(1),
                Role::Operator => Some(2),
                Role::Admin => Some(3),
                Role::Host => None,
            }
        }
        match (rank(self), rank(needed)) {
            (Some(held), Some(needed)) => held >= needed,
            (None, None) => true,
            _ => false,
        }
    }
}

impl std::str::FromStr for Role {
    type Err = crate::BadName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Role::ALL.into_iter().find(|role| role.as_str() == text).ok_or(crate::BadName {
            kind: "role",
            given: text.chars().take(80).collect(),
            why: "it must be one of reader, submitter, operator, admin, host",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_role_opens_nothing_for_people_and_admin_not_the_host_api() {
        for role in [Role::Reader, Role::Submitter, Role::Operator, Role::Admin] {
            assert!(!Role::Host.may(role));
            assert!(!role.may(Role::Host));
        }
        assert!(Role::Host.may(Role::Host));
    }

    #[test]
    fn people_s_roles_include_the_weaker_ones() {
        assert!(Role::Admin.may(Role::Reader));
        assert!(Role::Operator.may(Role::Submitter));
        assert!(!Role::Reader.may(Role::Submitter));
    }
}
