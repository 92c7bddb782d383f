//! The machine's root disk: a qcow2 overlay that records what differs from the image.

use std::fs::File;
use std::io::Read;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use camino::Utf8Path;
use solstice_exec::Command;

use crate::error::LibvirtError;

/// Clones an image's disk to `overlay`, at its own size or `disk_mib`, whichever
/// is larger, and returns that size in bytes. Whatever a crash left of a clone
/// is made anew.
pub(crate) async fn clone_disk(
    qemu_img: &Utf8Path,
    golden: &Utf8Path,
    disk_mib: u32,
    overlay: &Utf8Path,
) -> Result<u64, LibvirtError> {
    /// Tells what a tool that was left alone by a crash may still write from what we write.
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let bytes = virtual_bytes(golden)?.max(u64::from(disk_mib) << 20);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let new = overlay.with_extension(format!("{}-{number}", std::process::id()));
    Command::new(qemu_img)
        .args(["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"])
        .arg(golden)
        .arg(&new)
        .arg(bytes.to_string())
        .timeout(Duration::from_secs(60))
        .run()
        .await
        .map_err(LibvirtError::Clone)?;
    std::fs::rename(&new, overlay).map_err(LibvirtError::file("make", overlay))?;
    Ok(bytes)
}

/// The size that a guest sees: bytes 24 to 31 of the header (QEMU, docs/interop/qcow2.rst).
fn virtual_bytes(disk: &Utf8Path) -> Result<u64, LibvirtError> {
    let mut header = [0; 32];
    let read = File::open(disk).and_then(|mut file| file.read_exact(&mut header));
    read.map_err(LibvirtError::file("read", disk))?;
    let (start, size) = header.split_at(24);
    match size.try_into() {
        Ok(size) if start.starts_with(b"QFI\xfb") => Ok(u64::from_be_bytes(size)),
        _ => Err(LibvirtError::NotQcow2 { path: disk.to_owned() }),
    }
}
