//! schemathesis asks the real server for what the document allows and for what
//! it does not: no answer may be one that the document does not know.

use solstice_api_clients::{Served, Tools};
use solstice_model::Role;

/// Runs schemathesis with the configuration that lies beside it.
async fn tried(served: &Served, token: Option<&str>) {
    let tools = Tools::installed();
    let mut command = tools.python("schemathesis");
    let (config, document) = (Tools::source("python/schemathesis.toml"), Tools::document());
    command.args(["--config-file", config.as_str(), "run", document.as_str()]);
    command.args(["--url", &served.url()]);
    if let Some(token) = token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    println!("{}", tools.run(command.env("NO_COLOR", "1")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_gets_only_answers_that_the_document_knows() {
    let served = Served::start().await;
    tried(&served, Some(served.token(Role::Admin))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_in_particular_gets_only_answers_that_the_document_knows() {
    tried(&Served::start().await, None).await;
}
