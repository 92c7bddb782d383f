//! Making a machine, from its folder to its first instruction.

use std::sync::PoisonError;

use solstice_hypervisor::folders::write_private_file;
use solstice_hypervisor::{MachineSpec, Slot};
use solstice_image::{Boot, Firmware, SeedFormat};

use crate::args::{Boot as StartsBy, Start, config};
use crate::bridge::Bridge;
use crate::card::Card;
use crate::error::QemuError;
use crate::firmware;
use crate::folder::{Folder, Note, noted_slot};
use crate::hypervisor::QemuHypervisor;
use crate::launch::Launch;
use crate::overlay::clone_disk;
use crate::probe::kernel_of;
use crate::process::end_all;
use crate::seed;
use crate::taps;
use crate::tools::without_privileges;

/// How a guest starts, and the way in which it is told who it is.
enum Plan<'a> {
    /// By a kernel of the image, and its command line.
    Kernel { by: StartsBy, cmdline: &'a str },
    /// From its disk, and by a seed.
    Disk { firmware: Firmware, seed: SeedFormat },
}

impl<'a> Plan<'a> {
    fn of(spec: &'a MachineSpec) -> Result<Self, QemuError> {
        match (kernel_of(&spec.image), &spec.image.boot) {
            (Some((by, cmdline)), _) => Ok(Plan::Kernel { by, cmdline }),
            (None, Boot::Disk { firmware, seed }) => {
                Ok(Plan::Disk { firmware: *firmware, seed: *seed })
            }
            (None, Boot::DirectKernel { .. }) => {
                let why = format!("the image {} has no kernel to boot directly", spec.image.name);
                Err(QemuError::Image { why })
            }
        }
    }
}

impl QemuHypervisor {
    /// Makes a machine that has never run, or completes it.
    pub(crate) async fn make(&self, spec: &MachineSpec) -> Result<(), QemuError> {
        let folder = self.folder(spec.id);
        let plan = Plan::of(spec)?;
        let golden = self.disks.golden(&spec.image).await?;
        // A crash may have left a disk tool at work on what is made anew now.
        end_all(folder.path(), false).await?;
        let card = self.plug_in(spec, &folder).await?;
        let disk_bytes = clone_disk(&self.config.qemu_img, &golden, spec.disk_mib, &folder).await?;
        let (boot, config, seed) = match plan {
            Plan::Kernel { by, cmdline } => (by, told(spec, cmdline, &card)?, None),
            Plan::Disk { firmware, seed } => {
                write_private_file(&folder.seed(), &seed::make(spec, seed, &card).await?)?;
                (self.firmware(firmware, &folder)?, String::new(), Some(folder.seed()))
            }
        };
        let start = Start {
            name: format!("solstice-{}-{}", self.config.host, spec.id),
            engine: self.verdict.engine,
            cpus: spec.cpus,
            memory_mib: spec.memory_mib,
            boot,
            disk: Some(folder.overlay()),
            seed,
            card: Some(card),
            console: folder.console(),
            qmp: folder.qmp(),
        };
        let qemu = &self.config.qemu;
        let through = self.bridge.as_ref().map(|_| without_privileges()).unwrap_or_default();
        let (start, config, folder) = (&start, &config, &folder);
        Launch { qemu, through: &through, start, config, folder, disk_bytes }.run().await
    }

    /// Makes a machine's folder, and connects the machine.
    async fn plug_in(&self, spec: &MachineSpec, folder: &Folder) -> Result<Card, QemuError> {
        let Some(bridge) = &self.bridge else {
            self.folders.claim(spec.id, &Note::of(spec, None))?;
            return Ok(Card::user(&self.config.relay));
        };
        bridge.keep_up().await?;
        let slot = self.claim_slot(spec, bridge)?;
        taps::make(bridge.names(), slot, folder).await?;
        Ok(Card::bridged(bridge.names(), bridge.subnet(), slot))
    }

    /// Makes a machine's folder with a slot that nobody else has.
    fn claim_slot(&self, spec: &MachineSpec, bridge: &Bridge) -> Result<Slot, QemuError> {
        let _alone = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = self.folders.list()?;
        let (own, others): (Vec<_>, Vec<_>) =
            entries.iter().partition(|entry| entry.id == spec.id && !entry.trash);
        let mut taken: Vec<_> = others.iter().filter_map(|entry| noted_slot(entry)).collect();
        let own = own.iter().find_map(|entry| noted_slot(entry));
        // Of machines whose folder somebody took away, the taps are still there.
        taken.extend(taps::slots(bridge.names())?.into_iter().filter(|slot| Some(*slot) != own));
        let subnet = bridge.subnet();
        let slot = own
            .filter(|slot| subnet.has(*slot) && !taken.contains(slot))
            .or_else(|| subnet.free_slot(&taken))
            .ok_or(QemuError::NoAddress { subnet })?;
        self.folders.claim(spec.id, &Note::of(spec, Some(slot)))?;
        Ok(slot)
    }

    /// The firmware of a machine, with variables of its own if it has such.
    fn firmware(&self, firmware: Firmware, folder: &Folder) -> Result<StartsBy, QemuError> {
        if firmware == Firmware::Bios {
            return Ok(StartsBy::Bios);
        }
        let found = firmware::find(self.config.uefi.as_ref())?;
        let vars = std::fs::read(&found.vars).map_err(QemuError::file("read", &found.vars))?;
        write_private_file(&folder.vars(), &vars)?;
        Ok(StartsBy::Uefi { code: found.code, vars: folder.vars() })
    }
}

/// QEMU's configuration with a kernel's command line that tells the guest who it is.
fn told(spec: &MachineSpec, cmdline: &str, card: &Card) -> Result<String, QemuError> {
    let (words, token) = (card.words(), spec.token.secret());
    config(&format!("{cmdline} {words} solstice.token={token}"))
        .map_err(|why| QemuError::Image { why })
}
