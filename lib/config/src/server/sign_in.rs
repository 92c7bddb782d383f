//! How the users of a forge sign in on the pages, and what they may do.

use std::collections::BTreeMap;
use std::path::Path;

use solstice_kdl::{Problem, Reader, Refusal, Value, value};
use solstice_model::Role;

use crate::secret::Secret;

/// The longest client id or user name.
const MAX_CHARS: usize = 200;

/// How the users of a forge sign in: our application there (RFC 6749).
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The application's id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Users who may do more than others, by name in lower case.
    pub roles: BTreeMap<String, Role>,
}

impl SignIn {
    /// What a user may do everywhere; forges do not tell names apart by case.
    pub fn role_of(&self, login: &str) -> Role {
        self.roles.get(&login.to_ascii_lowercase()).copied().unwrap_or(Role::Reader)
    }
}

pub(super) fn sign_in(mut node: Reader<'_>, base: &Path) -> Option<SignIn> {
    let client_id = node.required_setting("client_id", word);
    let secret = |given: &Value| Secret::from_value(base, given);
    let client_secret = node.required_setting("client_secret_file", secret);
    let mut roles = BTreeMap::new();
    for mut child in node.children("role") {
        let span = child.span();
        let users = child.list("users", word).unwrap_or_default();
        let role = child.required_arg("a role", role);
        if users.is_empty() {
            let problem = Problem::new(span, "nobody has this role");
            node.report(problem.help("write role \"operator\" users=\"alice\" \"bob\""));
        }
        child.finish();
        for user in users {
            let Some(role) = role else { continue };
            if roles.insert(user.to_ascii_lowercase(), role).is_some() {
                let problem = Problem::new(span, format!("`{user}` has two roles"));
                node.report(problem.help("the stronger one is enough"));
            }
        }
    }
    node.finish();
    Some(SignIn { client_id: client_id?, client_secret: client_secret?, roles })
}

fn word(given: &Value) -> Result<String, Refusal> {
    let text = value::string(given)?;
    if text.is_empty() || text.len() > MAX_CHARS || !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Refusal::because(
            "it is empty, too long or has characters that it cannot have",
        ));
    }
    Ok(text)
}

fn role(given: &Value) -> Result<Role, Refusal> {
    match value::string(given)?.as_str() {
        "submitter" => Ok(Role::Submitter),
        "operator" => Ok(Role::Operator),
        "admin" => Ok(Role::Admin),
        _ => Err(Refusal::because("a user cannot be given this role")
            .help("write \"submitter\", \"operator\" or \"admin\"; everybody is a reader")),
    }
}
