//! The backend with real QEMUs. Without QEMU these tests fail and say what to install.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crash;
mod disk;
mod laws;
mod linux;
mod machine;
mod support;
mod tiny;
