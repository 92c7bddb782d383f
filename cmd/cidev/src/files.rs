//! Finding workflow files and reading them.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use solstice_policy::Layer;
use solstice_workflow::{Diagnostics, Workflow};

/// Whether all workflows that were looked at can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Every one.
    AllValid,
    /// At least one cannot; its diagnostics were shown.
    SomeInvalid,
}

/// Why there is nothing to look at.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(crate) enum FileError {
    /// The operating system did not let us.
    #[error("{} cannot be read", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A directory without any.
    #[error("{} has no workflow", folder.display())]
    #[diagnostic(help("a workflow is a file with the extension .kdl"))]
    NoWorkflow {
        /// Where they were looked for.
        folder: PathBuf,
    },
    /// The workflow does not have the job that was asked for.
    #[error("{} has no job {job:?}", path.display())]
    #[diagnostic(help("its jobs are {known}"))]
    NoJob {
        /// The workflow.
        path: PathBuf,
        /// What was asked for.
        job: String,
        /// The ids that there are.
        known: String,
    },
}

impl FileError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Far more than a workflow may have, so that the language itself refuses it.
const MOST_READ: u64 = 16 * 1024 * 1024;

/// A workflow file that was read.
pub(crate) struct WorkflowFile {
    /// Where it is, relative to the current directory if it is below it.
    pub(crate) path: PathBuf,
    /// What it says, or what is wrong with it.
    pub(crate) parsed: Result<Workflow, Diagnostics>,
}

impl WorkflowFile {
    /// Reads one file.
    pub(crate) fn read(path: &Path) -> Result<Self, FileError> {
        let bytes = read(path)?;
        let parsed = solstice_workflow::parse(&path.to_string_lossy(), &bytes);
        Ok(Self { path: path.to_owned(), parsed })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(FileError::io(path))?;
    file.take(MOST_READ).read_to_end(&mut bytes).map_err(FileError::io(path))?;
    Ok(bytes)
}

/// A policy file that was read.
pub(crate) struct PolicyFile {
    /// Where it is, as of a workflow.
    pub(crate) path: PathBuf,
    /// What it says, or what is wrong with it.
    pub(crate) parsed: Result<Layer, Diagnostics>,
}

/// Reads the workflows among the named files and directories, or else those of the work tree.
pub(crate) fn read_all(paths: &[PathBuf]) -> Result<Vec<WorkflowFile>, FileError> {
    let files = all(paths)?;
    let workflows = files.iter().filter(|path| !path.ends_with(solstice_policy::PATH));
    workflows.map(|path| WorkflowFile::read(path)).collect()
}

/// Reads the policies among them.
pub(crate) fn read_policies(paths: &[PathBuf]) -> Result<Vec<PolicyFile>, FileError> {
    let files = all(paths)?;
    let policies = files.into_iter().filter(|path| path.ends_with(solstice_policy::PATH));
    let read = |path: PathBuf| {
        let parsed = solstice_policy::parse(&path.to_string_lossy(), &read(&path)?);
        Ok(PolicyFile { path, parsed })
    };
    policies.map(read).collect()
}

/// The named files and those of the named directories, or else those of the work tree.
fn all(paths: &[PathBuf]) -> Result<Vec<PathBuf>, FileError> {
    let default = if paths.is_empty() { vec![default_folder()?] } else { Vec::new() };
    let mut files = Vec::new();
    for path in paths.iter().chain(&default) {
        if path.is_dir() || default.contains(path) {
            files.extend(files_in(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// `.solstice` at the root of the work tree around the current directory.
fn default_folder() -> Result<PathBuf, FileError> {
    let here = env::current_dir().map_err(FileError::io(Path::new(".")))?;
    // In a linked work tree or a submodule, `.git` is a file.
    let root = here.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&here);
    let folder = root.join(".solstice");
    Ok(folder.strip_prefix(&here).map(Path::to_owned).unwrap_or(folder))
}

/// The `*.kdl` files of a directory, by name; one of them has to be a workflow.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let none = || FileError::NoWorkflow { folder: folder.to_owned() };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(none()),
        entries => entries.map_err(FileError::io(folder))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(FileError::io(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "kdl") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    let a_workflow = files.iter().any(|path| !path.ends_with(solstice_policy::PATH));
    if a_workflow { Ok(files) } else { Err(none()) }
}
