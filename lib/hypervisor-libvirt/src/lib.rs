//! Machines through libvirt on Linux: transient domains of the system's libvirtd
//! with a qcow2 overlay over the golden image's disk and the image's kernel booted
//! directly, on a network of their own on which nothing but the door to the agent
//! API answers (invariant I8). Images that boot from their own disk are refused.
//!
//! # How nothing is left behind (invariant I4)
//!
//! A machine is a folder ([`LibvirtConfig::state_dir`]`/machines/<id>`) and a
//! domain whose UUID is the attempt's id and whose metadata names the host, the
//! id and the slot. The domain is transient: when its guest ends, libvirt forgets
//! it. It outlives the orchestrator, and libvirtd too. Removing begins with a
//! rename of the folder: a QEMU that is not executed yet cannot open its files
//! any more and ends, whoever still wanted it started.
//!
//! A domain is made suspended, bounded, and then told to run. It is named
//! `solstice-<host>-<slot>`, so libvirt itself refuses to give a slot twice, and
//! its log below `/var/log/libvirt/qemu` is used again instead of staying for ever.
//!
//! What stays is one network and one filter per host, both `solstice-<host>`. Of
//! a host that is given up they are removed by `virsh net-destroy` and `virsh
//! nwfilter-undefine`.
//!
//! # The network (invariant I8)
//!
//! A bridge without a way out, without DHCP and DNS: libvirt's own rules reject
//! what would be forwarded. Each guest's card is an isolated port, which the
//! bridge connects with the host but not with other guests. In front of each card
//! is a filter (ebtables, on the host's side) that lets pass ARP between the
//! guest's own addresses and the host's, TCP from the guest's addresses to port
//! [`DOOR_PORT`] of the host's, and the answers. All else is dropped both ways:
//! the host's other ports and addresses, other guests, IPv6, foreign sender
//! addresses of either kind. So it does not matter what else listens on the host.
//!
//! The door (`solstice_hypervisor::Door`) passes connections on to where
//! [`LibvirtConfig::endpoint_file`] says. It is open while the
//! [`LibvirtHypervisor`] lives, always on the same port.
//!
//! A slot is a place in [`LibvirtConfig::network`]. It is noted in the machine's
//! folder before anything is made with it, and free again when the folder is gone.
//!
//! # The token
//!
//! It reaches the guest on a seed disk, a file that only this user can read. It is
//! neither in QEMU's arguments, which everybody can read, nor in the domain's XML,
//! which libvirt's users can, nor in libvirt's logs.
//!
//! # The console
//!
//! One file from the first byte on, written by QEMU itself. What bounds it is the
//! size of the machine's disk: no file that its QEMU writes may grow larger.
//!
//! # Who QEMU runs as
//!
//! The user of the orchestrator, by a label in the domain's XML, and libvirt
//! changes the owner of no file: the golden images keep theirs. So let the
//! orchestrator be a user of its own (in the group `libvirt`, and `kvm` for KVM)
//! and not root. Other confinement by libvirt, AppArmor or SELinux, stays as it is.
//!
//! # What it needs
//!
//! libvirt 9.0 or newer with its drivers for QEMU, networks and filters, ebtables
//! and iptables. Without dnsmasq, which is not used here, libvirtd 9.0 crashes when
//! it is restarted while a network is active: have it installed all the same.
//!
//! # Example
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use solstice_hypervisor::Hypervisor;
//! use solstice_hypervisor_libvirt::{LibvirtConfig, LibvirtHypervisor};
//!
//! let endpoint_file = "/var/lib/solstice/agent-endpoint";
//! let config = LibvirtConfig::new("/var/lib/solstice/libvirt", "moon".parse()?, endpoint_file);
//! let hypervisor = LibvirtHypervisor::open(config).await?;
//! println!("{:?}", hypervisor.verdict());
//! println!("{:?}", hypervisor.observe().await?);
//! # Ok(())
//! # }
//! ```
//!
//! On other systems than Linux this crate is empty.

#![cfg(target_os = "linux")]

mod config;
mod creating;
mod domain;
mod error;
mod events;
mod files;
mod hypervisor;
mod link;
mod make;
mod network;
mod overlay;
mod probe;
mod qemu;
mod xml;

pub use config::{Accelerator, Engine, LibvirtConfig};
pub use hypervisor::LibvirtHypervisor;
pub use network::DOOR_PORT;
pub use probe::Verdict;
pub use solstice_hypervisor::Subnet;
