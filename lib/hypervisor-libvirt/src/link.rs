//! The connection to libvirtd. Calls block, so each runs on a thread for such;
//! a connection that was lost is made anew by the next call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use virt::connect::Connect;

use crate::error::LibvirtError;
use crate::events::{Changes, Subscribed, start_loop};

/// How long a libvirtd that was there before is waited for: it is restarting.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause between tries.
const PAUSE: Duration = Duration::from_millis(100);
/// How long after a connection was made libvirtd may be restarting: it reads its
/// machines again meanwhile, and sends no event for those that it finds changed.
const RESTART_LIMIT: Duration = Duration::from_secs(60);
/// How often a call is made whose connection is lost while it goes on.
const TRIES: u32 = 5;
/// Seconds between signs of life that a silent libvirtd is asked for, and how
/// many of them it may owe.
const KEEP_ALIVE: (i32, u32) = (5, 3);

/// A connection that heals.
#[derive(Debug)]
pub(crate) struct Link {
    uri: String,
    changes: Arc<Changes>,
    /// The connection that was made last. Held while one is made, never during a call.
    last: Mutex<Option<Live>>,
}

#[derive(Clone, Debug)]
struct Live {
    subscribed: Arc<Subscribed>,
    since: Instant,
}

impl Live {
    fn connection(&self) -> &Connect {
        self.subscribed.connection()
    }

    fn is_alive(&self) -> bool {
        self.connection().is_alive().unwrap_or(false)
    }
}

impl Link {
    /// Connects for the first time.
    pub(crate) async fn open(uri: String) -> Result<Arc<Self>, LibvirtError> {
        let link = Arc::new(Self { uri, changes: Changes::new(), last: Mutex::default() });
        link.call(|_connection| Ok(())).await?;
        Ok(link)
    }

    /// What moves at every event.
    pub(crate) fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Whether libvirtd may know more in a moment, and not tell. Does not block.
    pub(crate) fn is_fresh(&self) -> bool {
        // Who holds it is connecting just now.
        let Ok(last) = self.last.try_lock() else { return true };
        last.as_ref().is_some_and(|live| live.since.elapsed() < RESTART_LIMIT)
    }

    /// Runs a call to its end, even if the caller goes away meanwhile, and again
    /// if libvirtd goes away meanwhile.
    pub(crate) async fn call<T: Send + 'static>(
        self: &Arc<Self>,
        call: impl Fn(&Connect) -> Result<T, LibvirtError> + Send + 'static,
    ) -> Result<T, LibvirtError> {
        let link = Arc::clone(self);
        let ended = tokio::task::spawn_blocking(move || {
            let mut tries = 1;
            loop {
                let live = link.connected()?;
                match call(live.connection()) {
                    Err(_) if tries < TRIES && !live.is_alive() => tries += 1,
                    ended => return ended,
                }
            }
        });
        ended.await.expect("a call does not panic")
    }

    fn last(&self) -> MutexGuard<'_, Option<Live>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connected(&self) -> Result<Live, LibvirtError> {
        let mut last = self.last();
        match &*last {
            Some(live) if live.is_alive() => return Ok(live.clone()),
            _ => {}
        }
        let patience = if last.is_some() { PATIENCE } else { Duration::ZERO };
        let subscribed = Arc::new(self.connect(patience)?);
        Ok(last.insert(Live { subscribed, since: Instant::now() }).clone())
    }

    fn connect(&self, patience: Duration) -> Result<Subscribed, LibvirtError> {
        let begun = Instant::now();
        loop {
            match self.try_to_connect() {
                Err(_) if begun.elapsed() < patience => std::thread::sleep(PAUSE),
                tried => {
                    let uri = self.uri.clone();
                    return tried.map_err(|source| LibvirtError::Connect { uri, source });
                }
            }
        }
    }

    fn try_to_connect(&self) -> Result<Subscribed, virt::error::Error> {
        start_loop()?;
        let connection = Connect::open(Some(&self.uri))?;
        connection.set_keep_alive(KEEP_ALIVE.0, KEEP_ALIVE.1)?;
        Subscribed::new(connection, &self.changes)
    }
}
