//! What the server's configuration says, for a forge and for single repositories.

use solstice_kdl::{Reader, Refusal, Value, value};
use solstice_model::RepoName;
use solstice_workflow::Pattern;

use crate::layer::Layer;
use crate::policy::Policy;

/// What the operator says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorPolicy {
    /// Of every repository, where it does not say otherwise itself.
    forge: Layer,
    /// Of repositories whose names fit, whatever they say themselves; in the
    /// order of the file, later ones above.
    repositories: Vec<(Pattern, Layer)>,
}

impl OperatorPolicy {
    /// Reads `policy` and every `repository` of a `forge` node.
    pub fn read(node: &mut Reader<'_>) -> Self {
        let forge = node.child("policy").map(Layer::read).unwrap_or_default();
        let repositories = node.children("repository").into_iter().filter_map(repository);
        Self { forge, repositories: repositories.collect() }
    }

    /// The policy of a repository, of which `file` says this itself.
    pub fn policy(&self, repository: &RepoName, file: Option<&Layer>) -> Policy {
        let name = repository.as_str().to_lowercase();
        let final_ones = self.repositories.iter().filter(|(names, _)| names.matches(&name));
        let layers = [&self.forge].into_iter().chain(file);
        Policy::of(layers.chain(final_ones.map(|(_, layer)| layer)))
    }
}

fn repository(mut node: Reader<'_>) -> Option<(Pattern, Layer)> {
    let names = node.required_arg("a name", names);
    let layer = node.required_child("policy").map(Layer::read);
    node.finish();
    Some((names?, layer?))
}

/// Names of repositories; forges tell them apart without upper case.
fn names(given: &Value) -> Result<Pattern, Refusal> {
    let text = value::string(given)?;
    if !text.contains('/') {
        return Err(Refusal::because("a repository has an owner and a name")
            .help(format!("write \"{text}/*\" for all of an owner, or \"*/*\" for all")));
    }
    Pattern::new(&text.to_lowercase())
}
