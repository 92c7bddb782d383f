//! A whole installation on this computer: a recording forge, the server, the
//! orchestrator, each as a user would start it, in a folder of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::process::Pid;
use solstice_model::Token;
use tokio::process::Command;
use url::Url;

use crate::api::Api;
use crate::daemon::Daemon;
use crate::error::TestbedError;
use crate::forge::{Options, RecordingForge};
use crate::host::{HostPlan, TestHost};
use crate::zones;

/// The name of the host in the testbed.
pub const HOST: &str = "testbed";

/// Where our programs and the golden image are, and what makes machines of it.
#[derive(Clone, Debug)]
pub struct Built {
    /// The folder with the programs.
    pub programs: Utf8PathBuf,
    /// The folder with `image.lock`.
    pub image: Utf8PathBuf,
    /// What makes the machines.
    pub backend: Backend,
}

/// What makes the machines of an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// QEMU, with the image `linux-mini`.
    Qemu,
    /// Zones, with the image `linux-mini-disk`; only inside the simulated
    /// illumos host.
    Zones,
}

impl Built {
    /// Takes all from the environment: programs and images where `cargo xtask
    /// test` puts them, zones if `SOLSTICE_TEST_BACKEND` says so.
    ///
    /// # Errors
    ///
    /// [`TestbedError::NotBuilt`] if they are not there.
    pub fn from_env() -> Result<Self, TestbedError> {
        let backend = match std::env::var("SOLSTICE_TEST_BACKEND").as_deref() {
            Ok("zones") => Backend::Zones,
            _ => Backend::Qemu,
        };
        let folder = |key: &str| {
            std::env::var(key).map(Utf8PathBuf::from).map_err(|_| {
                TestbedError::NotBuilt(format!(
                    "{key} is not set: run this through `cargo xtask test`"
                ))
            })
        };
        let image = match backend {
            Backend::Qemu => "SOLSTICE_TEST_IMAGE",
            Backend::Zones => "SOLSTICE_TEST_DISK_IMAGE",
        };
        Ok(Self { programs: folder("SOLSTICE_TEST_PROGRAMS")?, image: folder(image)?, backend })
    }
}

/// The addresses of the server's listeners.
#[derive(Clone, Copy, Debug)]
struct Listeners {
    people: SocketAddr,
    webhooks: SocketAddr,
    hosts: SocketAddr,
}

/// The installation. Dropping it ends the daemons and every machine.
pub struct Installation {
    folder: Utf8PathBuf,
    _keep: tempfile::TempDir,
    built: Built,
    listeners: Listeners,
    forge: RecordingForge,
    secret: String,
    admin: Token,
    server: Option<Daemon>,
    /// Made with the rest, in `prepare`.
    host: Option<TestHost>,
}

impl Installation {
    /// Sets everything up and starts the forge, but neither daemon.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if a file cannot be written or the forge not started.
    pub async fn prepare(built: Built) -> Result<Self, TestbedError> {
        Self::prepare_at(built, Ipv4Addr::LOCALHOST).await
    }

    /// As [`Installation::prepare`], with the forge and the server's listener
    /// for hosts at an address that other computers reach.
    ///
    /// # Errors
    ///
    /// As [`Installation::prepare`].
    pub async fn prepare_at(mut built: Built, address: Ipv4Addr) -> Result<Self, TestbedError> {
        let image = built.image.canonicalize_utf8();
        built.image = image.map_err(io(built.image.as_str()))?;
        // Short, because the path of a UNIX socket below it has 107 bytes at most.
        let keep = tempfile::Builder::new().prefix("solstice-").tempdir_in("/tmp");
        let keep = keep.map_err(io("/tmp"))?;
        let folder = Utf8PathBuf::from_path_buf(keep.path().to_owned())
            .map_err(|path| TestbedError::NotBuilt(format!("{} is not UTF-8", path.display())))?;
        let forge_folder = folder.join("forge");
        std::fs::create_dir_all(&forge_folder).map_err(io(forge_folder.as_str()))?;
        let options = Options { listen: (address, 0).into(), ..Options::default() };
        let forge = RecordingForge::start_with(&forge_folder, options).await?;
        let local = Ipv4Addr::LOCALHOST;
        let (people, webhooks, hosts) = (free(local)?, free(local)?, free(address)?);
        let listeners = Listeners { people, webhooks, hosts };
        let mut installation = Self {
            folder,
            _keep: keep,
            built,
            listeners,
            forge,
            secret: hex::encode(Token::generate().secret()),
            admin: Token::generate(),
            server: None,
            host: None,
        };
        installation.write_server()?;
        installation.admin = installation.make_token("admin", "testbed-admin").await?;
        let plan = HostPlan {
            name: HOST,
            server: installation.hosts_url(),
            capacity: 2,
            labels: &["linux-mini"],
            inside: &[],
        };
        installation.host = Some(installation.another_host(&plan).await?);
        if installation.built.backend == Backend::Zones {
            zones::prepare(&installation.built).await?;
        }
        Ok(installation)
    }

