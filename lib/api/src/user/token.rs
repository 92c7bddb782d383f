//! Tokens and whose they are.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solstice_model::{Role, Token};

/// Whose token it is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WhoAmI {
    /// The token's name; none without a token.
    pub name: Option<String>,
    /// What it opens.
    pub role: Role,
}

/// Where a page of tokens ends.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenPage {
    /// The name of the last token seen.
    pub name: String,
}

/// A token, without its secret.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenInfo {
    /// Its name, unique.
    pub name: String,
    /// What it opens.
    pub role: Role,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A token to be made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenCreate {
    /// Its name, unique; for the role `host` the host's name.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"))]
    pub name: String,
    /// What it opens.
    pub role: Role,
}

/// A new token.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenCreated {
    /// What was made.
    pub info: TokenInfo,
    /// The secret; it is not shown again.
    pub token: Token,
}
