//! The machine's root disk: a qcow2 overlay that records what differs from the image.

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use camino::Utf8Path;
use solstice_exec::Command;

use crate::error::QemuError;
use crate::folder::Folder;
use crate::process::MARK;

/// Clones an image's disk into a machine that has never run, at its own size or
/// `disk_mib`, whichever is larger, and returns that size in bytes. Whatever a
/// crash left of a clone is made anew.
pub(crate) async fn clone_disk(
    qemu_img: &Utf8Path,
    golden: &Utf8Path,
    disk_mib: u32,
    folder: &Folder,
) -> Result<u64, QemuError> {
    let bytes = virtual_bytes(golden)?.max(u64::from(disk_mib) << 20);
    let overlay = folder.overlay();
    let new = overlay.with_extension("new");
    Command::new(qemu_img)
        .args(["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"])
        .arg(golden)
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

/// The size that a guest sees: bytes 24 to 31 of the header (QEMU, docs/interop/qcow2.rst).
fn virtual_bytes(disk: &Utf8Path) -> Result<u64, QemuError> {
    let mut header = [0; 32];
    let read = File::open(disk).and_then(|mut file| file.read_exact(&mut header));
    read.map_err(QemuError::file("read", disk))?;
    let (start, size) = header.split_at(24);
    match size.try_into() {
        Ok(size) if start.starts_with(b"QFI\xfb") => Ok(u64::from_be_bytes(size)),
        _ => Err(QemuError::NotQcow2 { path: disk.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_qcow2_disk_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("disk");
        std::fs::write(&path, [0; 100]).unwrap();
        assert!(matches!(virtual_bytes(&path), Err(QemuError::NotQcow2 { .. })));
        let mut header = [0; 100];
        header[..4].copy_from_slice(b"QFI\xfb");
        header[24..32].copy_from_slice(&(3u64 << 30).to_be_bytes());
        std::fs::write(&path, header).unwrap();
        assert_eq!(virtual_bytes(&path).unwrap(), 3 << 30);
    }
}