    /// Sets everything up and starts all of it.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if something does not come up.
    pub async fn start(built: Built) -> Result<Self, TestbedError> {
        let mut installation = Self::prepare(built).await?;
        installation.start_server().await?;
        installation.start_orchestrator().await?;
        Ok(installation)
    }

    /// Changes the text of a configuration file (`server` or `orchestrator`).
    ///
    /// # Errors
    ///
    /// [`TestbedError::Io`] if it cannot be read or written.
    pub fn edit(
        &self,
        name: &str,
        change: impl FnOnce(String) -> String,
    ) -> Result<(), TestbedError> {
        let path = self.config(name);
        let text = std::fs::read_to_string(&path).map_err(io(path.as_str()))?;
        write(&path, &change(text))
    }

    fn config(&self, name: &str) -> Utf8PathBuf {
        match name {
            "orchestrator" => self.host().config(),
            _ => self.folder.join(format!("{name}.kdl")),
        }
    }

    /// Makes another host, with a token of its own; it is not started.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if the token cannot be made or a file not be written.
    pub async fn another_host(&self, plan: &HostPlan<'_>) -> Result<TestHost, TestbedError> {
        let token = self.make_token("host", plan.name).await?;
        TestHost::prepare(&self.folder.join("hosts").join(plan.name), &self.built, plan, &token)
    }

    fn host(&self) -> &TestHost {
        self.host.as_ref().expect("`prepare` makes it")
    }

    fn host_mut(&mut self) -> &mut TestHost {
        self.host.as_mut().expect("`prepare` makes it")
    }

    /// Makes the host boot the golden image with another end of its kernel's
    /// command line, and give up soon when no agent reports.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Io`] if a file cannot be written.
    pub fn boot_with(&self, cmdline: &str) -> Result<(), TestbedError> {
        let folder = self.folder.join("image");
        std::fs::create_dir(&folder).map_err(io(folder.as_str()))?;
        let original = self.built.image.join("image.lock");
        let lock = std::fs::read(&original).map_err(io(original.as_str()))?;
        let mut lock: serde_json::Value = serde_json::from_slice(&lock).map_err(|error| {
            TestbedError::NotBuilt(format!("{original} is not an image lock: {error}"))
        })?;
        let ended = format!("{} {cmdline}", lock["boot"]["cmdline"].as_str().unwrap_or_default());
        lock["boot"]["cmdline"] = ended.into();
        for file in ["kernel", "initrd", "disk"] {
            let name = lock["files"][file]["path"].as_str().unwrap_or_default();
            // A host refuses links: they could be pointed elsewhere.
            std::fs::copy(self.built.image.join(name), folder.join(name)).map_err(io(name))?;
        }
        write(&folder.join("image.lock"), &lock.to_string())?;
        let (from, to) = (original.to_string(), folder.join("image.lock").to_string());
        self.edit("orchestrator", |text| {
            text.replace(&from, &to)
                .replace("size \"small\"\n", "size \"small\"\n        boot_timeout \"8s\"\n")
        })
    }

