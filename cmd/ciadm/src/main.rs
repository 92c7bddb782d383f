//! The operator's tool. See ciadm(8).

mod failure;
mod image;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Looks after Solstice CI: its golden images.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Args {
    #[command(subcommand)]
    verb: Verb,
}

/// What to look after.
#[derive(Debug, Subcommand)]
enum Verb {
    /// The golden images of this host
    Image {
        #[command(subcommand)]
        verb: image::Verb,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Verb::Image { verb } = Args::parse().verb;
    match image::run(verb).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }
}
