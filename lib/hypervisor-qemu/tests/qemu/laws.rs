//! The laws of the seam, over real QEMUs.

mod of_machines_with_a_kernel {
    use crate::support::World;

    solstice_hypervisor::conformance_suite!(World::new());
}

mod of_machines_that_boot_from_their_disk {
    use crate::support::World;

    solstice_hypervisor::conformance_suite!(World::from_disk());
}

mod of_machines_on_a_bridge {
    use crate::support::World;

    solstice_hypervisor::conformance_suite!(World::bridged());
}
