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

/// How people and their tools come by a token.
const TOKEN: &str = "A token, as `ciadm token create` or `token_create` makes it. Where the \
                     server's configuration says `anonymous \"reader\"`, operations that need the \
                     role `reader` need no token.";

/// How browsers are known again.
const SESSION: &str = "Set by signing in at `/login`; its name is `__Host-solstice` where the \
                       pages are at `https`. What changes something has to repeat the page's \
                       value as `x-csrf-token`: programs send a token instead.";

impl Callers {
    /// The ways, by the names that operations refer to.
    pub(crate) fn schemes(self) -> IndexMap<String, ReferenceOr<SecurityScheme>> {
        let schemes = match self {
            Callers::Agents => vec![("token", bearer("The key that the agent made for its job."))],
            Callers::Hosts => vec![("token", bearer("A token with the role `host`."))],
            Callers::People => vec![
                ("token", bearer(TOKEN)),
                ("session", key(APIKeyLocation::Cookie, "solstice", SESSION)),
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
    SecurityScheme::HTTP {
        scheme: "bearer".to_owned(),
        bearer_format: None,
        description: Some(description.to_owned()),
        extensions: IndexMap::new(),
    }
}

fn key(location: APIKeyLocation, name: &str, description: &str) -> SecurityScheme {
    SecurityScheme::APIKey {
        location,
        name: name.to_owned(),
        description: Some(description.to_owned()),
        extensions: IndexMap::new(),
    }
}

fn signature(header: &str, form: &str) -> SecurityScheme {
    let about =
        format!("HMAC-SHA-256 over the body with the secret that server and forge share: {form}.");
    key(APIKeyLocation::Header, header, &about)
}
