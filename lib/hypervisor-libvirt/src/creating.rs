//! Which machines this process is asking libvirt for just now.
//!
//! A call to libvirt goes to its end even if whoever wanted it goes away. The
//! end of a machine is therefore not begun before the making of it has ended:
//! otherwise it could appear afterwards.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};

use solstice_model::AttemptId;

/// The machines; of the process and not of a backend, which may have been dropped.
static CREATING: Mutex<BTreeSet<AttemptId>> = Mutex::new(BTreeSet::new());
static DONE: Condvar = Condvar::new();

/// A machine is being made for as long as this is held.
pub(crate) struct Creating(AttemptId);

impl Creating {
    /// Waits for others that make it, and begins. Blocks.
    pub(crate) fn begin(id: AttemptId) -> Self {
        let set = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
        let set = DONE.wait_while(set, |set| set.contains(&id));
        set.unwrap_or_else(PoisonError::into_inner).insert(id);
        Self(id)
    }
}

impl Drop for Creating {
    fn drop(&mut self) {
        CREATING.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
        DONE.notify_all();
    }
}