    /// Runs a daemon that is expected to end by itself; returns its exit code
    /// and what it said.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Late`] if it goes on instead.
    pub async fn refusal(&self, name: &str) -> Result<(Option<i32>, String), TestbedError> {
        let config = self.config(name);
        let mut command = Command::new(self.built.programs.join(format!("solstice-{name}")));
        command.args(["run", "--config", config.as_str()]).kill_on_drop(true);
        let limit = Duration::from_secs(30);
        let output = tokio::time::timeout(limit, command.output()).await;
        let output = output
            .map_err(|_| TestbedError::Late { what: format!("end of solstice-{name}"), limit })?
            .map_err(io(name))?;
        Ok((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    /// Ends a guest as a crash of its QEMU would.
    pub fn kill_guest(&self, guest: Pid) {
        self.host().kill_guest(guest);
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Ended`] with what it said if it ends instead.
    pub async fn start_server(&mut self) -> Result<(), TestbedError> {
        let mut daemon = self.daemon("solstice-server", "server")?;
        let api = self.api();
        wait_for("answer of the server", Duration::from_secs(30), || {
            let gone = daemon.ended();
            let api = &api;
            async move { gone.map_or(Ok(()), Err).and(Ok(api.health().await.is_ok().then_some(()))) }
        })
        .await?;
        self.server = Some(daemon);
        Ok(())
    }

    /// Starts the orchestrator and waits until the server has heard from it.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Ended`] with what it said if it ends instead.
    pub async fn start_orchestrator(&mut self) -> Result<(), TestbedError> {
        let mut host = self.host.take().expect("`prepare` makes it");
        let started = self.start_host(&mut host).await;
        self.host = Some(host);
        started
    }

    /// Starts a host's orchestrator and waits until the server has heard from it.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Ended`] with what it said if it ends instead.
    pub async fn start_host(&self, host: &mut TestHost) -> Result<(), TestbedError> {
        let (api, before) = (self.api(), chrono::Utc::now());
        host.start()?;
        let name = host.name().to_owned();
        wait_for("word from the orchestrator", Duration::from_secs(60), || {
            let gone = host.ended();
            let (api, name) = (&api, &name);
            async move {
                gone.map_or(Ok(()), Err)?;
                let heard = api.hosts().await?.into_iter().find(|host| host.name.as_str() == name);
                Ok(heard.filter(|host| host.seen_at >= before).map(|_| ()))
            }
        })
        .await
    }

    /// Kills the server as a crash would.
    pub async fn kill_server(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill().await;
        }
    }

    /// Kills the orchestrator as a crash would; machines go on.
    pub async fn kill_orchestrator(&mut self) {
        self.host_mut().kill().await;
    }

    /// The recording forge.
    pub fn forge(&self) -> &RecordingForge {
        &self.forge
    }

    /// Delivers a push as the forge would. Returns the HTTP status of the answer.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if the server does not answer.
    pub async fn deliver(&self, payload: &[u8]) -> Result<u16, TestbedError> {
        self.forge.deliver(&self.webhook_url(), &self.secret, "push", payload).await
    }

    /// Waits until the forge has been told every state.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Late`] if something stays untold.
    pub async fn wait_until_reported(&self, limit: Duration) -> Result<(), TestbedError> {
        let api = self.api();
        wait_for("delivery of every report", limit, || async {
            Ok((api.health().await?.unreported == 0).then_some(()))
        })
        .await
    }

    /// The user API, with the rights of an administrator.
    pub fn api(&self) -> Api {
        Api::new(&self.people_url(), &self.admin)
    }

    /// Where people look.
    pub fn people_url(&self) -> Url {
        let url = format!("http://{}", self.listeners.people);
        url.parse().expect("an address makes a URL")
    }

    /// Where the forge delivers.
    pub fn webhook_url(&self) -> String {
        format!("http://{}/webhooks/forgejo", self.listeners.webhooks)
    }

    /// The secret that forge and server share.
    pub fn webhook_secret(&self) -> &str {
        &self.secret
    }

    /// The folder of it all.
    pub fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// The folder of its own host.
    pub fn host_folder(&self) -> &Utf8Path {
        self.host().folder()
    }

    /// What is left of machines: their folders, what the orchestrator notes of
    /// attempts, and processes. Empty when every machine is gone without a trace.
    pub fn leftovers(&self) -> Vec<String> {
        self.host().leftovers()
    }

    /// Waits until nothing is left of any machine.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Late`] if something stays.
    pub async fn wait_until_clean(&self, limit: Duration) -> Result<(), TestbedError> {
        wait_for("end of every machine", limit, || async {
            Ok(self.leftovers().is_empty().then_some(()))
        })
        .await
    }

    /// The process ids of the QEMUs of this installation's own host.
    pub fn guests(&self) -> Vec<Pid> {
        self.host().guests()
    }

    /// Where hosts of this computer reach the server.
    pub fn hosts_url(&self) -> Url {
        let url = format!("http://{}", self.listeners.hosts);
        url.parse().expect("an address makes a URL")
    }

    fn daemon(&self, program: &str, name: &str) -> Result<Daemon, TestbedError> {
        let config = self.folder.join(format!("{name}.kdl"));
        let log = self.folder.join(format!("{name}.log"));
        let arguments = ["run", "--config", config.as_str()];
        Daemon::start(&self.built.programs.join(program), &arguments, &log)
    }

    /// The server's process, while it runs.
    pub fn server(&self) -> Option<&Daemon> {
        self.server.as_ref()
    }

    /// Makes a token, as an operator would on the server's computer.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Command`] if the server's program refuses.
    pub async fn make_token(&self, role: &str, name: &str) -> Result<Token, TestbedError> {
        let config = self.folder.join("server.kdl");
        let arguments =
            ["token", "create", "--config", config.as_str(), "--role", role, "--name", name];
        let output = Command::new(self.built.programs.join("solstice-server"))
            .args(arguments)
            .output()
            .await
            .map_err(io("solstice-server"))?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let command = "solstice-server token create".to_owned();
            return Err(TestbedError::Command { command, status: output.status, said });
        }
        Ok(Token::from_text(said))
    }

    fn write_server(&self) -> Result<(), TestbedError> {
        let Listeners { people, webhooks, hosts } = self.listeners;
        let forge = self.forge.base_url();
        write_secret(&self.folder.join("webhook.secret"), &self.secret)?;
        write_secret(&self.folder.join("forge.token"), self.forge.token())?;
        let text = format!(
            r#"server {{
    base_url "http://{people}"
    data "server"
    listen {{
        people "{people}"
        webhooks "{webhooks}"
        hosts "{hosts}"
    }}
    anonymous "reader"
    forge "forgejo" kind="forgejo" url="{forge}" {{
        webhook_secret_file "webhook.secret"
        token_file "forge.token"
    }}
}}
"#
        );
        write(&self.folder.join("server.kdl"), &text)
    }
}

