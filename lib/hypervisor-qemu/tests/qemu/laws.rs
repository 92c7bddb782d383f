//! The laws of the seam, over real QEMUs.

use crate::support::World;

solstice_hypervisor::conformance_suite!(World::new());
