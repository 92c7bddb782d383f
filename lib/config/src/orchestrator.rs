//! The orchestrator's configuration: `/etc/solstice/orchestrator.kdl`.
//!
//! The whole file is checked while it is read. Files that it names (token,
//! image locks) are not opened here: `solstice-orchestrator check` does that.
//! Relative paths are relative to the configuration file.

mod catalogue;
mod hypervisor;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use solstice_kdl::{Document, Limits, Problem, Reader, Refusal, Value, value};
use solstice_metrics::Place;
use solstice_model::{HostName, SizeName};
use url::Url;

pub use self::catalogue::{ImageConfig, SizeConfig};
pub use self::hypervisor::{
    Accelerator, Brand, HypervisorConfig, Ipv4Network, LibvirtSettings, QemuNetwork, QemuSettings,
    UefiFiles, ZonesSettings,
};
use crate::error::ConfigError;
use crate::telemetry;

/// Where the configuration is unless the command line says otherwise.
pub const DEFAULT_PATH: &str = "/etc/solstice/orchestrator.kdl";

/// More machines than any host has.
const MAX_CAPACITY: u32 = 1_000;

/// What the orchestrator is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrchestratorConfig {
    /// This host's name; its token was made for it.
    pub host: HostName,
    /// The server's host API.
    pub server: Url,
    /// The file with the host's token.
    pub token_file: PathBuf,
    /// Directory of all that the orchestrator keeps.
    pub data: PathBuf,
    /// Where guests are served; a loopback address.
    pub agent_listen: SocketAddr,
    /// How long a drain waits for the jobs that run.
    pub drain_timeout: Duration,
    /// The most machines at once.
    pub capacity: u32,
    /// What makes the machines.
    pub hypervisor: HypervisorConfig,
    /// How source is fetched.
    pub source: SourceConfig,
    /// Where scrapers are served, unasked.
    pub metrics: Option<Place>,
    /// The collector that traces go to.
    pub telemetry: Option<Url>,
    /// The golden images, at least one, names and labels unique.
    pub images: Vec<ImageConfig>,
    /// The sizes of machine by name; a job may ask for any of them.
    pub sizes: BTreeMap<SizeName, SizeConfig>,
}

/// How source is fetched and how much of it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceConfig {
    /// Whether repositories may be directories of this host (`file:` URLs).
    pub allow_file: bool,
    /// How long one fetch may take.
    pub fetch_timeout: Duration,
    /// The largest source tree, in bytes.
    pub max_size: u64,
    /// How many bytes of archives are kept for the next job.
    pub cache: u64,
    /// How many bytes of mirrors are kept.
    pub mirrors: u64,
}

impl Default for SourceConfig {
    /// Ten minutes, 4 GiB a tree, 4 GiB of archives and 32 GiB of mirrors.
    fn default() -> Self {
        Self {
            allow_file: false,
            fetch_timeout: Duration::from_secs(600),
            max_size: 4 << 30,
            cache: 4 << 30,
            mirrors: 32 << 30,
        }
    }
}

impl OrchestratorConfig {
    /// Reads the configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the file cannot be read or something in it is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let bytes = std::fs::read(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(path, &bytes)
    }

    /// Reads the text of a configuration that is, or would be, at `path`.
    ///
    /// # Errors
    ///
    /// As [`OrchestratorConfig::load`].
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ConfigError> {
        let base = path.parent().unwrap_or(Path::new(""));
        let document = Document::parse(&path.display().to_string(), bytes, Limits::default())?;
        Ok(document.decode(|top| orchestrator(top.required_child("orchestrator")?, base))?)
    }
}

