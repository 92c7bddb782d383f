//! The one place where the bhyve brands differ. illumos itself has none: it is
//! the distributions' code.
//!
//! Source: omniosorg/pkg5 src/brand/bhyve (boot.py, and its ancestor `init`,
//! from which OpenIndiana's brand descends); bhyve(7) of OmniOS.

use solstice_illumos::zfs::Dataset;
use solstice_image::Firmware;
use solstice_model::AttemptId;

/// Whose bhyve brand this host has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brand {
    /// OmniOS'.
    OmniOs,
    /// OpenIndiana's, an older relative of it.
    OpenIndiana,
}

/// The machine that a brand is told to run.
#[derive(Clone, Debug)]
pub(crate) struct Hardware {
    pub(crate) id: AttemptId,
    pub(crate) cpus: u8,
    pub(crate) memory_mib: u32,
    pub(crate) firmware: Firmware,
    pub(crate) disk: Dataset,
}

impl Brand {
    /// The zone attributes from which the brand makes bhyve's command line. The
    /// boot disk is the guest's first virtio disk, the seed its second.
    pub(crate) fn attributes(self, hardware: &Hardware) -> Vec<(String, String)> {
        let Hardware { id, cpus, memory_mib, firmware, disk } = hardware;
        let mut attributes = vec![
            ("bootrom", bootrom(*firmware).to_owned()),
            ("vcpus", cpus.to_string()),
            ("ram", format!("{memory_mib}M")),
            ("bootdisk", disk.to_string()),
            ("disk0", self.seed().to_owned()),
        ];
        if self == Brand::OmniOs {
            // OpenIndiana's gives the guest the zone's own UUID, and no rng.
            attributes.push(("uuid", id.to_string()));
            attributes.push(("rng", "on".to_owned()));
        }
        attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The seed as the brand takes a disk. OmniOS' takes an absolute path as it
    /// is. The older code puts `/dev/zvol/rdsk/` before everything that does not
    /// begin so, and that directory is there: the boot disk is in it.
    fn seed(self) -> &'static str {
        match self {
            Brand::OmniOs => "/seed.img,ro",
            Brand::OpenIndiana => "../../../seed.img,ro",
        }
    }
}

/// Said always: the brands' defaults differ.
fn bootrom(firmware: Firmware) -> &'static str {
    match firmware {
        Firmware::Bios => "BHYVE_RELEASE_CSM",
        Firmware::Uefi => "BHYVE_RELEASE",
    }
}
