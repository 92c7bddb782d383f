//! How the callers of each API prove who they are.

use indexmap::IndexMap;
use openapiv3::{APIKeyLocation, ReferenceOr, SecurityRequirement, SecurityScheme};

/// Who calls an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callers {
    /// Agents in guests, by the token of their one job.
    Agents,
    /// Forges, by a signature over what they send.
    Forges,
    /// Orchestrators, by a token with the role `host`.
    Hosts,
    /// People and their tools, by a token, or signed in with a browser.
    People,
}

/// The operations that anybody may call.
const OPEN: &[&str] = &["agent_redeem", "health", "ready"];

/// What a token for people opens, each after the one that it includes.
const TOKEN: &str = "A token, as `ciadm token create` or `token_create` makes it. Where the \
                     server's configuration says `anonymous \"reader\"`, operations that need the \
                     role `reader` need no token.";

impl Callers {
    /// The ways, by the names that operations refer to.
    pub(crate) fn schemes(self) -> IndexMap<String, ReferenceOr<SecurityScheme>> {
        let schemes = match self {
            Callers::Agents => vec![("token", bearer("The key that the agent made for its job."))],
            Callers::Hosts => vec![("token", bearer("A token with the role `host`."))],
            Callers::People => vec![
                ("token", bearer(TOKEN)),
                ("password", http("basic", "A token as the password of any user, for browsers.")),
            ],
            Callers::Forges => vec![
                ("github", signature("X-Hub-Signature-256", "`sha256=` and the hex digits")),
                ("forgejo", signature("X-Forgejo-Signature", "the hex digits")),
                ("gitea", signature("X-Gitea-Signature", "the hex digits")),
            ],
        };
        let named = |(name, scheme): (&str, _)| (name.to_owned(), ReferenceOr::Item(scheme));
        schemes.into_iter().map(named).collect()
    }

    /// Which of them an operation takes; any one will do.
    pub(crate) fn required(self, operation: &str) -> Vec<SecurityRequirement> {
        if is_open(operation) {
            return Vec::new();
        }
        let only = |name: &String| SecurityRequirement::from([(name.clone(), Vec::new())]);
        self.schemes().keys().map(only).collect()
    }
}

/// Whether anybody may call it.
pub(crate) fn is_open(operation: &str) -> bool {
    OPEN.contains(&operation)
}

fn bearer(description: &str) -> SecurityScheme {
    http("bearer", description)
}

fn http(scheme: &str, description: &str) -> SecurityScheme {
    SecurityScheme::HTTP {
        scheme: scheme.to_owned(),
        bearer_format: None,
        description: Some(description.to_owned()),
        extensions: IndexMap::new(),
    }
}

fn signature(header: &str, form: &str) -> SecurityScheme {
    SecurityScheme::APIKey {
        location: APIKeyLocation::Header,
        name: header.to_owned(),
        description: Some(format!(
            "HMAC-SHA-256 over the body with the secret that server and forge share: {form}."
        )),
        extensions: IndexMap::new(),
    }
}
