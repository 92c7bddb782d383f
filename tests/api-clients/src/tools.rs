//! The programs of other languages.

use std::process::Stdio;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use tokio::process::Command;

/// No program takes longer.
const PATIENCE: Duration = Duration::from_secs(300);

/// Where they are installed, and a folder to work in.
pub struct Tools {
    folder: Utf8PathBuf,
    work: tempfile::TempDir,
}

impl Tools {
    /// What `cargo xtask test` has installed.
    ///
    /// # Panics
    ///
    /// If it has not, with a text that says so.
    pub fn installed() -> Self {
        let folder = std::env::var("SOLSTICE_TEST_CLIENTS")
            .expect("this test needs Node.js and Python packages: run it by `cargo xtask test`");
        Self { folder: folder.into(), work: tempfile::tempdir().unwrap() }
    }

    /// A folder that is gone after the test.
    pub fn work(&self) -> &Utf8Path {
        Utf8Path::from_path(self.work.path()).unwrap()
    }

    /// A file of this crate.
    pub fn source(path: &str) -> Utf8PathBuf {
        Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
    }

    /// The document that all clients are made from.
    pub fn document() -> Utf8PathBuf {
        Self::source("../../docs/openapi/user.json")
    }

    /// A script of an installed package for Node.js.
    pub fn node(&self, script: &str) -> Command {
        let mut command = Command::new("node");
        command.arg(self.folder.join("node/node_modules").join(script));
        command
    }

    /// The installed packages for Node.js.
    pub fn node_modules(&self) -> Utf8PathBuf {
        self.folder.join("node/node_modules")
    }

    /// A program of the environment for Python.
    pub fn python(&self, program: &str) -> Command {
        Command::new(self.folder.join("python/bin").join(program))
    }

    /// Runs a program in the folder to work in; gives what it said.
    ///
    /// # Panics
    ///
    /// If it does not succeed in time, with what it said.
    pub async fn run(&self, command: &mut Command) -> String {
        command.current_dir(self.work.path()).stdin(Stdio::null()).kill_on_drop(true);
        // Nothing of what is here is to be asked of anybody else.
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"] {
            command.env_remove(name);
        }
        let ended = tokio::time::timeout(PATIENCE, command.output()).await;
        let output = ended.expect("it ends in time").unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{command:?}: {}\n{said}\n{wrong}", output.status);
        said
    }
}
