//! A forge that records what it is told, as a program of its own: for
//! demonstrations, and for tests that kill everything else.
//!
//! The first line on standard output is its address, the only one; it serves
//! until it is killed. Repositories are bare, `<owner>/<name>.git` below the
//! directory, and may be made and pushed to while it runs.

use std::io::Write as _;
use std::net::SocketAddr;

use camino::Utf8PathBuf;
use clap::Parser;
use solstice_testbed::forge::{Flavour, Options, RecordingForge};

/// Plays Forgejo over bare Git repositories and records commit statuses.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The directory of repositories
    #[arg(long)]
    dir: Utf8PathBuf,
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The file with the token that clients have to present; made if it is absent
    #[arg(long)]
    token_file: Utf8PathBuf,
    /// The file that statuses are appended to, a line of JSON each
    #[arg(long)]
    statuses: Utf8PathBuf,
    /// Ask for the token for reading too
    #[arg(long)]
    guarded: bool,
    /// Judge requests by Gitea's description of its API instead of Forgejo's
    #[arg(long)]
    gitea: bool,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let mut options = Options {
        listen: arguments.listen,
        flavour: if arguments.gitea { Flavour::Gitea } else { Flavour::Forgejo },
        guarded: arguments.guarded,
        status_file: Some(arguments.statuses),
        ..Options::default()
    };
    match std::fs::read_to_string(&arguments.token_file) {
        Ok(text) => options.token = text.trim().to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            write_token(&arguments.token_file, &options.token)?;
        }
        Err(error) => return Err(error.into()),
    }
    let forge = RecordingForge::start_with(&arguments.dir, options).await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", forge.base_url())?;
    stdout.flush()?;
    std::future::pending().await
}

/// Writes the token where only its owner can read it, as the server demands.
fn write_token(path: &Utf8PathBuf, token: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{token}")
}
