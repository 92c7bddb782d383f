//! Making a machine, from its folder to its first instruction.

use std::sync::PoisonError;

use serde::{Deserialize, Serialize};
use solstice_hypervisor::MachineSpec;
use solstice_hypervisor::folders::write_private_file;
use solstice_image::Boot;
use solstice_model::{AttemptId, HostName, ImageName, Sha256Digest};
use solstice_seed::{Network, Seed};
use virt::connect::Connect;
use virt::domain::Domain;
use virt_sys::VIR_DOMAIN_START_PAUSED;

use crate::creating::Creating;
use crate::domain::{self, Card, Disks, Life, Plan};
use crate::error::LibvirtError;
use crate::files::Files;
use crate::hypervisor::LibvirtHypervisor;
use crate::overlay::clone_disk;
use crate::qemu::bound_files;
use solstice_hypervisor::Slot;

/// What `machine.json` says of a machine, for its address and for operators; no token.
#[derive(Serialize, Deserialize)]
pub(crate) struct Note {
    /// Which address it has.
    pub(crate) slot: Slot,
    image: ImageName,
    disk: Sha256Digest,
    cpus: u8,
    memory_mib: u32,
    disk_mib: u32,
}

impl LibvirtHypervisor {
    /// Makes a machine that has never run, or completes it.
    pub(crate) async fn make(&self, spec: &MachineSpec) -> Result<(), LibvirtError> {
        let Boot::DirectKernel { cmdline } = &spec.image.boot else {
            return Err(no_kernel(&spec.image.name));
        };
        let kernel = spec.image.kernel.as_ref().ok_or_else(|| no_kernel(&spec.image.name))?;
        let slot = self.claim(spec).await?;
        let files = self.files(spec.id);
        let address = self.config.network.address(slot);
        let card = Card { network: self.bridge.name(), address };
        write_private_file(&files.seed(), &self.seed(spec, &card)?)?;
        files.make_console()?;
        let golden = &spec.image.disk.path;
        let overlay = files.overlay();
        let disk_bytes = clone_disk(&self.config.qemu_img, golden, spec.disk_mib, &overlay).await?;
        let plan = Plan {
            host: self.config.host.clone(),
            owner: Some((spec.id, slot)),
            name: format!("solstice-{}-{slot}", self.config.host),
            engine: self.verdict.engine,
            cpus: spec.cpus,
            memory_mib: spec.memory_mib,
            kernel: kernel.path.clone(),
            initrd: spec.image.initrd.as_ref().map(|file| file.path.clone()),
            cmdline: cmdline.clone(),
            console: files.console(),
            disks: Some(Disks { overlay, golden: golden.clone(), seed: files.seed() }),
            card: Some(card),
            user: self.user,
        };
        let bridge = self.bridge.clone();
        let start = Start { id: spec.id, host: plan.host.clone(), plan, files, disk_bytes };
        let started = self.link.call(move |connection| {
            let _alone = Creating::begin(start.id);
            bridge.ensure_network(connection)?;
            start.run(connection)
        });
        started.await
    }

    /// Makes the folder with a slot that nobody has.
    async fn claim(&self, spec: &MachineSpec) -> Result<Slot, LibvirtError> {
        let host = self.config.host.clone();
        // Domains whose folder somebody took away still have their address.
        let domains = self.link.call(move |connection| domain::list(connection, &host)).await?;
        let alone = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut taken, own) = self.noted_slots(spec.id)?;
        taken.extend(domains.iter().filter(|it| it.id != spec.id).map(|it| it.slot));
        let network = self.config.network;
        let slot = own
            .filter(|slot| network.has(*slot) && !taken.contains(slot))
            .or_else(|| network.free_slot(&taken))
            .ok_or_else(|| LibvirtError::NoAddress { subnet: network.to_string() })?;
        let note = Note {
            slot,
            image: spec.image.name.clone(),
            disk: spec.image.disk.sha256,
            cpus: spec.cpus,
            memory_mib: spec.memory_mib,
            disk_mib: spec.disk_mib,
        };
        self.folders.claim(spec.id, &note)?;
        drop(alone);
        Ok(slot)
    }

    fn seed(&self, spec: &MachineSpec, card: &Card) -> Result<Vec<u8>, LibvirtError> {
        let seed = Seed {
            instance: &spec.id.to_string(),
            hostname: "solstice",
            endpoint: &format!("http://{}", self.bridge.door()),
            token: &spec.token,
            network: Network {
                mac: card.mac(),
                address: card.address,
                prefix: self.config.network.prefix(),
                gateway: None,
            },
            agent: None,
        };
        solstice_seed::no_cloud(&seed).map_err(LibvirtError::Seed)
    }
}

fn no_kernel(image: &ImageName) -> LibvirtError {
    LibvirtError::Image { why: format!("the image {image} has no kernel to boot directly") }
}

/// A machine that is ready to be started.
struct Start {
    id: AttemptId,
    host: HostName,
    plan: Plan,
    files: Files,
    /// The size of the root disk, which also bounds every file that QEMU writes.
    disk_bytes: u64,
}

impl Start {
    /// Makes the domain, bounds its QEMU, and lets the guest run. Blocks.
    fn run(&self, connection: &Connect) -> Result<(), LibvirtError> {
        let found = domain::find(connection, &self.host, self.id)?;
        let domain = match found {
            Some((_, seen)) if seen.life == Life::Runs => return self.files.mark_started(),
            Some((domain, _)) => domain,
            None => Domain::create_xml(connection, &self.plan.document(), VIR_DOMAIN_START_PAUSED)
                .map_err(LibvirtError::call("start", format!("the domain {}", self.plan.name)))?,
        };
        bound_files(self.id, self.disk_bytes)?;
        domain
            .resume()
            .map_err(LibvirtError::call("run", format!("the domain {}", self.plan.name)))?;
        self.files.mark_started()
    }
}
