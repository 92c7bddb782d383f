//! Sign-ins at a forge that have begun: in memory, for ten minutes, each for one
//! browser and one answer. After a restart people begin again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use solstice_model::{ForgeName, Token, TokenHash};

/// How long somebody has to sign in at the forge.
const LIFE: TimeDelta = TimeDelta::minutes(10);

/// The most that have begun at the same time; the oldest makes room.
const MAX_PENDING: usize = 4_096;

/// A sign-in that has begun.
#[derive(Debug)]
pub(crate) struct Begun {
    /// At which forge.
    pub(crate) forge: ForgeName,
    /// In which browser: the hash of its cookie.
    browser: TokenHash,
    /// What proves to the forge that it was us (RFC 7636).
    pub(crate) verifier: Token,
    /// Where to go afterwards.
    pub(crate) return_to: String,
    at: DateTime<Utc>,
}

impl Begun {
    /// A sign-in that begins now.
    pub(crate) fn new(
        forge: ForgeName,
        browser: &Token,
        return_to: String,
        at: DateTime<Utc>,
    ) -> Self {
        Self { forge, browser: browser.hash(), verifier: Token::generate(), return_to, at }
    }

    /// Whether this browser began it.
    pub(crate) fn is_of(&self, browser: &Token) -> bool {
        self.browser.matches(browser)
    }
}

/// All that have begun, by the hash of their state.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    begun: Mutex<HashMap<String, Begun>>,
}

impl Pending {
    /// Keeps one; gives the state that the forge is to bring back.
    pub(crate) fn keep(&self, it: Begun) -> Token {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if begun.len() >= MAX_PENDING {
            let now = it.at;
            begun.retain(|_, one| now - one.at < LIFE);
        }
        if begun.len() >= MAX_PENDING {
            let oldest = begun.iter().min_by_key(|(_, one)| one.at).map(|(state, _)| state.clone());
            begun.remove(&oldest.unwrap_or_default());
        }
        let state = Token::generate();
        begun.insert(state.hash().as_str().to_owned(), it);
        state
    }

    /// Takes the one with this state: there is no second time.
    pub(crate) fn take(&self, state: &str, now: DateTime<Utc>) -> Option<Begun> {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let found = begun.remove(Token::from_text(state).hash().as_str())?;
        (now - found.at < LIFE).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(browser: &Token, at: DateTime<Utc>) -> Begun {
        Begun::new("forge".parse().unwrap(), browser, "/".to_owned(), at)
    }

    #[test]
    fn a_state_is_good_once_and_for_ten_minutes() {
        let (pending, browser, now) = (Pending::default(), Token::generate(), DateTime::UNIX_EPOCH);
        let state = pending.keep(begun(&browser, now));
        assert!(pending.take("other", now).is_none());
        let found = pending.take(state.secret(), now).unwrap();
        assert!(found.is_of(&browser) && !found.is_of(&Token::generate()));
        assert!(pending.take(state.secret(), now).is_none());
        let state = pending.keep(begun(&browser, now));
        assert!(pending.take(state.secret(), now + LIFE).is_none());
    }

    #[test]
    fn the_oldest_makes_room() {
        let (pending, browser) = (Pending::default(), Token::generate());
        let at = |n: usize| DateTime::UNIX_EPOCH + TimeDelta::milliseconds(n.try_into().unwrap());
        let first = pending.keep(begun(&browser, at(0)));
        for n in 1..=MAX_PENDING {
            pending.keep(begun(&browser, at(n)));
        }
        assert!(pending.take(first.secret(), at(0)).is_none());
        assert_eq!(pending.begun.lock().unwrap().len(), MAX_PENDING);
    }
}
