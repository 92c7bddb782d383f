//! Who has how much: the sum of all, and the accounts of those who write.

use std::collections::{BTreeSet, HashMap};

use solstice_model::AttemptId;

use crate::error::ArtifactError;
use crate::store::Limits;

/// What is kept, with what is being written.
#[derive(Debug)]
pub(crate) struct Books {
    limits: Limits,
    bytes: u64,
    /// Of the attempts that write at the moment.
    accounts: HashMap<AttemptId, Account>,
}

/// What one attempt has.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// The bytes of what is kept and of what is being written.
    pub(crate) bytes: u64,
    /// The indices of what is kept.
    pub(crate) kept: BTreeSet<u32>,
    /// The indices of what is being written, one for each writer.
    writing: Vec<u32>,
    /// Whether all was deleted since.
    removed: bool,
}

impl Books {
    pub(crate) fn new(limits: Limits, bytes: u64) -> Self {
        Self { limits, bytes, accounts: HashMap::new() }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Lets a writer begin. `on_disk` is what the attempt has there; it counts if
    /// nobody else writes, of whom more is known.
    pub(crate) fn begin(
        &mut self,
        attempt: AttemptId,
        index: u32,
        on_disk: Account,
    ) -> Result<(), ArtifactError> {
        let mut account = self.accounts.remove(&attempt).unwrap_or(on_disk);
        let limit = self.limits.attempt_files;
        let begun = if account.removed {
            Err(ArtifactError::Removed { attempt })
        } else if account.count_with(index) > limit {
            Err(ArtifactError::TooMany { limit })
        } else {
            account.writing.push(index);
            Ok(())
        };
        if !account.writing.is_empty() {
            self.accounts.insert(attempt, account);
        }
        begun
    }

    /// Takes so many bytes more into an artifact that has `before` already.
    pub(crate) fn grow(
        &mut self,
        attempt: AttemptId,
        before: u64,
        more: u64,
    ) -> Result<(), ArtifactError> {
        let account = self.accounts.get_mut(&attempt).ok_or(ArtifactError::GivenUp)?;
        let fits = |has: u64, limit: u64| has.checked_add(more).is_some_and(|sum| sum <= limit);
        if account.removed {
            return Err(ArtifactError::Removed { attempt });
        }
        if !fits(before, self.limits.file_bytes) {
            return Err(ArtifactError::TooLarge { limit: self.limits.file_bytes });
        }
        if !fits(account.bytes, self.limits.attempt_bytes) {
            return Err(ArtifactError::AttemptTooLarge { limit: self.limits.attempt_bytes });
        }
        if !fits(self.bytes, self.limits.total_bytes) {
            return Err(ArtifactError::Full { used: self.bytes, limit: self.limits.total_bytes });
        }
        account.bytes += more;
        self.bytes += more;
        Ok(())
    }

    /// Fails if the attempt's artifacts were deleted.
    pub(crate) fn still_wanted(&self, attempt: AttemptId) -> Result<(), ArtifactError> {
        match self.accounts.get(&attempt) {
            Some(account) if !account.removed => Ok(()),
            _ => Err(ArtifactError::Removed { attempt }),
        }
    }

    /// A writer ends: what it wrote is kept, or its bytes go.
    pub(crate) fn end(&mut self, attempt: AttemptId, index: u32, bytes: u64, kept: bool) {
        let Some(account) = self.accounts.get_mut(&attempt) else { return };
        if let Some(at) = account.writing.iter().position(|writing| *writing == index) {
            account.writing.swap_remove(at);
        }
        if kept {
            account.kept.insert(index);
        } else {
            account.bytes = account.bytes.saturating_sub(bytes);
            self.bytes = self.bytes.saturating_sub(bytes);
        }
        if account.writing.is_empty() {
            self.accounts.remove(&attempt);
        }
    }

    /// All that an attempt keeps was deleted: so many bytes.
    pub(crate) fn removed(&mut self, attempt: AttemptId, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
        if let Some(account) = self.accounts.get_mut(&attempt) {
            account.bytes = account.bytes.saturating_sub(bytes);
            account.kept.clear();
            account.removed = true;
        }
    }
}

impl Account {
    /// How many artifacts the attempt has if this one is kept as well.
    fn count_with(&self, index: u32) -> usize {
        let mut new: Vec<u32> = self.writing.clone();
        new.push(index);
        new.sort_unstable();
        new.dedup();
        let new = new.iter().filter(|index| !self.kept.contains(index)).count();
        self.kept.len() + new
    }
}
