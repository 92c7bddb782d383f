//! The APIs, each with the one version that server, orchestrator and agent of
//! the same release share.

use dropshot::{ApiDescription, ApiDescriptionBuildErrors, StubContext};
use solstice_api::{agent, host, user, webhook};

use crate::security::Callers;

/// One API.
pub(crate) struct Api {
    /// Its name, and its document's.
    pub(crate) name: &'static str,
    /// Its title.
    pub(crate) title: &'static str,
    /// What it is for.
    pub(crate) description: &'static str,
    /// Where it is served, unless the configuration says otherwise.
    pub(crate) server: &'static str,
    /// How its callers prove who they are.
    pub(crate) callers: Callers,
    /// What Dropshot knows of it.
    pub(crate) describe: fn() -> Result<ApiDescription<StubContext>, ApiDescriptionBuildErrors>,
}

/// All of them.
pub(crate) const APIS: &[Api] = &[
    Api {
        name: "agent",
        title: "Solstice CI agent API",
        description: "What an agent in a guest asks of its host",
        server: "http://192.0.2.1:8090",
        callers: Callers::Agents,
        describe: agent::agent_api_mod::stub_api_description,
    },
    Api {
        name: "host",
        title: "Solstice CI host API",
        description: "What an orchestrator asks of the server",
        server: "http://127.0.0.1:8082",
        callers: Callers::Hosts,
        describe: host::host_api_mod::stub_api_description,
    },
    Api {
        name: "user",
        title: "Solstice CI user API",
        description: "What people and their tools ask of the server. docs/api.md tells of \
                      authentication, errors, pages and conditional requests.",
        server: "http://127.0.0.1:8080",
        callers: Callers::People,
        describe: user::user_api_mod::stub_api_description,
    },
    Api {
        name: "webhook",
        title: "Solstice CI webhook API",
        description: "What a forge asks of the server",
        server: "http://127.0.0.1:8081",
        callers: Callers::Forges,
        describe: webhook::webhook_api_mod::stub_api_description,
    },
];
