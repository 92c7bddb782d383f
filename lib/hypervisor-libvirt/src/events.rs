//! libvirt's event loop, and who is told that something happened.
//!
//! The bindings have no safe call for domain events, so the few lines that
//! register callbacks with libvirt itself are here, and nothing else unsafe is
//! in this crate. What a callback does is to move a counter: whoever waits for
//! a machine's end looks again then, so an event that is doubled, late or about
//! another machine does no harm, and one that says too little neither.

#![expect(unsafe_code, reason = "the bindings cannot register callbacks; see each SAFETY")]

use std::ffi::{c_int, c_void};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use virt::connect::Connect;
use virt::error::Error;
use virt::event::{event_register_default_impl, event_run_default_impl};
use virt_sys::{
    virConnectDomainEventDeregister, virConnectDomainEventRegister, virConnectPtr,
    virConnectRegisterCloseCallback, virConnectUnregisterCloseCallback, virDomainPtr,
};

/// The pause after a round of the event loop that failed.
const PAUSE: Duration = Duration::from_millis(100);

/// Moves whenever a machine of anybody changed its state, or a connection was lost.
#[derive(Debug)]
pub(crate) struct Changes(watch::Sender<u64>);

impl Changes {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(0)))
    }

    /// Sees every change from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }

    /// Lets everybody look again.
    pub(crate) fn happened(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Starts the thread that runs the callbacks of all connections of this
/// process; has to come before the first of them. It stays.
pub(crate) fn start_loop() -> Result<(), Error> {
    static STARTED: OnceLock<Result<(), Error>> = OnceLock::new();
    let start = || {
        virt::error::clear_error_callback();
        event_register_default_impl()?;
        std::thread::spawn(|| {
            loop {
                if event_run_default_impl().is_err() {
                    std::thread::sleep(PAUSE);
                }
            }
        });
        Ok(())
    };
    STARTED.get_or_init(start).clone()
}

/// A connection whose events are seen as changes for as long as this is held.
#[derive(Debug)]
pub(crate) struct Subscribed(Connect);

impl Subscribed {
    pub(crate) fn new(connection: Connect, changes: &Arc<Changes>) -> Result<Self, Error> {
        let subscribed = Self(connection);
        let pointer = subscribed.0.as_ptr();
        let opaque = || Arc::into_raw(Arc::clone(changes)).cast_mut().cast::<c_void>();
        // SAFETY: the pointer is a live connection's, the callbacks have the types that
        // libvirt calls them with, and each `opaque` is a reference of its own to the
        // changes, which `release` gives back once, when no callback can come any more.
        let registered = unsafe {
            [
                virConnectDomainEventRegister(pointer, Some(on_lifecycle), opaque(), Some(release)),
                virConnectRegisterCloseCallback(pointer, Some(on_close), opaque(), Some(release)),
            ]
        };
        // What was refused keeps its reference: a few bytes, once per lost connection.
        if registered.iter().any(|result| *result < 0) {
            return Err(Error::last_error());
        }
        Ok(subscribed)
    }

    pub(crate) fn connection(&self) -> &Connect {
        &self.0
    }
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        // SAFETY: the pointer is a live connection's. What was not registered, or went
        // with the connection, is refused without an effect.
        unsafe {
            virConnectUnregisterCloseCallback(self.0.as_ptr(), Some(on_close));
            virConnectDomainEventDeregister(self.0.as_ptr(), Some(on_lifecycle));
        }
    }
}

extern "C" fn on_lifecycle(
    _connection: virConnectPtr,
    _domain: virDomainPtr,
    _event: c_int,
    _detail: c_int,
    changes: *mut c_void,
) -> c_int {
    happened(changes);
    0
}

extern "C" fn on_close(_connection: virConnectPtr, _reason: c_int, changes: *mut c_void) {
    happened(changes);
}

fn happened(changes: *mut c_void) {
    // SAFETY: `Subscribed::new` made this pointer from a reference that is not given
    // back before the last callback returned.
    let changes = unsafe { &*changes.cast::<Changes>() };
    changes.happened();
}

extern "C" fn release(changes: *mut c_void) {
    // SAFETY: as in `happened`; libvirt calls this once.
    drop(unsafe { Arc::from_raw(changes.cast_const().cast::<Changes>()) });
}
