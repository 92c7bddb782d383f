//! Golden images: the lock that names their files by digest, and the check
//! that refuses every file that is not what the lock says (invariant I11).
//!
//! An image is a folder with an `image.lock` beside the files that it names.
//! The recipe that made the folder wrote the lock, or [`Store::add`] did for a
//! disk that somebody else published; [`Download`] fetches such a disk. Nothing
//! is downloaded or resolved when a machine starts.
//!
//! ```no_run
//! use solstice_image::Lock;
//!
//! let lock = Lock::read("/var/lib/solstice/images/linux-mini/image.lock".into())?;
//! let image = lock.verify()?;
//! println!("{} boots {}", image.name, image.disk.path);
//! # Ok::<(), solstice_image::ImageError>(())
//! ```

mod fetch;
mod file;
mod lock;
mod renew;
mod store;
mod verify;

pub use fetch::{Download, FetchError, FetchProgress, Fetched, MAX_DOWNLOAD_BYTES, Patience};
pub use lock::{
    Boot, DiskEntry, DiskFormat, FileEntry, Files, Firmware, ImageError, Lock, Package, SeedFormat,
};
pub use renew::{Renewed, renew};
pub use store::{NewImage, Published, Store, StoreError, Stored};
pub use verify::{VerifiedFile, VerifiedImage};
