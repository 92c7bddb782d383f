//! The audit log: who did what, when and from where.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that somebody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// Its number; newer entries have larger ones.
    pub id: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who: a token's name, or `user@forge`. Of a sign-in that failed, who they
    /// said they were, if they said so.
    pub who: String,
    /// How they showed who they are.
    pub via: AuditVia,
    /// What.
    pub action: AuditAction,
    /// To what, such as `run:ID`, `job:ID`, `token:NAME`, `host:NAME` or `delivery:ID`.
    pub object: Option<String>,
    /// More of it, for people.
    pub detail: Option<String>,
    /// The address that the request came from, if one did.
    pub remote: Option<String>,
    /// The request's id; of a check's button that of its delivery.
    pub request: Option<String>,
}

/// How somebody showed who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditVia {
    /// By a token.
    Token,
    /// By being signed in on the pages.
    Session,
    /// By signing in at a forge.
    Forge,
    /// By the button of a check: the forge says who pressed it.
    Check,
    /// By being allowed to write the server's files.
    CommandLine,
    /// The server did it by itself.
    Server,
    /// Not at all.
    Nothing,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AuditAction {
    /// Somebody signed in on the pages.
    #[serde(rename = "session.begin")]
    SignIn,
    /// Somebody tried to.
    #[serde(rename = "session.refuse")]
    SignInRefused,
    /// Somebody signed out.
    #[serde(rename = "session.end")]
    SignOut,
    /// A run was started by hand.
    #[serde(rename = "run.start")]
    RunStart,
    /// A run was cancelled.
    #[serde(rename = "run.cancel")]
    RunCancel,
    /// A run was approved of.
    #[serde(rename = "run.approve")]
    RunApprove,
    /// Jobs of a run were run once more.
    #[serde(rename = "run.rerun")]
    RunRerun,
    /// A job was cancelled.
    #[serde(rename = "job.cancel")]
    JobCancel,
    /// A job was run once more.
    #[serde(rename = "job.rerun")]
    JobRerun,
    /// A delivery was to be interpreted again.
    #[serde(rename = "delivery.replay")]
    DeliveryReplay,
    /// A host was to drain.
    #[serde(rename = "host.drain")]
    HostDrain,
    /// A host was to take jobs again.
    #[serde(rename = "host.resume")]
    HostResume,
    /// A token was made.
    #[serde(rename = "token.create")]
    TokenCreate,
    /// A token was revoked.
    #[serde(rename = "token.revoke")]
    TokenRevoke,
    /// What is old or too much was to be removed at once.
    #[serde(rename = "retention.run")]
    RetentionRun,
}

impl AuditAction {
    /// Every action.
    pub const ALL: [Self; 15] = [
        Self::SignIn,
        Self::SignInRefused,
        Self::SignOut,
        Self::RunStart,
        Self::RunCancel,
        Self::RunApprove,
        Self::RunRerun,
        Self::JobCancel,
        Self::JobRerun,
        Self::DeliveryReplay,
        Self::HostDrain,
        Self::HostResume,
        Self::TokenCreate,
        Self::TokenRevoke,
        Self::RetentionRun,
    ];

    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "session.begin",
            Self::SignInRefused => "session.refuse",
            Self::SignOut => "session.end",
            Self::RunStart => "run.start",
            Self::RunCancel => "run.cancel",
            Self::RunApprove => "run.approve",
            Self::RunRerun => "run.rerun",
            Self::JobCancel => "job.cancel",
            Self::JobRerun => "job.rerun",
            Self::DeliveryReplay => "delivery.replay",
            Self::HostDrain => "host.drain",
            Self::HostResume => "host.resume",
            Self::TokenCreate => "token.create",
            Self::TokenRevoke => "token.revoke",
            Self::RetentionRun => "retention.run",
        }
    }
}

impl AuditVia {
    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Session => "session",
            Self::Forge => "forge",
            Self::Check => "check",
            Self::CommandLine => "command_line",
            Self::Server => "server",
            Self::Nothing => "nothing",
        }
    }
}

/// Which entries of the audit log are asked for; all that are absent match all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditQuery {
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<AuditAction>,
    /// To what, as in an entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
}

/// Where a page of the audit log ends.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct AuditPage {
    /// What was asked for.
    #[serde(flatten)]
    pub query: AuditQuery,
    /// The last entry seen.
    pub before: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_api() {
        for action in AuditAction::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
        }
        for via in [AuditVia::Token, AuditVia::CommandLine, AuditVia::Nothing, AuditVia::Check] {
            assert_eq!(serde_json::to_value(via).unwrap(), via.as_str());
        }
    }
}
