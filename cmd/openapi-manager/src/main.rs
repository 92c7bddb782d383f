//! Writes and checks `docs/openapi/*.json`, the documents made from the API
//! traits of `solstice-api`. People call it as `cargo xtask openapi`.
//!
//! A program of its own rather than a part of `xtask`, so that `xtask` starts
//! without having compiled Dropshot first.

use std::process::ExitCode;

use camino::Utf8Path;
use clap::Parser as _;
use dropshot_api_manager::{App, Environment, ManagedApiConfig, ManagedApis};
use dropshot_api_manager_types::{ManagedApiMetadata, Versions};
use solstice_api::{agent, host, user, webhook};

fn main() -> ExitCode {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let root = root.expect("this crate lies two folders below the root");
    let environment = Environment::new("cargo xtask openapi", root, "docs/openapi")
        .expect("the path of the documents is relative")
        // Lockstep APIs are compared with nothing older than the checkout.
        .with_default_git_branch("HEAD");
    let apis = ManagedApis::new(apis()).expect("every API has a name of its own");
    App::parse().exec(&environment, &apis)
}

/// The APIs, each with the one version that server, orchestrator and agent
/// of the same release share.
fn apis() -> Vec<ManagedApiConfig> {
    let api = |ident, title, description, api_description| ManagedApiConfig {
        ident,
        versions: Versions::new_lockstep(semver::Version::new(0, 1, 0)),
        title,
        metadata: ManagedApiMetadata { description: Some(description), ..Default::default() },
        api_description,
    };
    vec![
        api(
            "agent",
            "Solstice CI agent API",
            "What an agent in a guest asks of its host",
            agent::agent_api_mod::stub_api_description,
        ),
        api(
            "host",
            "Solstice CI host API",
            "What an orchestrator asks of the server",
            host::host_api_mod::stub_api_description,
        ),
        api(
            "user",
            "Solstice CI user API",
            "What people and their tools ask of the server",
            user::user_api_mod::stub_api_description,
        ),
        api(
            "webhook",
            "Solstice CI webhook API",
            "What a forge asks of the server",
            webhook::webhook_api_mod::stub_api_description,
        ),
    ]
}
