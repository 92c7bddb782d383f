//! The programs of other languages that read the APIs' documents: a linter, and
//! generators of clients. They are installed below the target folder, each at
//! the version that is written down in `tests/api-clients`.

use camino::{Utf8Path, Utf8PathBuf};

use crate::run::{Failure, Step, root, target};

/// What the OpenAPI documents are checked by, and against what.
const RULES: &str = "docs/openapi/redocly.yaml";

/// Where both are installed; tests find them by this.
pub(crate) fn tools() -> Utf8PathBuf {
    target().join("tools/api")
}

/// Installs what the clients' tests need. Returns where it is.
pub(crate) fn for_tests() -> Result<Utf8PathBuf, Failure> {
    node()?;
    python()?;
    Ok(tools())
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

/// Installs the packages for Node.js, without running anything of theirs.
fn node() -> Result<Utf8PathBuf, Failure> {
    let source = root().join("tests/api-clients/typescript");
    let folder = tools().join("node");
    let lock = "package-lock.json";
    if !is_copied(&source.join(lock), &folder.join("node_modules").join(lock)) {
        for file in ["package.json", lock] {
            copy(&source.join(file), &folder.join(file))?;
        }
        let options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"];
        let words = ["ci", "--prefix", folder.as_str()];
        Step::new("npm", words.into_iter().chain(options)).run()?;
        copy(&source.join(lock), &folder.join("node_modules").join(lock))?;
    }
    Ok(folder.join("node_modules"))
}

/// Installs the Python packages into an environment of their own.
fn python() -> Result<(), Failure> {
    let wanted = root().join("tests/api-clients/python/requirements.txt");
    let folder = tools().join("python");
    let done = folder.join("requirements.txt");
    if is_copied(&wanted, &done) {
        return Ok(());
    }
    Step::new("python3", ["-m", "venv", "--clear", folder.as_str()]).run()?;
    let pip = folder.join("bin/pip");
    let words = ["install", "--quiet", "--disable-pip-version-check", "-r", wanted.as_str()];
    Step::new(pip.as_str(), words).run()?;
    copy(&wanted, &done)
}

/// Whether one file is the copy of the other: what it asks for is installed.
fn is_copied(from: &Utf8Path, to: &Utf8Path) -> bool {
    matches!((std::fs::read(from), std::fs::read(to)), (Ok(from), Ok(to)) if from == to)
}

fn copy(from: &Utf8Path, to: &Utf8Path) -> Result<(), Failure> {
    let folder = to.parent().expect("a file lies in a folder");
    let copied = std::fs::create_dir_all(folder).and_then(|()| std::fs::copy(from, to));
    copied.map(drop).map_err(|error| Failure::Needs(format!("cannot write {to}: {error}")))
}
