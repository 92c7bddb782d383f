//! A hypervisor in memory, stricter than any real one.
//!
//! A [`FakeWorld`] is what survives a crash of the orchestrator: its machines,
//! whole or half-made, and things that belong to somebody else. A
//! [`FakeHypervisor`] is one orchestrator's handle on it: making the next one
//! is the restart, and the old one may not be used any more.
//!
//! A machine is made in the [`Step`]s of a real one, with an await point
//! before and after each, so that a dropped future leaves what a crash leaves.
//! A [`Fault`] makes a step fail or hang. What no caller may do (two calls at
//! once for one machine, a machine without memory, another token for a machine
//! that already booted) panics, and is remembered for
//! [`FakeWorld::assert_well_used`] in case a task swallowed the panic.
//!
//! A test plays the guest through a [`FakeGuest`]: either one for one by
//! [`FakeWorld::next_boot`], or with a script that is started at every boot and
//! dies with its machine, such as an agent that talks to the orchestrator:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use solstice_hypervisor::fake::{FakeWorld, write_image};
//! use solstice_hypervisor::{Hypervisor, MachineSpec};
//! use solstice_model::{Token, id::new_id};
//!
//! # let folder = std::env::temp_dir().join(format!("fake-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! # let folder = camino::Utf8PathBuf::from_path_buf(folder).unwrap();
//! let world = FakeWorld::new();
//! world.on_boot(|guest| async move {
//!     guest.print("agent started\n");
//!     // Here: redeem guest.token() at the orchestrator's agent endpoint, run the steps.
//!     guest.power_off();
//! });
//! let hypervisor = world.hypervisor();
//! let spec = MachineSpec {
//!     id: new_id(),
//!     image: write_image(&folder)?,
//!     cpus: 1,
//!     memory_mib: 256,
//!     disk_mib: 1024,
//!     token: Token::generate(),
//! };
//! hypervisor.ensure(&spec).await?;
//! hypervisor.stopped(spec.id).await?;
//! let console = hypervisor.console(spec.id, 0, 1024).await?;
//! assert_eq!(&console.bytes[..], b"agent started\n");
//! hypervisor.destroy(spec.id).await?;
//! assert!(world.leftovers().is_empty());
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok(())
//! # }
//! ```

mod fault;
mod guest;
mod handle;
mod image;
mod world;

pub use fault::{Failure, Fault, FaultPoint, Step};
pub use guest::FakeGuest;
pub use handle::FakeHypervisor;
pub use image::write_image;
pub use world::FakeWorld;
