//! The laws of the seam, over a real libvirtd.

use crate::world::World;

solstice_hypervisor::conformance_suite!(World::new());