fn orchestrator(mut node: Reader<'_>, base: &Path) -> Option<OrchestratorConfig> {
    let host = node.required_setting("host", value::parse::<HostName>);
    let server = node.required_setting("server", server_address);
    let token_file = node.required_setting("token_file", |given| path_from(base, given));
    let data = node.required_setting("data", |given| path_from(base, given));
    let agent_listen = node.setting("agent_listen", loopback);
    let drain_timeout = node.setting("drain_timeout", |given| {
        duration_between(given, Duration::ZERO, Duration::from_secs(24 * 3600))
    });
    let capacity = node.required_setting("capacity", capacity);
    let hypervisor = node.required_child("hypervisor").map(hypervisor::hypervisor);
    let source = node.child("source").map_or_else(SourceConfig::default, source);
    let metrics = node.setting("metrics", |given| telemetry::metrics(base, given));
    let telemetry = node.child("telemetry").and_then(telemetry::telemetry);
    let sizes = catalogue::sizes(&mut node);
    let images = catalogue::images(&mut node, base, &sizes);
    node.finish();
    Some(OrchestratorConfig {
        host: host?,
        server: server?,
        token_file: token_file?,
        data: data?,
        agent_listen: agent_listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0))),
        drain_timeout: drain_timeout.unwrap_or(Duration::from_secs(300)),
        capacity: capacity?,
        hypervisor: hypervisor??,
        source,
        metrics,
        telemetry,
        images,
        sizes: sizes.into_iter().filter_map(|(name, size)| Some((name, size?))).collect(),
    })
}

fn source(mut node: Reader<'_>) -> SourceConfig {
    let ours = SourceConfig::default();
    let allowed = node.list("allow", |given| match value::string(given)?.as_str() {
        "file" => Ok(()),
        other => Err(Refusal::because(format!("{other:?} cannot be allowed"))
            .help("http and https always are; write \"file\" to allow directories of this host")),
    });
    let fetch_timeout = node.setting("fetch_timeout", |given| {
        duration_between(given, Duration::from_secs(1), Duration::from_secs(24 * 3600))
    });
    let max_size = node.setting("max_size", value::size);
    let cache = node.setting("cache", value::size);
    let mirrors = node.setting("mirrors", value::size);
    if max_size == Some(0) {
        let problem = Problem::new(node.span(), "a `max_size` of 0 lets no source through");
        node.report(problem.help("write for example \"4GiB\""));
    }
    node.finish();
    SourceConfig {
        allow_file: allowed.is_some_and(|all| !all.is_empty()),
        fetch_timeout: fetch_timeout.unwrap_or(ours.fetch_timeout),
        max_size: max_size.unwrap_or(ours.max_size),
        cache: cache.unwrap_or(ours.cache),
        mirrors: mirrors.unwrap_or(ours.mirrors),
    }
}

/// A number of machines.
fn capacity(given: &Value) -> Result<u32, Refusal> {
    match value::integer::<u32>(given)? {
        0 => Err(Refusal::because("a capacity of 0 runs no job")
            .help("write how many machines may run at once; to rest a host, stop its service")),
        many if many > MAX_CAPACITY => {
            Err(Refusal::because(format!("more than {MAX_CAPACITY} machines are not supported")))
        }
        capacity => Ok(capacity),
    }
}

fn duration_between(given: &Value, least: Duration, most: Duration) -> Result<Duration, Refusal> {
    let duration = value::duration(given)?;
    if !(least..=most).contains(&duration) {
        let (least, most) = (least.as_secs(), most.as_secs());
        return Err(Refusal::because(format!("it must lie between {least} and {most} seconds")));
    }
    Ok(duration)
}

fn loopback(given: &Value) -> Result<SocketAddr, Refusal> {
    let address: SocketAddr = value::string(given)?.parse().map_err(|_| {
        Refusal::because("it is not an address and a port").help("write \"127.0.0.1:0\"")
    })?;
    if !address.ip().is_loopback() {
        return Err(Refusal::because(format!("{} can be reached by others", address.ip()))
            .help("guests come through the hypervisor: write \"127.0.0.1:0\""));
    }
    Ok(address)
}

fn server_address(given: &Value) -> Result<Url, Refusal> {
    let help = "write for example \"http://127.0.0.1:8082\", the server's `hosts` listener";
    let url: Url = value::parse(given).map_err(|refusal| refusal.help(help))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(Refusal::because("it is not the address of a web server").help(help));
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(Refusal::because("it has more than scheme, host, port and path").help(help));
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
