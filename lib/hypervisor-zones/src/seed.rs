//! The seed: what a machine is told, in the form that its image reads.

use solstice_hypervisor::MachineSpec;
use solstice_image::{Boot, Firmware, ImageError, SeedFormat, VerifiedFile, VerifiedImage};
use solstice_model::Sha256Digest;
use solstice_seed::{Network, Seed};

use crate::error::ZonesError;
use crate::links::Addresses;
use crate::network::{GUEST_PORT, PREFIX};

/// How an image starts, if it starts from its disk.
pub(crate) fn disk_of(image: &VerifiedImage) -> Result<(Firmware, SeedFormat), ZonesError> {
    match image.boot {
        Boot::Disk { firmware, seed } => Ok((firmware, seed)),
        Boot::DirectKernel { .. } => {
            let why = "it has a kernel beside its disk, and bhyve loads none".to_owned();
            Err(ZonesError::NotBootable { why })
        }
    }
}

/// Reads the agent that the seed is to carry, and checks the very bytes.
pub(crate) async fn read_agent(agent: Option<VerifiedFile>) -> Result<Option<Vec<u8>>, ZonesError> {
    let Some(agent) = agent else { return Ok(None) };
    let read = tokio::task::spawn_blocking(move || {
        let failed = ZonesError::file("read", &agent.path);
        let bytes = std::fs::read(&agent.path).map_err(failed)?;
        let (found, locked) = (Sha256Digest::of(&bytes), agent.sha256);
        if found != locked {
            let path = agent.path;
            return Err(ImageError::Differs { path, found, locked }.into());
        }
        Ok(Some(bytes))
    });
    read.await.expect("reading does not panic")
}

/// Makes the bytes of a machine's seed; packing an agent takes a while.
pub(crate) async fn make(
    spec: &MachineSpec,
    addresses: Addresses,
    agent: Option<Vec<u8>>,
) -> Result<Vec<u8>, ZonesError> {
    let (_firmware, format) = disk_of(&spec.image)?;
    let (instance, token) = (spec.id.to_string(), spec.token.clone());
    let made = tokio::task::spawn_blocking(move || {
        let seed = Seed {
            instance: &instance,
            hostname: "solstice",
            endpoint: &format!("http://{}:{GUEST_PORT}", addresses.host),
            token: &token,
            network: Network {
                mac: addresses.mac.0,
                address: addresses.guest,
                prefix: PREFIX,
                // There is nowhere else to go (invariant I8).
                gateway: None,
            },
            agent: agent.as_deref(),
        };
        solstice_seed::make(format, &seed)
    });
    Ok(made.await.expect("making a seed does not panic")?)
}
