//! What readers of webhooks' bodies share: why a body means nothing, which
//! addresses are taken, and the ends of a push.

use solstice_model::{BadName, CommitSha};
use url::Url;

use crate::seam::{Event, Interpretation, MAX_TITLE_CHARS};
use crate::text;

/// Why a delivery means nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is of no concern to us, for this reason.
    Ignored(String),
    /// It cannot be understood, for this reason.
    Malformed(String),
}

impl<E: std::fmt::Display> From<E> for Unfit {
    /// Any error of a part makes the whole malformed. Errors quote what they
    /// refuse, so they are made safe to show.
    fn from(error: E) -> Self {
        Unfit::Malformed(text::one_line(&error.to_string(), MAX_TITLE_CHARS))
    }
}

/// The meaning of a delivery, from what was read of it.
pub fn meaning(read: Result<Event, Unfit>) -> Interpretation {
    match read {
        Ok(event) => Interpretation::Event(event),
        Err(Unfit::Ignored(reason)) => Interpretation::Ignored { reason },
        Err(Unfit::Malformed(reason)) => Interpretation::Malformed { reason },
    }
}

/// A repository's address. Hosts fetch from these and pages link to them: they must
/// be web addresses, and hold no credentials.
///
/// # Errors
///
/// What is wrong with the field, for people.
pub fn web_address(field: &str, given: &str) -> Result<Url, String> {
    let url: Url = given.parse().map_err(|error| format!("repository.{field}: {error}"))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(format!("repository.{field} is no web address: {url}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("repository.{field} holds a user or a password"));
    }
    Ok(url)
}

/// One end of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// All zeros: the ref did not exist, or does not any more.
    Nothing,
    /// It pointed, or points, to this.
    Commit(CommitSha),
}

impl End {
    /// Reads an id of 40 or 64 hex digits.
    ///
    /// # Errors
    ///
    /// [`BadName`] if it is none.
    pub fn read(id: &str) -> Result<Self, BadName> {
        if [40, 64].contains(&id.len()) && id.bytes().all(|b| b == b'0') {
            return Ok(End::Nothing);
        }
        Ok(End::Commit(id.parse()?))
    }

    /// The commit, if there is one.
    pub fn commit(self) -> Option<CommitSha> {
        match self {
            End::Commit(commit) => Some(commit),
            End::Nothing => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_of_either_length_are_nothing_and_other_lengths_no_id() {
        for zeros in ["0".repeat(40), "0".repeat(64)] {
            assert_eq!(End::read(&zeros), Ok(End::Nothing));
        }
        assert_eq!(End::read(&"a1".repeat(20)).unwrap().commit().unwrap().as_str().len(), 40);
        for bad in ["", "0", &"0".repeat(39), &"0".repeat(41), &"G".repeat(40)] {
            assert!(End::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_plain_web_addresses_are_taken() {
        assert!(web_address("clone_url", "https://forge.example/a.git").is_ok());
        for bad in ["file:///etc", "ssh://git@forge.example/a", "https://u:p@forge.example/a", "x"]
        {
            assert!(web_address("clone_url", bad).is_err(), "{bad}");
        }
    }
}
