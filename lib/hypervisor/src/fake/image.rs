//! An image for machines that have no real guest.

use camino::Utf8Path;
use serde_json::json;
use solstice_image::{ImageError, Lock, VerifiedImage};
use solstice_model::Sha256Digest;

/// Writes a small image named `fake` into an existing folder and verifies it.
///
/// # Errors
///
/// [`ImageError`] if the folder cannot be written.
pub fn write_image(folder: &Utf8Path) -> Result<VerifiedImage, ImageError> {
    let file = |name: &str, content: &str| {
        let path = folder.join(name);
        std::fs::write(&path, content).map_err(|source| ImageError::Read { path, source })?;
        let digest = Sha256Digest::of(content.as_bytes());
        Ok(json!({"path": name, "sha256": digest, "bytes": content.len()}))
    };
    let lock = json!({
        "name": "fake",
        "files": {
            "kernel": file("vmlinux", "no kernel")?,
            "initrd": file("initrd", "no initial RAM disk")?,
            "disk": file("disk.qcow2", "no disk")?,
        },
        "boot": {"kind": "direct_kernel", "cmdline": "console=ttyS0"},
    });
    file("image.lock", &lock.to_string())?;
    Lock::read(folder.join("image.lock"))?.verify()
}
