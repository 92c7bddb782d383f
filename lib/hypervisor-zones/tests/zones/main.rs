//! The backend on the simulated illumos host, with real guests in QEMU. Without
//! QEMU or without the simulator's program these tests fail and say what to do.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crash;
mod laws;
mod machine;
mod refusals;
mod support;
