//! How the program fails: what people read, and with which exit status.

use std::path::PathBuf;
use std::process::ExitCode;

use solstice_client::{ConnectError, FollowError, Refusal, TokenFileError};
use solstice_golden::GoldenError;
use solstice_illumos::NameError;
use solstice_image::{FetchError, ImageError, StoreError};
use url::Url;

use crate::artifact::DownloadError;
use crate::forge::AddError;
use crate::profile::ProfileError;

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
    /// What is kept of servers and tokens.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// A token's file.
    #[error(transparent)]
    TokenFile(#[from] TokenFileError),
    /// No client could be made.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server said no, or nothing.
    #[error("{server}")]
    Server {
        /// Its address.
        server: Url,
        /// What became of the call.
        #[source]
        refusal: Box<Refusal>,
    },
    /// A job could not be followed.
    #[error(transparent)]
    Follow(Box<FollowError>),
    /// An artifact could not be downloaded.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// No forge was added.
    #[error(transparent)]
    Forge(#[from] AddError),
    /// What was said names nothing, or more than one thing.
    #[error("{0}")]
    Usage(String),
    /// A file or a terminal failed.
    #[error("cannot {what}")]
    Io {
        /// What was being done.
        what: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Something that was followed to its end failed; it has been told.
    #[error("it failed")]
    JobFailed,
    /// Something that was followed to its end could not be run; it has been told.
    #[error("it could not be run")]
    NotRun,
    /// A check found something; it has been told.
    #[error("not all is well")]
    Found,
}

impl Failure {
    /// Tells people: 1 if a job failed or a check found something, 2 if what
    /// was said is wrong, 3 if the server, the network or the host cannot do it.
    pub(crate) fn tell(&self, json: bool) -> ExitCode {
        let status = self.status();
        if !matches!(self, Failure::Found | Failure::JobFailed | Failure::NotRun) {
            tell(&crate::output::harmless(&solstice_log::chain(self)), self.hint(), status, json);
        }
        ExitCode::from(status)
    }

    fn status(&self) -> u8 {
        match self {
            Failure::Found | Failure::JobFailed => 1,
            Failure::Name(_)
            | Failure::Image(_)
            | Failure::Usage(_)
            | Failure::Profile(_)
            | Failure::TokenFile(_)
            | Failure::Connect(ConnectError::BadToken { .. })
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
            Failure::Server { .. } | Failure::Follow(_) => match self.answered() {
                Some(status) if is_about_the_request(status) => 2,
                _ => 3,
            },
            Failure::Golden(_)
            | Failure::Store(_)
            | Failure::Fetch(_)
            | Failure::Connect(ConnectError::Setup { .. })
            | Failure::Download(_)
            | Failure::Forge(_)
            | Failure::NotRun
            | Failure::Io { .. } => 3,
        }
    }

    /// The status with which the server said no.
    fn answered(&self) -> Option<u16> {
        match self {
            Failure::Server { refusal, .. } => match **refusal {
                Refusal::Answer { status, .. } => Some(status.as_u16()),
                _ => None,
            },
            Failure::Follow(why) => match **why {
                FollowError::Refused { status, .. } => Some(status.as_u16()),
                _ => None,
            },
            _ => None,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        const AWAY: &str = "is the server running, and its address right? `ciadm doctor` looks";
        match self {
            Failure::Server { refusal, .. } if matches!(**refusal, Refusal::Connection(_)) => {
                Some(AWAY)
            }
            Failure::Server { refusal, .. } if matches!(**refusal, Refusal::Strange { .. }) => {
                Some("is this the address of people's pages, and of the same version?")
            }
            Failure::Forge(AddError::Lost { .. }) => {
                Some("delete the App on its page, under Advanced, and begin again")
            }
            Failure::Forge(AddError::Refused { .. }) => Some("a code is good for one hour, once"),
            Failure::Follow(why) if matches!(**why, FollowError::Away { .. }) => Some(AWAY),
            _ => match self.answered()? {
                404 => Some("is it the id of a run where a job is meant, or of another server's?"),
                401 => Some("the token is not known there (any more): `ciadm login URL`"),
                403 => Some("`ciadm whoami` shows the token's role; ask an administrator for more"),
                503 => Some("try again in a moment"),
                _ => None,
            },
        }
    }

    /// A failure of something on this computer.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Failure::Io { what, source }
    }

    /// A file that could not be read or written.
    pub(crate) fn file(verb: &str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path: PathBuf = path.to_owned();
        Self::io(format!("{verb} {}", path.display()))
    }
}

impl From<FollowError> for Failure {
    fn from(error: FollowError) -> Self {
        Failure::Follow(Box::new(error))
    }
}

/// Tells what is wrong on standard error: as text, or as one JSON document of the
/// same shape whatever it is.
pub(crate) fn tell(message: &str, hint: Option<&str>, status: u8, json: bool) {
    if json {
        let error = serde_json::json!({ "message": message, "hint": hint, "exit_status": status });
        eprintln!("{}", serde_json::json!({ "error": error }));
        return;
    }
    eprintln!("ciadm: {message}");
    if let Some(hint) = hint {
        eprintln!("  hint: {hint}");
    }
}

/// Whether an answer says that what was asked makes no sense, now or ever.
fn is_about_the_request(status: u16) -> bool {
    matches!(status, 400 | 404 | 409 | 410 | 413 | 422)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_caller_can_mend_is_not_the_server_s_fault() {
        for (status, code) in [(404, 2), (409, 2), (422, 2), (401, 3), (403, 3), (500, 3), (503, 3)]
        {
            let refusal = Refusal::Answer {
                status: status.try_into().unwrap(),
                code: None,
                message: "no".to_owned(),
            };
            let server: Url = "http://ci.test".parse().unwrap();
            assert_eq!(
                Failure::Server { server, refusal: Box::new(refusal) }.status(),
                code,
                "{status}"
            );
        }
    }
}
