//! What can go wrong between us and a forge, and whether to try again.

use std::time::Duration;

/// The longest pause that a forge can ask for.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// Whether and when a failed request may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Not before this much time has passed: the forge said so.
    After(Duration),
    /// With growing pauses.
    Backoff,
    /// It would fail again.
    Never,
}

impl Retry {
    /// What to do after an answer with this HTTP status and this wish of the
    /// forge's, which counts up to [`MAX_RETRY_AFTER`].
    ///
    /// A request that is refused because of our own token (401) is worth
    /// repeating, because an operator replaces the token and nothing else; one
    /// that is forbidden, absent or wrong is not.
    pub fn of_status(status: u16, retry_after: Option<Duration>) -> Self {
        match (status, retry_after) {
            (403 | 408 | 425 | 429 | 500..=599, Some(wish)) => {
                Retry::After(wish.min(MAX_RETRY_AFTER))
            }
            (401 | 408 | 425 | 429 | 500..=599, _) => Retry::Backoff,
            _ => Retry::Never,
        }
    }
}

/// A request to a forge that failed.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// The forge could not be reached, or broke off.
    #[error("cannot reach the forge for {what}")]
    Unreachable {
        /// What was asked for, e.g. `POST /repos/o/r/statuses/…`.
        what: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It was asked for what it does not know, or shows to others only.
    #[error("the forge knows no {what}, or does not show it to us")]
    Absent {
        /// What, e.g. `repository alice/widgets`.
        what: String,
    },
    /// The forge refused.
    #[error("the forge answered {status} to {what}: {message}")]
    Refused {
        /// What was asked for.
        what: String,
        /// The HTTP status.
        status: u16,
        /// The forge's own words, at most 500 characters.
        message: String,
        /// What to do.
        retry: Retry,
    },
    /// The answer makes no sense, or is larger than it may be.
    #[error("the forge's answer to {what} is unusable: {why}")]
    BadAnswer {
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        why: String,
        /// What to do: a commit that holds too much will hold it tomorrow,
        /// while a proxy's error page passes.
        retry: Retry,
    },
}

impl ForgeError {
    /// Whether and when to try again.
    pub fn retry(&self) -> Retry {
        match self {
            ForgeError::Unreachable { .. } => Retry::Backoff,
            ForgeError::Absent { .. } => Retry::Never,
            ForgeError::Refused { retry, .. } | ForgeError::BadAnswer { retry, .. } => *retry,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_says_whether_to_try_again() {
        let wish = Some(Duration::from_secs(7));
        let cases = [
            (200, None, Retry::Never),
            (307, None, Retry::Never),
            (400, None, Retry::Never),
            (401, None, Retry::Backoff),
            (403, None, Retry::Never),
            (403, wish, Retry::After(Duration::from_secs(7))),
            (404, wish, Retry::Never),
            (422, None, Retry::Never),
            (429, None, Retry::Backoff),
            (429, wish, Retry::After(Duration::from_secs(7))),
            (429, Some(Duration::MAX), Retry::After(MAX_RETRY_AFTER)),
            (500, None, Retry::Backoff),
            (503, wish, Retry::After(Duration::from_secs(7))),
        ];
        for (status, wish, retry) in cases {
            assert_eq!(Retry::of_status(status, wish), retry, "{status} {wish:?}");
        }
    }
}
