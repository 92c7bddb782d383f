//! The backend with a real libvirtd and real QEMUs. Without them these tests
//! fail and say what to install.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crash;
mod daemon;
mod laws;
mod linux;
mod machine;
mod namespace;
#[expect(dead_code, reason = "not every guest is needed here")]
#[path = "../../../hypervisor-qemu/tests/qemu/tiny.rs"]
mod tiny;
mod world;
