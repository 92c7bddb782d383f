//! The command line: one subcommand, one place for its flags and their help.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Where workflows are, and how a run ends; each paragraph is wrapped by clap.
const PATHS_AND_EXIT_CODES: &str = "\
Without a PATH, the workflows are the *.kdl files in .solstice/ at the root of the Git work tree, \
or in the current directory outside of one. A PATH is a workflow file, or a directory whose \
*.kdl files are workflows.

Exit codes: 0 all is well, 1 a workflow is wrong, 2 usage or an unreadable file.";

/// How a run ends.
const EXIT_CODES: &str =
    "Exit codes: 0 all is well, 1 the workflow is wrong, 2 usage or an unreadable file.";

/// How the run of a workflow ends.
const RUN_EXIT_CODES: &str = "\
Each job gets a machine of its own, made of a golden image, with the work tree as it is: changed and \
new files included, ignored ones not. A label (runs_on) means the image of that name in \
$XDG_DATA_HOME/solstice/images, unless --images or --label say otherwise. Ctrl-C cancels the jobs.

Exit codes: 0 all jobs succeeded, 1 a job failed or the workflow is wrong, 2 usage, 3 this computer \
could not run it, 130 interrupted.";

/// Checks, explains and runs Solstice CI workflows, without a server.
#[derive(Debug, Parser)]
#[command(name = "cidev", version, after_help = PATHS_AND_EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Says what is wrong with workflow files, and where
    #[command(after_help = PATHS_AND_EXIT_CODES)]
    Validate {
        /// Workflow files, or directories of them
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Lists the jobs of workflow files
    #[command(after_help = PATHS_AND_EXIT_CODES)]
    List {
        /// Prints JSON: an array of files and their workflows
        #[arg(long)]
        json: bool,
        /// Workflow files, or directories of them
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Runs the workflow of the work tree in machines of this computer
    #[command(after_help = RUN_EXIT_CODES)]
    Run(Box<crate::run::Options>),
    /// Relays one guest connection; started by QEMU
    #[command(hide = true)]
    GuestRelay {
        /// The file that says where guests are served
        endpoint_file: PathBuf,
    },
    /// Prints the parts of the man page that the command line says
    #[command(hide = true)]
    Manual,
    /// Prints what a shell needs to complete commands
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Shows a workflow, or one job of it, with every default filled in
    #[command(after_help = EXIT_CODES)]
    Show {
        /// Prints JSON: the workflow or the job
        #[arg(long)]
        json: bool,
        /// The workflow file
        file: PathBuf,
        /// The id of a job, or the name of one that its matrix makes; all without it
        job: Option<String>,
    },
}
