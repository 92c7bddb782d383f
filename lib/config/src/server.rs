//! The server's configuration: `/etc/solstice/server.kdl`.
//!
//! Everything is checked while it is read, files that hold secrets included,
//! so that a server that starts has nothing left to find out. Relative paths
//! are relative to the configuration file.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use solstice_kdl::{Document, Limits, Problem, Reader, Refusal, Value, value};
use solstice_model::Role;
use url::Url;

mod forge;
mod limits;
mod sign_in;

pub use self::forge::{ForgeConfig, ForgeKind};
pub use self::limits::{ArtifactLimits, Keep, KeepBodies, RetentionConfig};
pub use self::sign_in::SignIn;
use crate::error::ConfigError;

/// Where the configuration is unless the command line says otherwise.
pub const DEFAULT_PATH: &str = "/etc/solstice/server.kdl";

/// What the server is to do.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where people reach the pages; links in checks begin with it.
    pub base_url: Url,
    /// Directory of the database and the logs.
    pub data: PathBuf,
    /// The addresses to listen on.
    pub listen: Listen,
    /// What somebody without a token may do; nothing if absent.
    pub anonymous: Option<Role>,
    /// Proxies whose word on where a request came from is taken (`X-Forwarded-For`).
    pub trusted_proxies: Vec<IpAddr>,
    /// How often a job is tried before an infrastructure failure is final.
    pub max_attempts: u32,
    /// How long a host may be silent before its attempts are lost.
    pub lease: Duration,
    /// The largest log of one attempt, in bytes.
    pub max_log_bytes: u64,
    /// How large artifacts may be.
    pub artifacts: ArtifactLimits,
    /// What is removed when.
    pub retention: RetentionConfig,
    /// The forges, at least one, names unique.
    pub forges: Vec<ForgeConfig>,
}

/// One listener per kind of caller, so that only webhooks need to face the internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The user API and the pages.
    pub people: SocketAddr,
    /// The webhooks.
    pub webhooks: SocketAddr,
    /// The host API.
    pub hosts: SocketAddr,
}

impl Default for Listen {
    /// Loopback only, ports 8080 to 8082.
    fn default() -> Self {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self { people: at(8080), webhooks: at(8081), hosts: at(8082) }
    }
}

impl ServerConfig {
    /// Reads the configuration and the secret files that it names.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a file cannot be read or something in it is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let bytes = std::fs::read(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(path, &bytes)
    }

    /// Reads the text of a configuration that is, or would be, at `path`.
    ///
    /// # Errors
    ///
    /// As [`ServerConfig::load`].
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ConfigError> {
        let base = path.parent().unwrap_or(Path::new(""));
        let document = Document::parse(&path.display().to_string(), bytes, Limits::default())?;
        Ok(document.decode(|top| server(top.required_child("server")?, base))?)
    }
}

fn server(mut node: Reader<'_>, base: &Path) -> Option<ServerConfig> {
    let base_url = node.required_setting("base_url", root_address);
    let data = node.required_setting("data", |given| path_from(base, given));
    let listen = node.child("listen").map_or_else(Listen::default, listen);
    let anonymous = node.setting("anonymous", anonymous).unwrap_or(None);
    let trusted_proxies = node.list("trusted_proxies", ip_address).unwrap_or_default();
    let max_attempts = node.setting("max_attempts", attempts).unwrap_or(3);
    let lease = node.setting("lease", lease).unwrap_or(Duration::from_secs(60));
    let max_log_bytes = node.setting("max_log", limits::size);
    let artifacts = node.child("artifacts").map_or_else(ArtifactLimits::default, limits::artifacts);
    let retention =
        node.child("retention").map_or_else(RetentionConfig::default, limits::retention);
    let forges = forge::forges(&mut node, base);
    node.finish();
    Some(ServerConfig {
        base_url: base_url?,
        data: data?,
        listen,
        anonymous,
        trusted_proxies,
        max_attempts,
        lease,
        max_log_bytes: max_log_bytes.unwrap_or(limits::MAX_LOG_BYTES),
        artifacts,
        retention,
        forges,
    })
}

fn listen(mut node: Reader<'_>) -> Listen {
    let ours = Listen::default();
    let people = node.setting("people", address).unwrap_or(ours.people);
    let webhooks = node.setting("webhooks", address).unwrap_or(ours.webhooks);
    let hosts = node.setting("hosts", address).unwrap_or(ours.hosts);
    let fixed: Vec<_> = [people, webhooks, hosts].into_iter().filter(|at| at.port() != 0).collect();
    if fixed.iter().collect::<BTreeSet<_>>().len() < fixed.len() {
        let problem = Problem::new(node.span(), "two listeners have the same address");
        node.report(problem.help("give people, webhooks and hosts a port each"));
    }
    node.finish();
    Listen { people, webhooks, hosts }
}

fn anonymous(given: &Value) -> Result<Option<Role>, Refusal> {
    match value::string(given)?.as_str() {
        "none" => Ok(None),
        "reader" => Ok(Some(Role::Reader)),
        _ => Err(Refusal::because("somebody without a token can at most read")
            .help("write \"reader\" or \"none\"")),
    }
}

fn attempts(given: &Value) -> Result<u32, Refusal> {
    match value::integer::<u32>(given)? {
        count @ 1..=10 => Ok(count),
        _ => Err(Refusal::because("a job is tried between 1 and 10 times")),
    }
}

fn lease(given: &Value) -> Result<Duration, Refusal> {
    let lease = value::duration(given)?;
    if !(Duration::from_secs(10)..=Duration::from_secs(3600)).contains(&lease) {
        return Err(Refusal::because("a lease lasts between 10 seconds and one hour")
            .help("hosts report at least every 30 seconds; \"60s\" forgives one lost report"));
    }
    Ok(lease)
}

fn address(given: &Value) -> Result<SocketAddr, Refusal> {
    value::string(given)?.parse().map_err(|_| {
        Refusal::because("it is not an address and a port")
            .help("write for example \"127.0.0.1:8080\" or \"[::]:8080\"")
    })
}

fn ip_address(given: &Value) -> Result<IpAddr, Refusal> {
    value::string(given)?.parse().map_err(|_| {
        Refusal::because("it is not the address of a computer")
            .help("write for example \"127.0.0.1\"")
    })
}

fn web_address(given: &Value) -> Result<Url, Refusal> {
    let help = "write for example \"https://ci.example.org\"";
    let url: Url = value::parse(given).map_err(|refusal| refusal.help(help))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(Refusal::because("it is not the address of a web server").help(help));
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(Refusal::because("it has more than scheme, host, port and path").help(help));
    }
    Ok(url)
}

/// The pages link to each other from the root of their host.
fn root_address(given: &Value) -> Result<Url, Refusal> {
    let url = web_address(given)?;
    if url.path() != "/" {
        return Err(Refusal::because("it has a path, and the pages are at the root of their host")
            .help("give them a name or a port of their own, such as \"https://ci.example.org\""));
    }
    Ok(url)
}

fn path_from(base: &Path, given: &Value) -> Result<PathBuf, Refusal> {
    let text = value::string(given)?;
    if text.is_empty() || text.contains('\0') {
        return Err(Refusal::because("it is not a path"));
    }
    Ok(base.join(text))
}

#[cfg(test)]
mod tests;
