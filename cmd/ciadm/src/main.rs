//! The operator's tool. See ciadm(8).

mod artifact;
mod audit;
mod delivery;
mod describe;
mod doctor;
mod failure;
mod follow;
mod forge;
mod host;
mod image;
mod job;
mod login;
mod logs;
mod output;
mod paint;
mod profile;
mod queue;
mod retention;
mod run;
mod session;
mod token;
mod watch;
mod which;
mod why;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::failure::Failure;
use crate::session::Access;

/// Looks after Solstice CI: runs, jobs and their logs, hosts, images, tokens.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, max_term_width = 100)]
struct Args {
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: clap::ColorChoice,
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Keep a server and a token for it
    Login(login::Login),
    /// Forget a server and its token
    Logout(Access),
    /// Show whose token it is
    Whoami(Access),
    /// List runs, newest first
    Runs(run::List),
    /// A run
    Run {
        #[command(subcommand)]
        verb: RunVerb,
    },
    /// List the jobs of a run
    Jobs(job::List),
    /// A job
    Job {
        #[command(subcommand)]
        verb: JobVerb,
    },
    /// Tell why a job waits, runs, was skipped or failed, and what helps
    Why(why::Why),
    /// Show what a job wrote
    Logs(logs::Logs),
    /// List or download what a job left
    Artifacts(artifact::Artifacts),
    /// Start the workflows of a repository that may be started by hand
    Trigger(run::Trigger),
    /// Let a run that waits for an approval go on
    Approve(run::Of),
    /// Cancel a job, or what is not finished of a run
    Cancel(run::Of),
    /// Run a job, or the jobs of a run, once more
    Rerun(run::Again),
    /// Watch the jobs that are not finished
    Watch(watch::Watch),
    /// Show what is on machines and what waits, in the order of the queue
    Queue(Access),
    /// List the repositories that have had runs
    Repositories(queue::Repositories),
    /// List the hosts
    Hosts(Access),
    /// A host
    Host {
        #[command(subcommand)]
        verb: host::Verb,
    },
    /// Connect the server with a forge
    Forge {
        #[command(subcommand)]
        verb: forge::Verb,
    },
    /// List the golden images of all hosts
    Images(Access),
    /// The golden images of this host
    Image {
        #[command(subcommand)]
        verb: image::Verb,
    },
    /// Who may do what
    Tokens {
        #[command(subcommand)]
        verb: token::Verb,
    },
    /// Show who did what, when and from where
    Audit(audit::Audit),
    /// What the forges sent, and what became of it
    Deliveries(delivery::Deliveries),
    /// Remove what is old or too much, as the server's configuration says
    Retention(retention::Retention),
    /// Look whether this computer and the server are as they should be
    Doctor(doctor::Doctor),
    /// Print the parts of the man page that the command line says
    #[command(hide = true)]
    Manual,
    /// Print what a shell needs to complete commands
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
enum RunVerb {
    /// Show a run and its jobs
    Show(run::Of),
}

#[derive(Debug, Subcommand)]
enum JobVerb {
    /// Show a job, its attempts and its steps
    Show(job::Show),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Whoever reads JSON reads it also where the rest cannot be understood.
    let json = std::env::args_os().any(|word| word == "--json");
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(wrong) if json && wrong.use_stderr() => {
            let text = wrong.render().to_string();
            let (message, hint) = text.split_once("\n\n").unwrap_or((&text, ""));
            let message = message.trim_start_matches("error: ").trim();
            failure::tell(message, Some(hint.trim()).filter(|hint| !hint.is_empty()), 2, true);
            return ExitCode::from(2);
        }
        Err(wrong) => wrong.exit(),
    };
    output::choose_colours(args.color);
    match run(args.verb).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(json),
    }
}

async fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Login(login) => login.run().await,
        Verb::Logout(access) => login::logout(&access),
        Verb::Whoami(access) => login::whoami(&access).await,
        Verb::Runs(list) => list.run().await,
        Verb::Run { verb: RunVerb::Show(of) } => run::show(of).await,
        Verb::Jobs(list) => list.run().await,
        Verb::Job { verb: JobVerb::Show(show) } => show.run().await,
        Verb::Why(why) => why.run().await,
        Verb::Logs(logs) => logs.run().await,
        Verb::Artifacts(artifacts) => artifacts.run().await,
        Verb::Trigger(trigger) => trigger.run().await,
        Verb::Approve(of) => run::approve(of).await,
        Verb::Cancel(of) => run::cancel(of).await,
        Verb::Rerun(again) => run::rerun(again).await,
        Verb::Watch(watch) => watch.run().await,
        Verb::Queue(access) => queue::show(access).await,
        Verb::Repositories(list) => list.run().await,
        Verb::Hosts(access) => host::list(access).await,
        Verb::Host { verb } => verb.run().await,
        Verb::Forge { verb } => verb.run().await,
        Verb::Images(access) => host::images(access).await,
        Verb::Image { verb } => image::run(verb).await,
        Verb::Tokens { verb } => verb.run().await,
        Verb::Audit(audit) => audit.run().await,
        Verb::Deliveries(deliveries) => deliveries.run().await,
        Verb::Retention(retention) => retention.run().await,
        Verb::Doctor(doctor) => doctor.run().await,
        Verb::Manual => {
            output::print(&solstice_manual::sections(&Args::command()));
            Ok(())
        }
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "ciadm", &mut script);
            output::bytes(&script);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }
}
