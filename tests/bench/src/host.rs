//! A host whose machines are plain processes, as a program of its own: so that
//! its memory is its own, too.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use clap::Args;
use slog::Logger;
use solstice_client::Connect;
use solstice_host::{
    DataDirectory, ImageSettings, Limits, MachineSize, Orchestrator, Outside, Settings, Shutdown,
    SourceSettings, SystemClock,
};
use solstice_image::Lock;
use solstice_model::Token;
use tokio::sync::watch;
use url::Url;

use crate::Failure;
use crate::process_machines::ProcessMachines;

/// What the host has to know.
#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    #[arg(long)]
    pub(crate) name: String,
    #[arg(long)]
    pub(crate) server: Url,
    /// The token itself: nobody else is on this computer
    #[arg(long)]
    pub(crate) token: String,
    #[arg(long)]
    pub(crate) folder: Utf8PathBuf,
    #[arg(long)]
    pub(crate) agent: Utf8PathBuf,
    #[arg(long)]
    pub(crate) image: Utf8PathBuf,
    #[arg(long)]
    pub(crate) capacity: u32,
}

/// Works until it is killed.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    tokio::runtime::Runtime::new()?.block_on(work(arguments.clone()))
}

async fn work(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { name, server, token, folder, agent, image, capacity } = arguments;
    let connect = Connect::to(&server).token(&Token::from_text(token));
    let (client, transfers) = (connect.host()?, connect.patient().host()?);
    let (tell_endpoint, endpoint) = watch::channel(None);
    let machines = ProcessMachines::new(agent, folder.join("machines"), endpoint);
    let (lock, digest) = Lock::read_with_digest(image.join("image.lock"))?;
    let image = ImageSettings {
        image: lock.verify()?,
        labels: vec!["linux-mini".parse()?],
        capacity,
        digest,
        size: MachineSize { cpus: 1, memory_mib: 64, disk_mib: 64 },
        boot_timeout: None,
    };
    let settings = Settings {
        host: name.parse()?,
        agent_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        capacity,
        images: vec![image],
        sizes: Default::default(),
        source: SourceSettings {
            git: "git".into(),
            allow_file: true,
            fetch_timeout: Duration::from_secs(60),
            max_size: 1 << 30,
            cache: 1 << 30,
            mirrors: 1 << 30,
        },
        drain_timeout: Duration::from_secs(10),
        visitors: None,
        limits: Limits::default(),
    };
    let data = DataDirectory::open(&folder.join("data"))?;
    let hypervisor = Arc::new(machines);
    let outside = Outside {
        hypervisor,
        server: client,
        transfers,
        clock: Arc::new(SystemClock),
        telemetry: Default::default(),
    };
    let log = Logger::root(slog::Discard, slog::o!());
    let orchestrator = Orchestrator::start(settings, data, outside, log).await?;
    tell_endpoint.send_replace(Some(format!("http://{}", orchestrator.agent_address())));
    let (_tell, told) = watch::channel(Shutdown::Run);
    Ok(orchestrator.run(told).await?)
}
