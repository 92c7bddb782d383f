//! Git, alone: no configuration of the user's or the system's, no prompts, no
//! hooks, no transport but those that are allowed.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use camino::{Utf8Path, Utf8PathBuf};
use solstice_api::host::FetchCredential;
use solstice_exec::Command;
use url::Url;

use super::{SourceError, io_error};
use crate::settings::SourceSettings;

/// How long a command may take that only looks at a mirror.
const LOOK_LIMIT: Duration = Duration::from_secs(60);

/// Of the environment, what an operator sets to reach forges at all.
const PASSED_ON: [&str; 9] = [
    "PATH",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "no_proxy",
    "NO_PROXY",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// How Git is called.
#[derive(Clone, Debug)]
pub(crate) struct Git {
    pub(super) program: PathBuf,
    pub(super) home: Utf8PathBuf,
    pub(super) allow_file: bool,
}

impl Git {
    /// Git with an empty home directory, made here.
    pub(crate) fn new(home: Utf8PathBuf, settings: &SourceSettings) -> Result<Self, SourceError> {
        std::fs::create_dir_all(&home).map_err(io_error(&home))?;
        Ok(Self { program: settings.git.clone(), home, allow_file: settings.allow_file })
    }

    /// A command that works on a mirror.
    pub(crate) fn on(&self, mirror: &Utf8Path) -> Command {
        self.command().arg("--git-dir").arg(mirror)
    }

    /// A command.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program)
            .remedy("install git, or name it in the configuration of the service (PATH)")
            .timeout(LOOK_LIMIT)
            .env_clear()
            .env("HOME", &self.home)
            .env("XDG_CONFIG_HOME", &self.home)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "false")
            .env("GIT_LITERAL_PATHSPECS", "1")
            .env("GIT_NO_LAZY_FETCH", "1");
        for name in PASSED_ON {
            if let Some(value) = std::env::var_os(name) {
                command = command.env(name, value);
            }
        }
        for setting in [
            "protocol.version=2",
            "protocol.allow=never",
            "protocol.http.allow=always",
            "protocol.https.allow=always",
            "core.hooksPath=/dev/null",
            "credential.helper=",
            "gc.auto=0",
            // Packs are counted and their growth is watched; loose objects would not be.
            "fetch.unpackLimit=1",
            // The data directory may belong to the service's user while an operator looks.
            "safe.directory=*",
            // Whoever sends less than 1 kB/s for a minute is given up.
            "http.lowSpeedLimit=1000",
            "http.lowSpeedTime=60",
        ] {
            command = command.arg("-c").arg(setting);
        }
        if self.allow_file {
            command = command.arg("-c").arg("protocol.file.allow=always");
        }
        command
    }

    /// Which Git this is.
    pub(crate) async fn version(&self) -> Result<String, SourceError> {
        let said = self.command().arg("version").run().await.map_err(SourceError::Program)?;
        Ok(said.stdout_text().trim().to_owned())
    }

    /// Whether addresses of this scheme are fetched.
    pub(crate) fn allows(&self, scheme: &str) -> bool {
        matches!(scheme, "http" | "https") || (scheme == "file" && self.allow_file)
    }
}

/// Lets Git show a credential to this address, by its environment, which other
/// users cannot read as they could its arguments (git-config(1), http.extraHeader).
pub(super) fn authorized(git: Command, url: &Url, credential: &FetchCredential) -> Command {
    let FetchCredential { username, password } = credential;
    let basic = BASE64_STANDARD.encode(format!("{username}:{password}"));
    git.env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", format!("http.{url}.extraHeader"))
        .env("GIT_CONFIG_VALUE_0", format!("Authorization: Basic {basic}"))
}

/// Ties a lock to a command: the file stays locked until the command and all
/// that it starts have ended, even if we die before.
pub(crate) fn holding(command: Command, lock: &File) -> std::io::Result<Command> {
    // An empty file, so that it reads like no standard input.
    Ok(command.stdin_from(lock.try_clone()?))
}

/// Whether the server does not give out this single commit: it does not have
/// it, or only gives what its refs point to. Parsed from Git's messages.
pub(crate) fn refuses_single_commit(stderr: &str) -> bool {
    ["not our ref", "unadvertised object", "couldn't find remote ref"]
        .iter()
        .any(|message| stderr.contains(message))
}
