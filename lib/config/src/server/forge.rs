//! The forges, and who may start what there.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use solstice_kdl::{Problem, Reader, Refusal, Value, nearest, value};
use solstice_model::ForgeName;
use solstice_policy::OperatorPolicy;
use url::Url;

use super::sign_in::{self, SignIn};
use super::web_address;
use crate::secret::Secret;

/// A forge.
#[derive(Clone, Debug)]
pub struct ForgeConfig {
    /// Its name, also the last part of its webhook's URL.
    pub name: ForgeName,
    /// Which program it runs, and how the server proves to it who it is.
    pub kind: ForgeKind,
    /// Where it is.
    pub url: Url,
    /// Secrets of its webhooks, at least one; several while they are rotated.
    pub webhook_secrets: Vec<Secret>,
    /// How often its branches and open pull requests are looked through for what
    /// no webhook told of; never if absent.
    pub sweep: Option<Duration>,
    /// Who may start what there (invariant I10).
    pub policy: OperatorPolicy,
    /// How its users sign in on the pages, if they do.
    pub sign_in: Option<SignIn>,
}

/// The forges that can be talked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForgeKind {
    /// Forgejo, and Gitea, which speaks the same API.
    Forgejo {
        /// The token with which the server reads files and sets statuses.
        token: Secret,
    },
    /// GitHub and its Enterprise Server, as a GitHub App.
    GitHub {
        /// The App's id.
        app_id: u64,
        /// The App's private key, in PEM.
        private_key: Secret,
        /// Where the API is, if that does not follow from the forge's address.
        api: Option<Url>,
    },
}

/// The kinds by name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Forgejo,
    GitHub,
}

/// Reads every forge of the configuration; complains if there is none.
pub(super) fn forges(node: &mut Reader<'_>, base: &Path) -> Vec<ForgeConfig> {
    let nodes = node.children("forge");
    if nodes.is_empty() {
        let problem = Problem::new(node.span(), "no forge is configured").label("add one here");
        node.report(
            problem.help(
                "write forge \"codeberg\" kind=\"forgejo\" url=\"https://codeberg.org\" { … }",
            ),
        );
    }
    let mut known = BTreeSet::new();
    let mut forges = Vec::new();
    for child in nodes {
        let span = child.span();
        let Some(forge) = forge(child, base) else { continue };
        if !known.insert(forge.name.clone()) {
            let message = format!("there are two forges named `{}`", forge.name);
            node.report(Problem::new(span, message).help("the name is part of the webhook's URL"));
        }
        forges.push(forge);
    }
    forges
}

fn forge(mut node: Reader<'_>, base: &Path) -> Option<ForgeConfig> {
    let name = node.required_arg("a name", value::parse::<ForgeName>);
    // Without it nobody knows what else belongs here.
    let kind = node.required_setting("kind", kind)?;
    let url = match kind {
        Kind::Forgejo => node.required_setting("url", web_address),
        Kind::GitHub => Some(node.setting("url", web_address).unwrap_or_else(github)),
    };
    let webhook_secrets = webhook_secrets(&mut node, base);
    let sweep = node.setting("sweep", sweep).unwrap_or(Some(SWEEP));
    let kind = match kind {
        Kind::Forgejo => forgejo_account(&mut node, base),
        Kind::GitHub => github_app(&mut node, base),
    };
    let policy = OperatorPolicy::read(&mut node);
    let sign_in = node.child("sign_in").and_then(|node| sign_in::sign_in(node, base));
    refuse_pull_requests(&mut node);
    node.finish();
    let (name, kind, url) = (name?, kind?, url?);
    Some(ForgeConfig { name, kind, url, webhook_secrets, sweep, policy, sign_in })
}

fn webhook_secrets(node: &mut Reader<'_>, base: &Path) -> Vec<Secret> {
    let mut secrets = Vec::new();
    let files = node.children("webhook_secret_file");
    if files.is_empty() {
        let problem = Problem::new(node.span(), "the forge has no `webhook_secret_file`");
        node.report(problem.help("without a secret, anybody could send webhooks"));
    }
    for mut file in files {
        secrets.extend(file.required_arg("a path", |given| Secret::from_value(base, given)));
        file.finish();
    }
    secrets
}

/// How often a forge is looked through unless the configuration says otherwise.
const SWEEP: Duration = Duration::from_secs(60 * 60);

fn github() -> Url {
    "https://github.com".parse().expect("a web address")
}

fn kind(given: &Value) -> Result<Kind, Refusal> {
    match value::string(given)?.as_str() {
        "forgejo" | "gitea" => Ok(Kind::Forgejo),
        "github" => Ok(Kind::GitHub),
        other => {
            let refusal = Refusal::because(format!("forges of kind {other:?} are not known"));
            Err(match nearest(other, ["forgejo", "gitea", "github"]) {
                Some(meant) => refusal.help(format!("did you mean \"{meant}\"?")),
                None => refusal.help("write \"github\", \"forgejo\" or \"gitea\""),
            })
        }
    }
}

fn sweep(given: &Value) -> Result<Option<Duration>, Refusal> {
    if value::string(given)? == "never" {
        return Ok(None);
    }
    let every = value::duration(given)?;
    if !(Duration::from_secs(60)..=Duration::from_secs(7 * 24 * 60 * 60)).contains(&every) {
        return Err(Refusal::because("a forge is looked through once in a minute to seven days")
            .help("write \"1h\", or \"never\" to rely on webhooks alone"));
    }
    Ok(Some(every))
}

fn forgejo_account(node: &mut Reader<'_>, base: &Path) -> Option<ForgeKind> {
    refuse(node, ["app", "private_key_file", "api"], "GitHub", "a `token_file`");
    let token = node.required_setting("token_file", |given| Secret::from_value(base, given));
    Some(ForgeKind::Forgejo { token: token? })
}

fn github_app(node: &mut Reader<'_>, base: &Path) -> Option<ForgeKind> {
    refuse(node, ["token_file"], "Forgejo and Gitea", "`app id=…` and a `private_key_file`");
    let app_id = node.required_child("app").and_then(|mut app| {
        let id = app.required_prop("id", value::integer::<u64>);
        app.finish();
        id
    });
    let pem = |given: &Value| Secret::pem_from_value(base, given);
    let private_key = node.required_setting("private_key_file", pem);
    let api = node.setting("api", web_address);
    Some(ForgeKind::GitHub { app_id: app_id?, private_key: private_key?, api })
}

/// Refuses what belongs to forges of another kind.
fn refuse<const N: usize>(
    node: &mut Reader<'_>,
    names: [&'static str; N],
    theirs: &str,
    ours: &str,
) {
    for name in names {
        let given = node.children(name).into_iter().map(|child| child.span()).next();
        let given = given.or_else(|| node.prop(name, |_| Ok(())).map(|()| node.span()));
        if let Some(span) = given {
            let problem = Problem::new(span, format!("`{name}` is for {theirs}"));
            node.report(problem.help(format!("a forge of this kind has {ours}")));
        }
    }
}

/// Says what to write instead of what earlier versions knew.
fn refuse_pull_requests(node: &mut Reader<'_>) {
    for mut old in node.children("pull_requests") {
        let from = old.setting("from", value::string);
        let instead = match from.as_deref() {
            Some("anyone") => "policy { approval \"never\"; }",
            _ => "policy { start \"members\"; }",
        };
        let problem = Problem::new(old.span(), "`pull_requests` is now part of the policy");
        node.report(problem.help(format!(
            "write {instead}, or leave it out: then pull requests from outside wait for an approval"
        )));
    }
}
