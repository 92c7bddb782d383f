//! The files on a seed, as text.

use crate::script::{self, Addressing};
use crate::{Network, Seed};

/// One file of a seed.
pub(crate) struct File {
    /// Its name; seeds have no folders.
    pub(crate) name: &'static str,
    /// Its permission bits, where the format has such.
    pub(crate) mode: u32,
    /// What is in it.
    pub(crate) data: Vec<u8>,
}

impl File {
    fn new(name: &'static str, text: impl Into<Vec<u8>>) -> Self {
        Self { name, mode: 0o600, data: text.into() }
    }
}

/// What the NoCloud source reads, and the words for our own images.
pub(crate) fn no_cloud(seed: &Seed<'_>) -> Vec<File> {
    vec![
        File::new("meta-data", meta_data(seed)),
        File::new("network-config", network_config(&seed.network)),
        File::new("solstice.cfg", words(seed)),
        File::new("user-data", script::text(seed, Addressing::Done)),
    ]
}

/// What the generic provider of metadata-agent reads. Its own network set-up
/// knows nothing but DHCP and ends the run without a server: the script does it.
pub(crate) fn metadata_agent(seed: &Seed<'_>) -> Vec<File> {
    let mut firstboot = File::new("firstboot.sh", script::text(seed, Addressing::Ipadm));
    firstboot.mode = 0o700;
    vec![
        File::new("config.toml", "[network]\nskip = true\n"),
        firstboot,
        File::new("nodename", format!("{}\n", seed.hostname)),
    ]
}

/// JSON, which cloud-init takes as YAML and metadata-agent insists on.
fn meta_data(seed: &Seed<'_>) -> String {
    let data = serde_json::json!({
        "instance-id": seed.instance,
        "local-hostname": seed.hostname,
    });
    format!("{data}\n")
}

/// Version 1 of cloud-init's network configuration, the only one that
/// metadata-agent knows too. The address in quotes: YAML 1.1 would read some
/// as numbers to the base of 60.
fn network_config(network: &Network) -> String {
    let Network { mac, address, prefix, gateway } = network;
    let gateway = gateway.map(|to| format!("        gateway: {to}\n")).unwrap_or_default();
    format!(
        "version: 1\n\
         config:\n\
         \x20 - type: physical\n\
         \x20   name: net0\n\
         \x20   mac_address: \"{}\"\n\
         \x20   subnets:\n\
         \x20     - type: static\n\
         \x20       address: {address}/{prefix}\n\
         {gateway}",
        mac.map(|byte| format!("{byte:02x}")).join(":")
    )
}

/// The words that the agent knows from kernel command lines.
pub(crate) fn words(seed: &Seed<'_>) -> String {
    let Network { address, prefix, gateway, .. } = seed.network;
    let gateway = gateway.map(|to| format!(" solstice.gateway={to}")).unwrap_or_default();
    format!(
        "solstice.endpoint={} solstice.token={} solstice.address={address}/{prefix}{gateway}\n",
        seed.endpoint,
        seed.token.secret()
    )
}
