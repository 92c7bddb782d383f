//! Room on a disk.

use std::path::Path;

use super::Findings;
use solstice_display::size;

/// With less than this the next image or log may not fit.
const WARN_BYTES: u64 = 5 << 30;

/// With less than this hardly anything fits.
const FAIL_BYTES: u64 = 512 << 20;

/// Looks at the disk of a directory, or of the nearest one above that exists.
pub(super) fn look(check: &str, path: &Path, findings: &mut Findings) {
    let there = path.ancestors().find(|above| above.exists()).unwrap_or(Path::new("/"));
    let remedy = "make room there, or let retention keep less";
    match rustix::fs::statvfs(there) {
        Err(why) => {
            findings.fail(
                check,
                format!("{}: {why}", there.display()),
                "is the disk there and readable?",
            );
        }
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let text = format!("{}: {} free", path.display(), size(free));
            match free {
                ..FAIL_BYTES => findings.fail(check, text, remedy),
                FAIL_BYTES..WARN_BYTES => findings.warn(check, text, remedy),
                _ => findings.ok(check, text),
            }
            // A file system without inodes, as ZFS, tells none at all.
            if disk.f_files > 0 && disk.f_favail < 1_000 {
                let text = format!("{}: {} files more fit", path.display(), disk.f_favail);
                findings.fail(
                    check,
                    text,
                    "the file system has no inodes left: remove small files",
                );
            }
        }
    }
}
