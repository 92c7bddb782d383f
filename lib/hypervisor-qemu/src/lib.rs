//! Machines by QEMU on Linux, made by an ordinary user: a qcow2 overlay over the
//! golden image's disk; the image's kernel booted directly, or its disk by
//! SeaBIOS or UEFI firmware; KVM if a guest was seen to run on it and TCG
//! otherwise; and a network on which nothing but the guest's agent endpoint
//! answers (invariant I8).
//!
//! # How nothing is left behind (invariant I4)
//!
//! A machine is a folder ([`QemuConfig::state_dir`]`/machines/<id>`) and the
//! processes whose environment names that folder. QEMU is in a process group of
//! its own and outlives the orchestrator. Nobody remembers a process id: each
//! look goes through `/proc`, and a process is killed and waited for by pidfd,
//! after it was looked at again. Every change on disk is one call of the
//! system, or is made beside and renamed into place; removing begins with a
//! rename. So after a crash at any instruction `observe` lists whatever is left.
//!
//! A QEMU whose folder is taken away before it was executed cannot open its
//! files and ends; two for one machine cannot both lock its overlay.
//!
//! # The token
//!
//! It reaches the guest on its kernel's command line, which QEMU reads from a
//! pipe (`-readconfig`): it is neither in a process's arguments nor on disk. A
//! guest that boots from its own disk gets it on a seed, a second disk that only
//! this user can read and that goes with the machine. It can be used once.
//!
//! # Disks
//!
//! A disk in qcow2 or raw lies below the overlays as it is. One that is packed
//! is unpacked once, into `disks/` below the state directory, when the backend is
//! opened with its image.
//!
//! # The network (invariant I8)
//!
//! By itself a machine is on QEMU's user network, which needs no privilege. Where
//! a bridge can be made ([`Network`]) it is on that: an isolated port for its tap,
//! a packet filter in front of the tap, and the door (`solstice_hypervisor::Door`)
//! on the bridge's address. The bridge and the filter are the host's and stay; a
//! machine has only its tap, which belongs to the slot that is noted in its folder
//! before the tap is made. `observe` puts bridge and filter up again if somebody
//! took them away. QEMU gets none of the privileges that make bridges.
//!
//! # The guest relay
//!
//! QEMU's user network cannot forward a guest's connection to a Unix socket per
//! connection; it can start a program per connection. That program is the
//! orchestrator's ([`QemuConfig::relay`]): it gets the connection as its
//! standard input and output, runs in QEMU's sandbox without a way to more
//! privileges, and is to end when the connection ends. What it has not read by
//! then resets the connection, answer and all.
//!
//! # Where machines live under a service manager
//!
//! A manager that kills a whole control group when the orchestrator restarts
//! also kills its machines: with systemd set `KillMode=process`.
//!
//! # Example
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use solstice_hypervisor::Hypervisor;
//! use solstice_hypervisor_qemu::{QemuConfig, QemuHypervisor};
//! use solstice_image::Lock;
//!
//! let image = Lock::read("/var/lib/solstice/images/linux-mini/image.lock".into())?.verify()?;
//! let relay = ["/usr/local/bin/solstice-orchestrator", "guest-relay", "/srv/agent-endpoint"];
//! let config = QemuConfig::new("/var/lib/solstice/moon", "moon".parse()?, relay);
//! let hypervisor = QemuHypervisor::open(config, &[image]).await?;
//! println!("{:?}", hypervisor.verdict());
//! println!("{:?}", hypervisor.observe().await?);
//! # Ok(())
//! # }
//! ```
//!
//! On other systems than Linux this crate is empty.

#![cfg(target_os = "linux")]

mod args;
mod bridge;
mod card;
mod config;
mod disks;
mod error;
mod firmware;
mod folder;
mod hypervisor;
mod launch;
mod make;
mod names;
mod overlay;
mod probe;
mod process;
mod qmp;
mod rules;
mod seed;
mod taps;
mod tools;
mod watch;

pub use args::Engine;
pub use card::DOOR_PORT;
pub use config::{Accelerator, BridgeConfig, Network, QemuConfig};
pub use firmware::UefiFirmware;
pub use hypervisor::QemuHypervisor;
pub use probe::Verdict;
