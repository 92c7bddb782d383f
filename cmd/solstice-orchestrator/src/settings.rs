//! From what the configuration says to what the orchestrator is given.

use std::path::Path;

use camino::Utf8PathBuf;
use solstice_client::{Connect, host, read_token};
use solstice_config::OrchestratorConfig;
use solstice_config::orchestrator::{ImageConfig, SizeConfig};
use solstice_host::{ImageSettings, Limits, MachineSize, Settings, SourceSettings};
use solstice_image::Lock;

use crate::failure::Failure;

/// The settings, every image read whole and found to be the locked one.
pub(crate) fn settings(config: &OrchestratorConfig) -> Result<Settings, Failure> {
    let images = config.images.iter().map(|it| image(it, config.capacity));
    Ok(Settings {
        host: config.host.clone(),
        agent_listen: config.agent_listen,
        capacity: config.capacity,
        images: images.collect::<Result<_, _>>()?,
        sizes: config.sizes.iter().map(|(name, it)| (name.clone(), size(*it))).collect(),
        source: source(config),
        drain_timeout: config.drain_timeout,
        visitors: None,
        limits: Limits::default(),
    })
}

/// One image, verified. Takes about as long as reading it.
pub(crate) fn image(config: &ImageConfig, capacity: u32) -> Result<ImageSettings, Failure> {
    let broken = |source| Failure::Image { name: config.name.clone(), source };
    let (lock, digest) = Lock::read_with_digest(utf8(&config.lock)?).map_err(broken)?;
    if lock.name != config.name {
        return Err(Failure::OtherImage { name: config.name.clone(), locked: lock.name });
    }
    Ok(ImageSettings {
        image: lock.verify().map_err(broken)?,
        digest,
        labels: config.labels.clone(),
        capacity: config.capacity.unwrap_or(capacity),
        size: size(config.size),
        boot_timeout: config.boot_timeout,
    })
}

fn size(config: SizeConfig) -> MachineSize {
    let SizeConfig { cpus, memory_mib, disk_mib } = config;
    MachineSize { cpus, memory_mib, disk_mib }
}

/// How source is fetched.
pub(crate) fn source(config: &OrchestratorConfig) -> SourceSettings {
    SourceSettings {
        git: "git".into(),
        allow_file: config.source.allow_file,
        fetch_timeout: config.source.fetch_timeout,
        max_size: config.source.max_size,
        cache: config.source.cache,
        mirrors: config.source.mirrors,
    }
}

/// A client of the server, with the token from its file.
pub(crate) fn client(config: &OrchestratorConfig) -> Result<host::Client, Failure> {
    Ok(connect(config)?.host()?)
}

/// Another one, which waits for transfers as long as they take.
pub(crate) fn transfers(config: &OrchestratorConfig) -> Result<host::Client, Failure> {
    Ok(connect(config)?.patient().host()?)
}

fn connect(config: &OrchestratorConfig) -> Result<Connect, Failure> {
    let token = read_token(&config.token_file)?;
    Ok(Connect::to(&config.server).token(&token))
}

/// A path as text.
pub(crate) fn utf8(path: &Path) -> Result<Utf8PathBuf, Failure> {
    Utf8PathBuf::from_path_buf(path.to_owned()).map_err(Failure::Path)
}