/// Asks again and again, with short pauses, until there is an answer. For
/// what gives no signal across a process border.
///
/// # Errors
///
/// [`TestbedError::Late`] after `limit`, or what `ask` says.
pub async fn wait_for<T, F>(
    what: &str,
    limit: Duration,
    mut ask: impl FnMut() -> F,
) -> Result<T, TestbedError>
where
    F: Future<Output = Result<Option<T>, TestbedError>>,
{
    let deadline = tokio::time::Instant::now() + limit;
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if tokio::time::Instant::now() > deadline {
            return Err(TestbedError::Late { what: what.to_owned(), limit });
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// A port that is free now. Somebody may take it before we do, in which case
/// the daemon says so.
fn free(address: Ipv4Addr) -> Result<SocketAddr, TestbedError> {
    let listener = TcpListener::bind((address, 0)).map_err(io("a free port"))?;
    listener.local_addr().map_err(io("a free port"))
}

pub(crate) fn write(path: &Utf8Path, text: &str) -> Result<(), TestbedError> {
    std::fs::write(path, text).map_err(io(path.as_str()))
}

pub(crate) fn write_secret(path: &Utf8Path, text: &str) -> Result<(), TestbedError> {
    use std::io::Write as _;

    let mut options = std::fs::File::options();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(io(path.as_str()))
}

pub(crate) fn io(what: &str) -> impl FnOnce(std::io::Error) -> TestbedError {
    let what = what.to_owned();
    move |source| TestbedError::Io { what, source }
}
