//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use solstice_config::orchestrator::DEFAULT_PATH;

/// Makes the machines of Solstice CI's jobs on this host.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Claim jobs and run them until told to stop
    ///
    /// SIGTERM and SIGINT end the program at once and leave the machines
    /// running: the next start takes them up. SIGUSR1 takes no more jobs, waits
    /// for those that run (drain_timeout) and then ends.
    Run {
        /// The configuration file
        #[arg(long, value_name = "PATH", default_value = DEFAULT_PATH)]
        config: PathBuf,
        /// Log what is only of use when looking for a fault
        #[arg(long, short)]
        verbose: bool,
    },
    /// Check configuration, images, hypervisor and server; touches no machine
    Check {
        /// The configuration file
        #[arg(long, value_name = "PATH", default_value = DEFAULT_PATH)]
        config: PathBuf,
        /// Print one JSON document in the end, for programs
        #[arg(long)]
        json: bool,
    },
    /// Print the parts of the man page that the command line says
    #[command(hide = true)]
    Manual,
    /// Relay one guest connection; started by QEMU
    #[command(hide = true)]
    GuestRelay {
        /// The file that says where guests are served
        endpoint_file: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_configuration_has_a_usual_place() {
        let args = Args::try_parse_from(["solstice-orchestrator", "check"]).unwrap();
        let Verb::Check { config, .. } = args.verb else { panic!() };
        assert_eq!(config, PathBuf::from("/etc/solstice/orchestrator.kdl"));
    }
}
