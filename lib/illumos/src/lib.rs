//! Typed verbs over illumos' own commands: ZFS, zones, data links, addresses,
//! services, privileges.
//!
//! Each verb builds one argument vector, runs it by `solstice-exec` in the C
//! locale, and says by [`Cause`] why it failed, so that no caller ever reads
//! text. Reads use the parsable forms of the commands and refuse what they do
//! not understand. Names are types that cannot hold what the command would
//! misread.
//!
//! The commands are called by the absolute paths of [`programs`], with
//! `pfexec` where the profile "Solstice CI Orchestrator" grants them something;
//! ZFS works by delegation (`zfs allow`). The crate compiles everywhere and
//! works where these commands are: on illumos, and on the simulated host of the
//! tests (`tests/illumos-host`).

pub mod contract;
pub mod dladm;
mod error;
#[cfg(test)]
mod golden;
pub mod ipadm;
mod name;
mod parsable;
pub mod privileges;
pub mod programs;
mod run;
pub mod smf;
pub mod zfs;
pub mod zone;

pub use error::{Cause, IllumosError};
pub use name::NameError;
