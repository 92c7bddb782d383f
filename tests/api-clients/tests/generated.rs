//! Clients that public generators make of the document call a real server.

use solstice_api_clients::{Served, Tools};
use solstice_model::{JobState, Outcome};

/// What each client does; it says so itself.
const STORIES: usize = 7;

async fn cancelled(served: &Served) {
    let state = served.state(&served.jobs[1]).await;
    assert!(
        matches!(state, JobState::Finished { outcome: Outcome::Cancelled { .. } }),
        "{state:?}"
    );
}

fn all_told(said: &str) {
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), STORIES, "{said}");
}

/// openapi-typescript, openapi-fetch and the type checker of TypeScript.
#[tokio::test(flavor = "multi_thread")]
async fn a_typescript_client_type_checks_and_does_its_work() {
    let tools = Tools::installed();
    for file in ["client.ts", "tsconfig.json", "package.json"] {
        let source = Tools::source("typescript").join(file);
        std::fs::copy(source, tools.work().join(file)).expect("the folder is ours");
    }
    let modules = tools.work().join("node_modules");
    std::os::unix::fs::symlink(tools.node_modules(), modules).expect("the folder is ours");
    let mut generate = tools.node("openapi-typescript/bin/cli.js");
    tools.run(generate.arg(Tools::document()).args(["-o", "user.d.ts"])).await;
    tools.run(&mut tools.node("typescript/bin/tsc")).await;
    let served = Served::start().await;
    let mut client = tokio::process::Command::new("node");
    let said = tools.run(client.arg("out/client.js").envs(served.environment())).await;
    all_told(&said);
    cancelled(&served).await;
}

/// openapi-python-client.
#[tokio::test(flavor = "multi_thread")]
async fn a_python_client_does_its_work() {
    let tools = Tools::installed();
    let mut generate = tools.python("openapi-python-client");
    let words = ["--meta", "none", "--fail-on-warning", "--output-path", "solstice_client"];
    let (document, config) = (Tools::document(), Tools::source("python/config.yml"));
    generate.args(["generate", "--path", document.as_str(), "--config", config.as_str()]);
    tools.run(generate.args(words)).await;
    let served = Served::start().await;
    let mut client = tools.python("python");
    client.arg(Tools::source("python/client.py")).env("PYTHONPATH", tools.work());
    let said = tools.run(client.envs(served.environment())).await;
    all_told(&said);
    cancelled(&served).await;
}
