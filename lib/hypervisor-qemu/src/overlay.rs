//! The machine's root disk: a qcow2 overlay that records what differs from the image.

use std::time::Duration;

use camino::Utf8Path;
use solstice_exec::Command;

use crate::disks::Golden;
use crate::error::QemuError;
use crate::folder::Folder;
use crate::process::MARK;

/// Clones an image's disk into a machine that has never run, at its own size or
/// `disk_mib`, whichever is larger, and returns that size in bytes. Whatever a
/// crash left of a clone is made anew.
pub(crate) async fn clone_disk(
    qemu_img: &Utf8Path,
    golden: &Golden,
    disk_mib: u32,
    folder: &Folder,
) -> Result<u64, QemuError> {
    let bytes = golden.bytes.max(u64::from(disk_mib) << 20);
    let overlay = folder.overlay();
    let new = overlay.with_extension("new");
    Command::new(qemu_img)
        .args(["create", "-q", "-f", "qcow2", "-F", golden.format, "-b"])
        .arg(&golden.path)
        .arg(&new)
        .arg(bytes.to_string())
        .env(MARK, folder.path())
        .timeout(Duration::from_secs(60))
        .run()
        .await
        .map_err(QemuError::Clone)?;
    std::fs::rename(&new, &overlay).map_err(QemuError::file("make", &overlay))?;
    Ok(bytes)
}
