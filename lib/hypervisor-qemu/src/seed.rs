//! The seed of a machine that boots from its own disk: who it is, and the token.

use solstice_hypervisor::MachineSpec;
use solstice_image::{SeedFormat, VerifiedFile};
use solstice_seed::{Network, Seed};

use crate::card::Card;
use crate::error::QemuError;

/// Makes the bytes of a machine's seed. Packing an agent takes a while.
pub(crate) async fn make(
    spec: &MachineSpec,
    format: SeedFormat,
    card: &Card,
) -> Result<Vec<u8>, QemuError> {
    let (instance, token, agent) =
        (spec.id.to_string(), spec.token.clone(), spec.image.agent.clone());
    let endpoint = format!("http://{}", card.endpoint);
    // There is nowhere else to go (invariant I8).
    let network =
        Network { mac: card.mac, address: card.address, prefix: card.prefix, gateway: None };
    let made = tokio::task::spawn_blocking(move || {
        let agent = agent.as_ref().map(VerifiedFile::read).transpose()?;
        let seed = Seed {
            instance: &instance,
            hostname: "solstice",
            endpoint: &endpoint,
            token: &token,
            network,
            agent: agent.as_deref(),
        };
        Ok(solstice_seed::make(format, &seed)?)
    });
    made.await.expect("making a seed does not panic")
}
