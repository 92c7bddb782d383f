//! Writes and checks `docs/openapi/*.json`, the documents made from the API
//! traits of `solstice-api`. People call it as `cargo xtask openapi`.
//!
//! What Dropshot cannot say of an API (how callers prove who they are, which
//! refusals to expect, what a hand-made body is) is added here, in [`complete`]:
//! clients are generated from the completed documents, ours among them.
//!
//! A program of its own rather than a part of `xtask`, so that `xtask` starts
//! without having compiled Dropshot first.

mod answers;
mod api;
mod complete;
mod schemas;
mod security;
mod variants;

use std::process::ExitCode;

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Parser, Subcommand};

use crate::api::{APIS, Api};

/// Write or check the OpenAPI documents.
#[derive(Parser)]
#[command(name = "cargo xtask openapi")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Clone, Copy, PartialEq, Eq, Subcommand)]
enum Verb {
    /// Write the documents
    Generate,
    /// Say whether they are up to date
    Check,
}

fn main() -> ExitCode {
    let verb = Arguments::parse().verb;
    let done: Result<Vec<bool>, String> = APIS.iter().map(|api| bring(api, verb)).collect();
    match done {
        Ok(fresh) if verb == Verb::Generate || fresh.iter().all(|fresh| *fresh) => {
            ExitCode::SUCCESS
        }
        Ok(_) => {
            eprintln!("write the documents anew: cargo xtask openapi");
            ExitCode::FAILURE
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Where the document of an API lies.
fn path(api: &Api) -> Utf8PathBuf {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let root = root.expect("this crate lies two folders below the root");
    root.join("docs/openapi").join(api.name).with_extension("json")
}

/// Compares the document of an API with its file, and writes that if it is to;
/// tells whether the file was up to date.
fn bring(api: &Api, verb: Verb) -> Result<bool, String> {
    let path = path(api);
    let document = complete::document(api)?;
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if kept == document {
        return Ok(true);
    }
    eprintln!("{path} {}", if verb == Verb::Check { "is not up to date" } else { "is new" });
    if verb == Verb::Generate {
        std::fs::write(&path, document).map_err(|error| format!("cannot write {path}: {error}"))?;
    }
    Ok(false)
}
