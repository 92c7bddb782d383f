//! The forges, and who may start what there.

use std::collections::BTreeSet;
use std::path::Path;

use solstice_kdl::{Problem, Reader, Refusal, Value, nearest, value};
use solstice_model::ForgeName;
use solstice_policy::OperatorPolicy;
use url::Url;

use super::web_address;
use crate::secret::Secret;

/// A forge.
#[derive(Clone, Debug)]
pub struct ForgeConfig {
    /// Its name, also the last part of its webhook's URL.
    pub name: ForgeName,
    /// Which program it runs.
    pub kind: ForgeKind,
    /// Where it is.
    pub url: Url,
    /// Secrets of its webhooks, at least one; several while they are rotated.
    pub webhook_secrets: Vec<Secret>,
    /// The token with which the server reads files and sets statuses.
    pub token: Secret,
    /// Who may start what there (invariant I10).
    pub policy: OperatorPolicy,
}

/// The forges that can be talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForgeKind {
    /// Forgejo, and Gitea, which speaks the same API.
    Forgejo,
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
    let kind = node.required_setting("kind", kind);
    let url = node.required_setting("url", web_address);
    let webhook_secrets = webhook_secrets(&mut node, base);
    let token = node.required_setting("token_file", |given| Secret::from_value(base, given));
    let policy = OperatorPolicy::read(&mut node);
    refuse_pull_requests(&mut node);
    node.finish();
    let (name, kind, url, token) = (name?, kind?, url?, token?);
    Some(ForgeConfig { name, kind, url, webhook_secrets, token, policy })
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

fn kind(given: &Value) -> Result<ForgeKind, Refusal> {
    match value::string(given)?.as_str() {
        "forgejo" | "gitea" => Ok(ForgeKind::Forgejo),
        other => {
            let refusal = Refusal::because(format!("forges of kind {other:?} are not known"));
            Err(match nearest(other, ["forgejo", "gitea"]) {
                Some(meant) => refusal.help(format!("did you mean \"{meant}\"?")),
                None => refusal.help("write \"forgejo\", or \"gitea\", which is the same"),
            })
        }
    }
}

/// Says what to write instead of what earlier versions knew.
fn refuse_pull_requests(node: &mut Reader<'_>) {
    for mut old in node.children("pull_requests") {
        let from = old.setting("from", value::string);
        let problem = Problem::new(old.span(), "`pull_requests` is now part of the policy");
        node.report(problem.help(match from.as_deref() {
            Some("anyone") => {
                "write policy { approval \"never\"; }, or leave it out: pull \
                               requests from outside then wait for an approval"
            }
            _ => {
                "write policy { start \"members\"; }, or leave it out: pull requests from \
                  outside then wait for an approval"
            }
        }));
    }
}
