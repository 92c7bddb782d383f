//! Which engine runs guests here: KVM only if a guest was seen to run on it.
//!
//! `/dev/kvm` may open, answer and make a machine whose guest never executes an
//! instruction (nested virtualisation that is there only in name). So a guest of
//! a hundred bytes is started on it: its first byte on the console is the proof.

use std::sync::Arc;
use std::time::Duration;

use solstice_hypervisor::folders::make_private_dir;
use virt::connect::Connect;
use virt::domain::Domain;

use crate::config::{Engine, LibvirtConfig};
use crate::domain::{Plan, destroy, unless_gone};
use crate::error::{LibvirtError, describe};
use crate::files::Files;
use crate::link::Link;

/// How long the probe's guest may take to print its byte, firmware and all; a
/// real one takes a tenth of it.
const PROBE_LIMIT: Duration = Duration::from_secs(10);
/// How often its console is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// Which engine is used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The engine.
    pub engine: Engine,
    /// A sentence for the operator.
    pub why: String,
}

/// A kernel that prints one byte and stays: a 32-bit ELF file with the note that
/// makes it bootable by PVH (Xen, docs/misc/pvh.pandoc), loaded at 1 MiB.
fn kernel() -> Vec<u8> {
    const BASE: u32 = 0x0010_0000;
    const HEAD: u32 = 52 + 2 * 32 + 20;
    // mov al, '.'; mov dx, 0x3f8; out dx, al; hlt; jmp -3
    let code = [0xb0, b'.', 0x66, 0xba, 0xf8, 0x03, 0xee, 0xf4, 0xeb, 0xfd];
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let mut put = |words: &[u32]| words.iter().for_each(|w| file.extend(w.to_le_bytes()));
    // An executable for the i386, version 1, entry, program headers at 52.
    put(&[0x0003_0002, 1, BASE, 52, 0, 0]);
    // Sizes and counts: two program headers of 32 bytes, no sections.
    put(&[52 | 32 << 16, 2, 0]);
    // The code, readable, writable and executable; then the note.
    put(&[1, HEAD, BASE, BASE, 10, 10, 7, 1]);
    put(&[4, HEAD - 20, 0, 0, 20, 20, 4, 4]);
    // XEN_ELFNOTE_PHYS32_ENTRY, of "Xen".
    put(&[4, 4, 18, u32::from_le_bytes(*b"Xen\0"), BASE]);
    file.extend(code);
    file
}

/// Starts the guest on KVM and waits for a sign of life.
pub(crate) async fn probe(
    config: &LibvirtConfig,
    link: &Arc<Link>,
    user: (u32, u32),
) -> Result<Verdict, LibvirtError> {
    let files = Files::of(config.state_dir.join("probe"));
    clear(config, link, &files).await?;
    make_private_dir(files.folder())?;
    files.make_console()?;
    let kernel_path = files.folder().join("kernel");
    std::fs::write(&kernel_path, kernel()).map_err(LibvirtError::file("write", &kernel_path))?;
    let document = Plan {
        host: config.host.clone(),
        owner: None,
        name: name(config),
        engine: Engine::Kvm,
        cpus: 1,
        memory_mib: 32,
        kernel: kernel_path,
        initrd: None,
        cmdline: "probe".to_owned(),
        console: files.console(),
        disks: None,
        card: None,
        user,
    }
    .document();
    let started = link.call(move |connection| {
        let started = Domain::create_xml(connection, &document, 0);
        started.map(drop).map_err(LibvirtError::call("start", "a guest on KVM"))
    });
    let verdict = match started.await {
        Err(error @ LibvirtError::Call { .. }) => tcg(describe(&error)),
        Err(error) => return Err(error),
        Ok(()) => judge(&files).await,
    };
    clear(config, link, &files).await?;
    Ok(verdict)
}

async fn judge(files: &Files) -> Verdict {
    let printed = async {
        while files.console_bytes() == 0 {
            tokio::time::sleep(GLANCE).await;
        }
    };
    match tokio::time::timeout(PROBE_LIMIT, printed).await {
        Ok(()) => Verdict { engine: Engine::Kvm, why: "a guest ran on KVM".to_owned() },
        Err(_) => tcg(format!(
            "/dev/kvm opens, but a guest made no progress on it in {} s",
            PROBE_LIMIT.as_secs()
        )),
    }
}

fn tcg(why: String) -> Verdict {
    Verdict { engine: Engine::Tcg, why }
}

fn name(config: &LibvirtConfig) -> String {
    format!("solstice-{}-probe", config.host)
}

/// Removes what a probe leaves, this one or one that was killed.
async fn clear(
    config: &LibvirtConfig,
    link: &Arc<Link>,
    files: &Files,
) -> Result<(), LibvirtError> {
    let name = name(config);
    link.call(move |connection| end(connection, &name)).await?;
    match std::fs::remove_dir_all(files.folder()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LibvirtError::file("remove", files.folder())(error))
        }
        _ => Ok(()),
    }
}

fn end(connection: &Connect, name: &str) -> Result<(), LibvirtError> {
    match unless_gone(Domain::lookup_by_name(connection, name), "find")? {
        Some(domain) => destroy(&domain),
        None => Ok(()),
    }
}
