//! Who may do what, and which pull requests are open.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use solstice_model::RepoName;

use super::payload::PullRequestAction;

/// People, and what they opened, by repository.
#[derive(Debug, Default)]
pub(super) struct Community {
    /// The levels of permission in the forge's words.
    permissions: Mutex<BTreeMap<(RepoName, String), String>>,
    open: Mutex<BTreeMap<(RepoName, u64), PullRequestAction>>,
}

impl Community {
    pub(super) fn permit(&self, repository: &RepoName, user: &str, level: &str) {
        let key = (repository.clone(), user.to_owned());
        locked(&self.permissions).insert(key, level.to_owned());
    }

    pub(super) fn permission(&self, repository: &RepoName, user: &str) -> Option<String> {
        locked(&self.permissions).get(&(repository.clone(), user.to_owned())).cloned()
    }

    /// Remembers a pull request, or forgets it when it is closed.
    pub(super) fn tell(&self, repository: &RepoName, told: PullRequestAction) {
        let key = (repository.clone(), told.number);
        match told.action {
            "closed" => locked(&self.open).remove(&key),
            _ => locked(&self.open).insert(key, told),
        };
    }

    /// Newest first.
    pub(super) fn open(&self, repository: &RepoName) -> Vec<PullRequestAction> {
        let open = locked(&self.open);
        let of_it = open.iter().filter(|((name, _), _)| name == repository);
        of_it.rev().map(|(_, told)| told.clone()).collect()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
