//! The programs of other languages that read the APIs' documents: a linter, and
//! generators of clients. `tests/api-clients` pins them.

use camino::Utf8PathBuf;

use crate::run::{Failure, Step, target};
use crate::tools;

/// What the OpenAPI documents are checked by, and against what.
const RULES: &str = "docs/openapi/redocly.yaml";

/// Installs what the clients' tests need. Returns the folder where they find it.
pub(crate) fn for_tests() -> Result<Utf8PathBuf, Failure> {
    node()?;
    tools::python("tests/api-clients/python/requirements.txt", "api/python")?;
    Ok(target().join("tools/api"))
}

/// Checks the OpenAPI documents with Redocly's linter.
pub(crate) fn lint() -> Result<(), Failure> {
    let linter = node()?.join("@redocly/cli/bin/cli.js");
    let documents = ["agent", "host", "user", "webhook"];
    let documents = documents.map(|name| format!("docs/openapi/{name}.json"));
    let words = [linter.as_str(), "lint", "--config", RULES].map(str::to_owned);
    Step::new("node", words.into_iter().chain(documents))
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
        .run()
}

fn node() -> Result<Utf8PathBuf, Failure> {
    tools::node("tests/api-clients/typescript", "api/node")
}
