//! How the program fails: what people read, and with which exit status.

use std::process::ExitCode;

use solstice_golden::GoldenError;
use solstice_illumos::NameError;
use solstice_image::{FetchError, ImageError, StoreError};

/// Why it did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The folder of images, or what was asked of it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An image is not what it should be.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A download.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The pool, or what was asked of it.
    #[error(transparent)]
    Golden(#[from] GoldenError),
    /// A dataset's name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A check found something; it has been told.
    #[error("not all is well")]
    Found,
}

impl Failure {
    /// Tells people: 1 if a check found something, 2 if what was said is wrong,
    /// 3 if the host cannot do it.
    pub(crate) fn tell(&self) -> ExitCode {
        if !matches!(self, Failure::Found) {
            eprintln!("ciadm: {}", solstice_log::chain(self));
        }
        ExitCode::from(match self {
            Failure::Found => 1,
            Failure::Name(_)
            | Failure::Image(_)
            | Failure::Golden(
                GoldenError::Image(_)
                | GoldenError::Name(_)
                | GoldenError::Size { .. }
                | GoldenError::Unfit { .. },
            )
            | Failure::Store(
                StoreError::NoSuch { .. }
                | StoreError::Several { .. }
                | StoreError::Current { .. }
                | StoreError::Unfit { .. }
                | StoreError::Image(_),
            )
            | Failure::Fetch(
                FetchError::Url { .. } | FetchError::Differs { .. } | FetchError::TooLarge { .. },
            ) => 2,
            Failure::Golden(_) | Failure::Store(_) | Failure::Fetch(_) => 3,
        })
    }
}
