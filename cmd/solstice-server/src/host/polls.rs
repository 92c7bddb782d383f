//! One poll per host counts: the newest.
//!
//! A host that lost its connection asks again while its former request still
//! waits here. Were both to claim, the host would get twice what it has room
//! for. So a new poll replaces the former one, which answers at once, and a
//! poll claims only while it holds its host's turn and is still the newest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use solstice_model::HostName;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard};
use tokio_util::sync::CancellationToken;

/// The newest poll of each host.
#[derive(Debug, Default)]
pub(crate) struct HostPolls {
    /// Guards the map alone. Hosts are those that hold a token, so it is small.
    hosts: Mutex<HashMap<HostName, Arc<Newest>>>,
}

/// A host's newest poll.
#[derive(Debug, Default)]
struct Newest {
    /// Held while claiming for this host.
    turn: AsyncMutex<()>,
    /// The newest poll's; cancelled when another replaces it.
    replaced: Mutex<CancellationToken>,
}

/// A poll that is under way.
#[derive(Debug)]
pub(crate) struct Poll {
    host: Arc<Newest>,
    replaced: CancellationToken,
}

impl HostPolls {
    /// Begins a poll and replaces the host's former one.
    pub(crate) async fn begin(&self, host: &HostName) -> Poll {
        let newest = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(hosts.entry(host.clone()).or_default())
        };
        let ours = CancellationToken::new();
        // Not while the former one claims: it would claim for a room that is given anew.
        let turn = newest.turn.lock().await;
        {
            let mut replaced = newest.replaced.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *replaced, ours.clone()).cancel();
        }
        drop(turn);
        Poll { host: newest, replaced: ours }
    }
}

impl Poll {
    /// Waits until another poll of the host has begun.
    pub(crate) async fn replaced(&self) {
        self.replaced.cancelled().await;
    }

    /// The right to claim, unless another poll has begun.
    pub(crate) async fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        let turn = self.host.turn.lock().await;
        (!self.replaced.is_cancelled()).then_some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_newest_poll_of_a_host_may_claim() {
        let polls = HostPolls::default();
        let (one, two) = ("one".parse().unwrap(), "two".parse().unwrap());
        let first = polls.begin(&one).await;
        let other = polls.begin(&two).await;
        assert!(first.turn().await.is_some());
        let second = polls.begin(&one).await;
        first.replaced().await;
        assert!(first.turn().await.is_none());
        assert!(second.turn().await.is_some());
        assert!(other.turn().await.is_some(), "hosts do not replace each other");
    }
}
