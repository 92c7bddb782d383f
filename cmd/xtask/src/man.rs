//! `cargo xtask man`: the parts of the man pages that the programs' own command
//! lines say, and the completions of shells. What is not between the marks of a
//! page is written by hand.

use camino::Utf8PathBuf;
use std::process::Command;

use crate::run::{Failure, Step, root, target};

/// The programs, each with its page's section of the manual.
const PROGRAMS: [(&str, u8); 4] =
    [("ciadm", 8), ("cidev", 1), ("solstice-orchestrator", 8), ("solstice-server", 8)];

/// The programs that complete, and for which shells.
const COMPLETED: [&str; 2] = ["ciadm", "cidev"];
const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// Where the second part of what a program says begins.
const COMMANDS: &str = ".Sh COMMANDS\n";

const BEGIN: &str = ".\\\" Begin: written by cargo xtask man\n";
const END: &str = ".\\\" End: written by cargo xtask man\n";

/// Writes the pages and the completions, or says which are not up to date.
pub(crate) fn run(check: bool) -> Result<(), Failure> {
    let packages = PROGRAMS.iter().flat_map(|(name, _)| ["--package", name]);
    Step::cargo(["build", "--quiet"].into_iter().chain(packages).chain(["--bins"])).run()?;
    let mut stale = Vec::new();
    for (path, text) in pages()?.into_iter().chain(completions()?) {
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        if before == text {
            continue;
        }
        if check {
            stale.push(path.to_string());
        } else {
            let failed = |error| Failure::Needs(format!("{path}: {error}"));
            std::fs::write(&path, text).map_err(failed)?;
            eprintln!("wrote {path}");
        }
    }
    match stale.is_empty() {
        true => Ok(()),
        false => {
            let stale = stale.join(", ");
            Err(Failure::Needs(format!("out of date: {stale}; run `cargo xtask man`")))
        }
    }
}

fn pages() -> Result<Vec<(Utf8PathBuf, String)>, Failure> {
    let mut pages = Vec::new();
    for (program, section) in PROGRAMS {
        let path = root().join(format!("docs/man/{program}.{section}"));
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Failure::Needs(format!("{path}: {error}")))?;
        let said = said(program, &["manual"])?;
        let at = said.find(COMMANDS).unwrap_or(said.len());
        let (synopsis, commands) = said.split_at(at);
        let page = filled(&text, synopsis, commands);
        let page =
            page.ok_or_else(|| Failure::Needs(format!("{path}: it needs two pairs of marks")))?;
        pages.push((path, page));
    }
    Ok(pages)
}

/// The page with these texts between its marks.
fn filled(page: &str, synopsis: &str, commands: &str) -> Option<String> {
    let (head, rest) = page.split_once(BEGIN)?;
    let (_, rest) = rest.split_once(END)?;
    let (middle, rest) = rest.split_once(BEGIN)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{BEGIN}{synopsis}{END}{middle}{BEGIN}{commands}{END}{tail}"))
}

fn completions() -> Result<Vec<(Utf8PathBuf, String)>, Failure> {
    let mut all = Vec::new();
    for program in COMPLETED {
        for shell in SHELLS {
            let path = root().join(format!("docs/completions/{program}.{shell}"));
            all.push((path, said(program, &["completions", shell])?));
        }
    }
    Ok(all)
}

/// What a program that was just built prints.
fn said(program: &str, arguments: &[&str]) -> Result<String, Failure> {
    let path = target().join("debug").join(program);
    let failed = |why: String| Failure::Needs(format!("{path} {}: {why}", arguments.join(" ")));
    let output =
        Command::new(&path).args(arguments).output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    String::from_utf8(output.stdout).map_err(|error| failed(error.to_string()))
}
