//! What users of forges may see and do: asked of the forge with the server's own
//! account, and remembered for a short time.
//!
//! Which private repositories somebody may see is known before anything is
//! looked up for them. A forge that does not answer hides them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt as _;
use slog::warn;
use solstice_forge::Permission;
use solstice_log::{chain, keys};
use solstice_model::{ForgeName, RepoName};
use solstice_store::{PrivateRepository, RepositoryId, Sight, StoreError};
use tokio::sync::Mutex as AsyncMutex;

use crate::context::Context;

/// How long it is remembered which private repositories somebody may see.
const SIGHT: TimeDelta = TimeDelta::minutes(5);

/// The same if the forge did not tell all.
const PARTIAL_SIGHT: TimeDelta = TimeDelta::seconds(30);

/// How long it is remembered what somebody may do in a repository.
const PERMISSION: TimeDelta = TimeDelta::minutes(1);

/// How long a forge may take to tell one permission, and all of them.
const ONE: Duration = Duration::from_secs(5);
const ALL: Duration = Duration::from_secs(15);

/// How many permissions are asked for at the same time.
const AT_ONCE: usize = 8;

/// The most users, and the most permissions, that are remembered.
const MAX_USERS: usize = 2_000;
const MAX_PERMISSIONS: usize = 20_000;

/// A user of a forge.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ForgeUser {
    /// The forge.
    pub(crate) forge: ForgeName,
    /// Their name there.
    pub(crate) login: String,
}

impl std::fmt::Display for ForgeUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.login, self.forge)
    }
}

/// What somebody saw when it was last asked, and until when that counts. Held while
/// one request asks for all of theirs.
type Seen = Arc<AsyncMutex<Option<(DateTime<Utc>, Arc<BTreeSet<RepositoryId>>)>>>;

/// What somebody may do where, and until when that counts.
type Told = HashMap<(ForgeUser, RepoName), (DateTime<Utc>, Permission)>;

/// What is remembered.
#[derive(Default)]
pub(crate) struct Permissions {
    sights: Mutex<HashMap<ForgeUser, Seen>>,
    told: Mutex<Told>,
}

impl Permissions {
    /// What a user may see.
    ///
    /// # Errors
    ///
    /// Whatever the store does.
    pub(crate) async fn sight(
        &self,
        context: &Context,
        user: &ForgeUser,
    ) -> Result<Sight, StoreError> {
        let seen = self.seen(user);
        let mut seen = seen.lock().await;
        let now = context.clock.now();
        if let Some((until, some)) = &*seen
            && now < *until
        {
            return Ok(Sight::PublicAnd(Arc::clone(some)));
        }
        let all = context.store.private_repositories().await?;
        let theirs = all.into_iter().filter(|one| one.forge == user.forge).collect();
        let (some, complete) = self.readable(context, user, theirs).await;
        let some = Arc::new(some);
        let until = now + if complete { SIGHT } else { PARTIAL_SIGHT };
        *seen = Some((until, Arc::clone(&some)));
        Ok(Sight::PublicAnd(some))
    }

    fn seen(&self, user: &ForgeUser) -> Seen {
        let mut sights = self.sights.lock().unwrap_or_else(PoisonError::into_inner);
        if sights.len() >= MAX_USERS && !sights.contains_key(user) {
            // Whoever asks at this moment keeps theirs.
            sights.retain(|_, seen| Arc::strong_count(seen) > 1);
        }
        Arc::clone(sights.entry(user.clone()).or_default())
    }

    /// Those of the repositories that the user may read, and whether the forge told
    /// of all.
    async fn readable(
        &self,
        context: &Context,
        user: &ForgeUser,
        repositories: Vec<PrivateRepository>,
    ) -> (BTreeSet<RepositoryId>, bool) {
        let asked =
            futures::stream::iter(repositories.into_iter().map(|one| async move {
                (one.id, self.permission(context, user, &one.name).await)
            }));
        let mut asked = asked.buffer_unordered(AT_ONCE);
        let (mut readable, mut complete) = (BTreeSet::new(), true);
        let all = async {
            while let Some((id, permission)) = asked.next().await {
                complete &= permission.is_some();
                if permission >= Some(Permission::Read) {
                    readable.insert(id);
                }
            }
        };
        let in_time = tokio::time::timeout(ALL, all).await.is_ok();
        (readable, complete && in_time)
    }

    /// What a user may do in a repository of their forge; `None` if that does not
    /// tell.
    pub(crate) async fn permission(
        &self,
        context: &Context,
        user: &ForgeUser,
        repository: &RepoName,
    ) -> Option<Permission> {
        let key = (user.clone(), repository.clone());
        let now = context.clock.now();
        if let Some((until, permission)) = self.told().get(&key)
            && now < *until
        {
            return Some(*permission);
        }
        let forge = context.forges.get(&user.forge)?;
        let asked = tokio::time::timeout(ONE, forge.permission(repository, &user.login)).await;
        let permission = match asked {
            Ok(Ok(permission)) => permission,
            Ok(Err(why)) => {
                warn!(context.log, "a forge does not say what a user may do";
                    keys::FORGE => %user.forge, keys::REPOSITORY => %repository,
                    keys::ERROR => chain(&why));
                return None;
            }
            Err(_) => return None,
        };
        let mut told = self.told();
        if told.len() >= MAX_PERMISSIONS {
            told.retain(|_, (until, _)| now < *until);
        }
        if told.len() < MAX_PERMISSIONS {
            told.insert(key, (now + PERMISSION, permission));
        }
        Some(permission)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
