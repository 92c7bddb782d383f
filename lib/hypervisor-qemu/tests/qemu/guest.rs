//! Real guests: the image linux-mini with an init of the test's over its initial
//! RAM disk, and what they print.

use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use solstice_hypervisor::{Hypervisor, MachineSpec};
use solstice_hypervisor_qemu::QemuHypervisor;
use solstice_image::VerifiedImage;

use crate::support::lock;

/// The image that `cargo xtask test` built.
fn linux_mini() -> Utf8PathBuf {
    let folder = std::env::var("SOLSTICE_TEST_IMAGE").ok().map(Utf8PathBuf::from);
    let folder = folder.filter(|folder| folder.join("image.lock").exists());
    folder.expect(
        "this test boots the image linux-mini: run `cargo xtask test`, or set \
         SOLSTICE_TEST_IMAGE to the folder that holds its image.lock",
    )
}

/// linux-mini with another init: an archive that follows another replaces its files.
pub(crate) fn image_with_init(folder: &Utf8Path, init: &str, cmdline: &str) -> VerifiedImage {
    let from = linux_mini();
    std::fs::create_dir(folder).unwrap();
    for name in ["vmlinux", "disk.qcow2"] {
        std::fs::copy(from.join(name), folder.join(name)).unwrap();
    }
    let mut initrd = std::fs::read(from.join("initrd")).unwrap();
    initrd.resize(initrd.len().next_multiple_of(4), 0);
    initrd.extend(cpio(&[("init", 0o100_755, init.as_bytes()), ("TRAILER!!!", 0, b"")]));
    std::fs::write(folder.join("initrd"), initrd).unwrap();
    let cmdline = format!("console=ttyS0 quiet panic=-1 cryptomgr.notests {cmdline}");
    lock(folder, &cmdline, &["vmlinux", "initrd", "disk.qcow2"])
}

/// An archive in the format newc (Linux, Documentation/driver-api/early-userspace/buffer-format.rst).
fn cpio(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, mode, content) in entries {
        let (bytes, name_bytes) = (content.len(), name.len() + 1);
        archive.extend(format!("070701{:08x}{mode:08x}{:08x}{:08x}", 0, 0, 0).bytes());
        archive.extend(format!("{:08x}{:08x}{bytes:08x}", 1, 0).bytes());
        archive.extend("00000000".repeat(4).bytes());
        archive.extend(format!("{name_bytes:08x}00000000{name}\0").bytes());
        archive.resize(archive.len().next_multiple_of(4), 0);
        archive.extend(*content);
        archive.resize(archive.len().next_multiple_of(4), 0);
    }
    archive
}

/// Waits for a text on the console, with a bound that holds for emulation on a busy
/// computer, and returns the whole of it.
pub(crate) async fn console_with(
    hypervisor: &QemuHypervisor,
    spec: &MachineSpec,
    text: &str,
) -> String {
    let begun = Instant::now();
    loop {
        let console = hypervisor.console(spec.id, 0, usize::MAX).await.unwrap();
        let console = String::from_utf8_lossy(&console.bytes).into_owned();
        if console.contains(text) {
            return console;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "no {text:?} in {console:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
