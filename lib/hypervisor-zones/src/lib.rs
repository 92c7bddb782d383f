//! Machines by bhyve zones on illumos: a ZFS clone of the golden image's
//! volume, a zone of the distribution's `bhyve` brand, and a network of two
//! addresses per machine, on which nothing answers but the guest's door to the
//! agent API (invariant I8).
//!
//! # How nothing is left behind (invariant I4)
//!
//! The clone is the mark of ownership: its user properties say whose it is, for
//! which attempt and on which network, and they are set in the transaction that
//! makes it. It is made first and removed last, so after a crash at any
//! instruction `observe` lists whatever is left. Nothing is remembered between
//! two calls but the doors that this process holds open; each call looks first.
//! A zone's or a link's name holds a hash of the host's name, so that two
//! orchestrators on one computer do not meet.
//!
//! # The console
//!
//! zoneadmd serves one client per zone and loses what is printed while there is
//! none, so a process of its own ([`capture`]) is attached before the zone boots
//! and outlives the orchestrator. Its end is how the machine's end is noticed.
//!
//! # The token
//!
//! It reaches the guest on a seed (see `solstice-seed`), a file in the machine's
//! folder that only the orchestrator can read, and that the zone gets as a
//! read-only disk.
//!
//! # Example
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use solstice_hypervisor::Hypervisor;
//! use solstice_hypervisor_zones::{Brand, ZonesConfig, ZonesHypervisor};
//! use solstice_image::Lock;
//!
//! let image = Lock::read("/var/solstice/images/omnios/image.lock".into())?.verify()?;
//! let config = ZonesConfig {
//!     dataset: "rpool/solstice".parse()?,
//!     host: "moon".parse()?,
//!     state_dir: "/var/solstice/moon".into(),
//!     network: ZonesConfig::NETWORK,
//!     brand: Brand::OmniOs,
//!     endpoint_file: "/var/solstice/moon/agent-endpoint".into(),
//!     capture: vec!["/opt/solstice/lib/solstice-console".to_owned()],
//!     reserve: false,
//! };
//! let hypervisor = ZonesHypervisor::open(config, &[image]).await?;
//! println!("{:?}", hypervisor.observe().await?);
//! # Ok(())
//! # }
//! ```
//!
//! The crate compiles everywhere and works where illumos' commands are.

mod brand;
pub mod capture;
mod claim;
mod config;
mod doors;
mod error;
mod folder;
mod golden;
mod guest;
mod hypervisor;
mod links;
mod network;
mod place;
mod seed;

pub use brand::Brand;
pub use config::ZonesConfig;
pub use hypervisor::ZonesHypervisor;
pub use network::{GUEST_PORT, Network};
