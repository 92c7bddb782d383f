//! Validity by illumos' own document type definition, by xmllint(1).

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::problem::Problem;
use crate::world::World;

/// illumos-gate usr/src/cmd/svc/dtd/service_bundle.dtd.1.
const DTD: &str = "tests/packaging/dtd/service_bundle.dtd.1";

/// The DTD fixes the order of elements, which svccfg(8) insists on too.
pub(crate) fn valid(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for service in &world.services {
        let verdict = world.tree.text(&service.file).and_then(|text| {
            let why = |error| Problem::new("xmllint", format!("{error}; is libxml2-utils there?"));
            validate(world, &text).map_err(why)
        });
        match verdict {
            Ok(None) => {}
            Ok(Some(messages)) => problems.push(Problem::new(service.file.clone(), messages)),
            Err(problem) => problems.push(problem),
        }
    }
    problems
}

/// What xmllint has against a document.
fn validate(world: &World, text: &str) -> std::io::Result<Option<String>> {
    let mut command = Command::new("xmllint");
    command.args(["--noout", "--nonet", "--dtdvalid"]).arg(world.tree.root().join(DTD)).arg("-");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    stdin.write_all(text.as_bytes())?;
    drop(stdin);
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(None);
    }
    let messages = String::from_utf8_lossy(&output.stderr);
    let invalid = messages.lines().filter(|line| line.contains("validity error"));
    Ok(Some(invalid.collect::<Vec<_>>().join("\n")))
}
