//! Seeds: the small disks from which a machine that boots from its own disk
//! learns who it is and where its agent endpoint is.
//!
//! Two forms are made, for the programs that look for them in guests: a FAT
//! file system for cloud-init's NoCloud source (and for illumos'
//! metadata-agent on some hypervisors), and a cpio archive for the generic
//! provider of illumos' metadata-agent. Both hold the same script, which
//! installs the agent if the seed carries it and starts it.
//!
//! The functions are pure: the same seed gives the same bytes. Nothing here
//! writes a disk or attaches one.
//!
//! ```
//! use solstice_image::SeedFormat;
//! use solstice_model::Token;
//! use solstice_seed::{Network, Seed};
//!
//! let seed = Seed {
//!     instance: "019a2f60-7c1e-7000-8000-000000000001",
//!     hostname: "solstice",
//!     endpoint: "http://10.77.0.1:8400",
//!     token: &Token::generate(),
//!     network: Network {
//!         mac: [0x02, 0x08, 0x20, 0, 0, 1],
//!         address: "10.77.0.2".parse()?,
//!         prefix: 30,
//!         gateway: None,
//!     },
//!     agent: None,
//! };
//! let disk = solstice_seed::make(SeedFormat::NoCloud, &seed)?;
//! assert_eq!(disk.len() % 512, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod content;
mod cpio;
mod fat;
mod script;

use std::net::Ipv4Addr;

use solstice_image::SeedFormat;
use solstice_model::Token;

pub use check::SeedError;

/// The largest agent that a seed carries, in bytes.
pub const MAX_AGENT_BYTES: usize = 16 * 1024 * 1024;

/// What a machine is to know at its first boot.
#[derive(Clone, Copy, Debug)]
pub struct Seed<'a> {
    /// An id that no other machine ever had: what makes a clone's first boot one.
    pub instance: &'a str,
    /// The machine's name, one label of a host name.
    pub hostname: &'a str,
    /// The agent endpoint, `http://A.B.C.D:PORT`.
    pub endpoint: &'a str,
    /// The single-use token.
    pub token: &'a Token,
    /// The machine's one network interface.
    pub network: Network,
    /// The agent's program, for images made without it; at most [`MAX_AGENT_BYTES`].
    pub agent: Option<&'a [u8]>,
}

/// A network interface with a fixed address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The card's hardware address, by which the guest finds it.
    pub mac: [u8; 6],
    /// Its address.
    pub address: Ipv4Addr,
    /// The length of the network's prefix, 1 to 32 bits.
    pub prefix: u8,
    /// The way to everywhere else, if there is one.
    pub gateway: Option<Ipv4Addr>,
}

/// Makes the bytes of a seed disk in this format.
///
/// # Errors
///
/// [`SeedError`] if the seed has a value that no guest would take, or that is too large.
pub fn make(format: SeedFormat, seed: &Seed<'_>) -> Result<Vec<u8>, SeedError> {
    match format {
        SeedFormat::NoCloud => no_cloud(seed),
        SeedFormat::MetadataAgent => metadata_agent(seed),
    }
}

/// Makes a FAT file system labelled `cidata`, without a partition table, for
/// the NoCloud source of cloud-init and of illumos' metadata-agent. Its size is
/// a multiple of 64 KiB.
///
/// # Errors
///
/// [`SeedError`] as [`make`].
pub fn no_cloud(seed: &Seed<'_>) -> Result<Vec<u8>, SeedError> {
    check::all(seed)?;
    fat::image(check::volume_id(seed), &content::no_cloud(seed))
}

/// Makes a cpio archive in the portable format (`odc`), for the generic
/// provider of illumos' metadata-agent. Its size is a multiple of 512 bytes.
///
/// # Errors
///
/// [`SeedError`] as [`make`].
pub fn metadata_agent(seed: &Seed<'_>) -> Result<Vec<u8>, SeedError> {
    check::all(seed)?;
    Ok(cpio::archive(&content::metadata_agent(seed)))
}
