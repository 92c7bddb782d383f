//! A host of an installation: its folder, its orchestrator, what there is of
//! its machines.

use camino::{Utf8Path, Utf8PathBuf};
use rustix::process::{Pid, Signal, kill_process};
use solstice_model::Token;
use url::Url;

use crate::daemon::Daemon;
use crate::error::TestbedError;
use crate::installation::{Backend, Built, io, write, write_secret};
use crate::zones;

/// A host. Dropping it ends the orchestrator and every machine.
pub struct TestHost {
    name: String,
    /// Where its configuration and its log are.
    folder: Utf8PathBuf,
    built: Built,
    /// A command that runs the orchestrator's; empty for none.
    inside: Vec<String>,
    orchestrator: Option<Daemon>,
}

/// How a host differs from another one.
pub struct HostPlan<'a> {
    /// Its name, which its token bears.
    pub name: &'a str,
    /// Where it reaches the server's listener for hosts.
    pub server: Url,
    /// The most machines at once.
    pub capacity: u32,
    /// What jobs ask for to get one.
    pub labels: &'a [&'a str],
    /// A command that runs another one in the place where the host is, such as
    /// `ip netns exec NAME`.
    pub inside: &'a [&'a str],
}

impl TestHost {
    /// Writes the configuration into a folder of the host's own.
    pub(crate) fn prepare(
        folder: &Utf8Path,
        built: &Built,
        plan: &HostPlan<'_>,
        token: &Token,
    ) -> Result<Self, TestbedError> {
        std::fs::create_dir_all(folder).map_err(io(folder.as_str()))?;
        write_secret(&folder.join("host.token"), token.secret())?;
        let image = built.image.join("image.lock");
        let (hypervisor, image_name) = match built.backend {
            // Bridges are the computer's, which tests leave as it is.
            Backend::Qemu => (r#""qemu" network="user""#.to_owned(), "linux-mini"),
            Backend::Zones => (zones::hypervisor(), "linux-mini-disk"),
        };
        let HostPlan { name, server, capacity, .. } = plan;
        let server = server.as_str().trim_end_matches('/');
        let labels: String = plan.labels.iter().map(|label| format!(" {label:?}")).collect();
        let text = format!(
            r#"orchestrator {{
    host "{name}"
    server "{server}"
    token_file "host.token"
    data "data"
    capacity {capacity}
    source {{
        allow "file"
    }}
    hypervisor {hypervisor}
    size "small" cpus=1 memory="512MiB" disk="4GiB"
    image "{image_name}" {{
        lock "{image}"
        labels{labels}
        size "small"
    }}
}}
"#
        );
        write(&folder.join("orchestrator.kdl"), &text)?;
        let inside = plan.inside.iter().map(|word| (*word).to_owned()).collect();
        let (name, folder, built) = ((*name).to_owned(), folder.to_owned(), built.clone());
        Ok(Self { name, folder, built, inside, orchestrator: None })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its configuration and its secrets are.
    pub fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// Its configuration file.
    pub(crate) fn config(&self) -> Utf8PathBuf {
        self.folder.join("orchestrator.kdl")
    }

    /// Starts the orchestrator; whether the server has heard from it is not
    /// waited for.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Io`] if the program cannot be started.
    pub fn start(&mut self) -> Result<(), TestbedError> {
        let program = self.built.programs.join("solstice-orchestrator").into_string();
        let run = ["run".to_owned(), "--config".to_owned(), self.config().into_string()];
        let words: Vec<String> = self.inside.iter().cloned().chain([program]).chain(run).collect();
        let (program, arguments) = words.split_first().expect("there is the program at least");
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let log = self.folder.join("orchestrator.log");
        self.orchestrator = Some(Daemon::start(Utf8Path::new(program), &arguments, &log)?);
        Ok(())
    }

    /// Why the orchestrator has ended, if it has by itself.
    pub fn ended(&mut self) -> Option<TestbedError> {
        self.orchestrator.as_mut().and_then(Daemon::ended)
    }

    /// Kills the orchestrator as a crash would; machines go on.
    pub async fn kill(&mut self) {
        if let Some(orchestrator) = self.orchestrator.take() {
            orchestrator.kill().await;
        }
    }

    /// Lets the orchestrator finish its jobs, take no more and end.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Io`] if it cannot be waited for.
    pub async fn drain(&mut self) -> Result<(), TestbedError> {
        let Some(orchestrator) = self.orchestrator.take() else { return Ok(()) };
        if let Some(pid) = orchestrator.pid() {
            // One that has ended needs no telling.
            let _ = kill_process(pid, Signal::USR1);
        }
        orchestrator.wait().await.map(|_| ())
    }

    /// What is left of machines: their folders, what the orchestrator notes of
    /// attempts, and processes. Empty when every machine is gone without a trace.
    pub fn leftovers(&self) -> Vec<String> {
        let folders =
            ["qemu/machines", "zones/machines", "attempts"].map(|path| self.data().join(path));
        let entries = folders.iter().flat_map(std::fs::read_dir).flatten().flatten();
        let files = entries.map(|entry| entry.path().display().to_string());
        let processes = self.guests().into_iter().map(|pid| format!("process {pid:?}"));
        files.chain(processes).collect()
    }

    /// The process ids of its QEMUs: those whose command line names its folder,
    /// or inside the simulated illumos host, where nobody else has any, all.
    pub fn guests(&self) -> Vec<Pid> {
        let folder = match self.built.backend {
            Backend::Qemu => self.data(),
            Backend::Zones => Utf8PathBuf::new(),
        };
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
            .filter(|pid| {
                let path = format!("/proc/{}/cmdline", pid.as_raw_nonzero());
                let line = std::fs::read(path).unwrap_or_default();
                let line = String::from_utf8_lossy(&line);
                line.contains("qemu-system") && line.contains(folder.as_str())
            })
            .collect()
    }

    /// Ends a guest as a crash of its QEMU would.
    pub fn kill_guest(&self, guest: Pid) {
        // It may be gone already.
        let _ = kill_process(guest, Signal::KILL);
    }

    fn data(&self) -> Utf8PathBuf {
        self.folder.join("data")
    }
}

impl Drop for TestHost {
    fn drop(&mut self) {
        // The orchestrator first, so that it does not make anew what we end.
        drop(self.orchestrator.take());
        for guest in self.guests() {
            self.kill_guest(guest);
        }
    }
}
