//! What can go wrong with golden volumes.

use camino::Utf8PathBuf;
use solstice_illumos::{IllumosError, NameError};
use solstice_image::ImageError;

/// Why an image is not, or cannot be, in the pool.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    /// A ZFS command failed.
    #[error("cannot {action} {name}")]
    Zfs {
        /// What was tried.
        action: &'static str,
        /// On which dataset.
        name: String,
        /// Why not.
        #[source]
        source: IllumosError,
    },
    /// A dataset's name would be none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The image's files are not what the lock says.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A file or a device cannot be used.
    #[error("cannot {action} {path}")]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: Utf8PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The lock does not say enough, or is of an image that boots otherwise.
    #[error("the image {name} cannot be imported: {why}")]
    Unfit {
        /// Which image.
        name: String,
        /// What is missing.
        why: &'static str,
    },
    /// The disk is larger or smaller than the lock says.
    #[error("{path} holds a disk of {found} bytes; the lock says {locked}")]
    Size {
        /// The locked file.
        path: Utf8PathBuf,
        /// The bytes in it; one more than the lock says if there are more.
        found: u64,
        /// What the lock says.
        locked: u64,
    },
    /// Machines still live on clones of it.
    #[error("{name} is in use by {}", clones.join(", "))]
    InUse {
        /// The snapshot.
        name: String,
        /// The clones.
        clones: Vec<String>,
    },
}

impl GoldenError {
    pub(crate) fn zfs(
        action: &'static str,
        name: impl ToString,
    ) -> impl FnOnce(IllumosError) -> Self {
        let name = name.to_string();
        move |source| GoldenError::Zfs { action, name, source }
    }

    pub(crate) fn file(
        action: &'static str,
        path: impl Into<Utf8PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| GoldenError::File { action, path, source }
    }
}
