//! The backend with real QEMUs. Without QEMU these tests fail and say what to install.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bridge;
mod crash;
mod disk;
mod guest;
mod laws;
mod linux;
mod machine;
#[expect(dead_code, reason = "not every part of it is needed here")]
#[path = "../../../hypervisor-libvirt/tests/libvirt/namespace.rs"]
mod namespace;
mod support;
mod tiny;
