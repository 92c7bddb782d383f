//! `ciadm forge`: connects the server with forges.

mod conversion;
mod files;
mod github;
mod local;
mod manifest;

use clap::Subcommand;

pub(crate) use self::conversion::AddError;
use crate::failure::Failure;

/// `ciadm forge`.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make the server known to a forge
    Add {
        #[command(subcommand)]
        kind: Kind,
    },
}

/// Which kind of forge.
#[derive(Debug, Subcommand)]
pub(crate) enum Kind {
    /// Make a GitHub App, and keep its key and webhook secret
    #[command(name = "github")]
    GitHub(github::GitHub),
}

impl Verb {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Verb::Add { kind: Kind::GitHub(github) } = self;
        github.run().await
    }
}
