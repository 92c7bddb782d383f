//! By what a host's bridge, taps and packet filter are known as its own.

use solstice_hypervisor::Slot;
use solstice_model::{HostName, Sha256Digest};

/// The names of all that a host makes in the kernel's network. A device's name
/// has at most 15 bytes (IFNAMSIZ in linux/if.h), too few for a host's: they
/// begin with a number that is made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    mark: String,
}

impl Names {
    pub(crate) fn of(host: &HostName) -> Self {
        let mut mark = Sha256Digest::of(host.as_str().as_bytes()).hex();
        mark.truncate(8);
        Self { mark }
    }

    /// The bridge.
    pub(crate) fn bridge(&self) -> String {
        format!("sq-{}", self.mark)
    }

    /// What the names of all taps begin with, and no other's.
    pub(crate) fn tap_prefix(&self) -> String {
        format!("{}-", self.bridge())
    }

    /// The tap of a slot; slots have at most three digits in hexadecimal.
    pub(crate) fn tap(&self, slot: Slot) -> String {
        format!("{}{slot:x}", self.tap_prefix())
    }

    /// The slot of a tap, if it is one of ours.
    pub(crate) fn slot(&self, device: &str) -> Option<Slot> {
        let slot = Slot::from_str_radix(device.strip_prefix(&self.tap_prefix())?, 16).ok()?;
        (self.tap(slot) == device).then_some(slot)
    }

    /// The tables of the packet filter.
    pub(crate) fn table(&self) -> String {
        format!("solstice-qemu-{}", self.mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tap_tells_its_slot_and_others_tell_none() {
        let names = Names::of(&"moon".parse().unwrap());
        for slot in [0, 2, 255, 4094] {
            assert!(names.tap(slot).len() <= 15);
            assert_eq!(names.slot(&names.tap(slot)), Some(slot));
        }
        let mars = Names::of(&"mars".parse().unwrap()).tap(2);
        let (bridge, prefix) = (names.bridge(), names.tap_prefix());
        for other in [&mars, &bridge, &prefix, &format!("{prefix}02"), &format!("{prefix}+2")] {
            assert_eq!(names.slot(other), None, "{other}");
        }
    }
}
