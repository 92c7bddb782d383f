//! The laws of the seam, each on a simulated host of its own.

use crate::support::World;

solstice_hypervisor::conformance_suite!({
    let Some(world) = World::of_this_test() else { return };
    std::future::ready(world)
});
