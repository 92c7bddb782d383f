//! The forges, and who may start what there.

use std::collections::BTreeSet;
use std::path::Path;

use solstice_kdl::{Problem, Reader, Refusal, Value, nearest, value};
use solstice_model::ForgeName;
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
    /// Whose pull requests start runs.
    pub pull_requests: PullRequestsFrom,
}

/// The forges that can be talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForgeKind {
    /// Forgejo, and Gitea, which speaks the same API.
    Forgejo,
}

/// Whose pull requests start runs (invariant I10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PullRequestsFrom {
    /// Those from branches of the repository itself, which only those who may
    /// push there can make.
    #[default]
    Repository,
    /// Anybody's: whoever has an account on the forge runs what they like on
    /// the hosts' machines.
    Anyone,
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
    let pull_requests = node.child("pull_requests").and_then(pull_requests).unwrap_or_default();
    node.finish();
    let (name, kind, url, token) = (name?, kind?, url?, token?);
    Some(ForgeConfig { name, kind, url, webhook_secrets, token, pull_requests })
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

fn pull_requests(mut node: Reader<'_>) -> Option<PullRequestsFrom> {
    let from = node.required_setting("from", |given| match value::string(given)?.as_str() {
        "repository" => Ok(PullRequestsFrom::Repository),
        "anyone" => Ok(PullRequestsFrom::Anyone),
        _ => Err(Refusal::because("it does not say whose pull requests start runs")
            .help("write \"repository\", or \"anyone\", who can then run what they like")),
    });
    node.finish();
    from
}
