//! The laws of the seam, as functions that any backend's tests can run.
//!
//! A backend describes a world of its own by [`Backend`] and runs the whole
//! suite with one line, which expands to one test per law:
//!
//! ```ignore
//! solstice_hypervisor::conformance_suite!(MyBackend::new());
//! ```
//!
//! A crash of the orchestrator is played by dropping the future of a call
//! after a number of polls, dropping the handle, and making a new one on the
//! same world. Every law ends by asking the backend, past the trait, what is
//! left of its machines: processes, files, whatever it makes (invariant I4).

mod console;
mod crash;
mod life;

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use async_trait::async_trait;
pub use console::*;
pub use crash::*;
pub use life::*;
use solstice_model::{AttemptId, Observed};

use crate::{Hypervisor, MachineSpec};

/// How long `destroy` may take, whatever the guest does, unless the backend's
/// world is a slow one.
pub const DESTROY_LIMIT: Duration = Duration::from_secs(2);

/// The behaviour of a guest that a law asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guest {
    /// Prints [`Backend::text`] and then runs for ever, deaf to any request to power off.
    Talks,
    /// Prints [`Backend::text`] and powers off.
    PowersOff,
    /// Never boots: runs for ever and prints nothing.
    Silent,
}

/// A backend in a world of its own, as the laws need it.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Its implementation of the seam.
    type Handle: Hypervisor;

    /// Makes a handle on this world, as an orchestrator does at its start. The
    /// laws drop the previous one first.
    async fn handle(&self) -> Self::Handle;

    /// Describes a new machine, with a new id, whose guest behaves like this.
    fn spec(&self, guest: Guest) -> MachineSpec;

    /// Describes a new machine whose image has changed since it was verified.
    fn spec_of_changed_image(&self) -> MachineSpec;

    /// All that a guest prints, from the first byte to the last; more than 1 KiB.
    fn text(&self) -> Vec<u8>;

    /// How long a guest may take to print it.
    fn patience(&self) -> Duration;

    /// How long `destroy` may take here.
    fn destroy_limit(&self) -> Duration {
        DESTROY_LIMIT
    }

    /// Puts things into the world that look like ours and are somebody else's.
    async fn add_foreign(&self);

    /// Those of them that are still as they were put there, a line each.
    async fn foreign(&self) -> Vec<String>;

    /// Everything of ours that exists, seen past the trait, a line each.
    async fn leftovers(&self) -> Vec<String>;
}

/// Runs every law over a backend: `$backend` is an expression for a future of
/// a value that implements [`Backend`](crate::conformance::Backend), evaluated
/// anew for each law. The calling crate needs tokio with `macros` and
/// `rt-multi-thread`.
#[macro_export]
macro_rules! conformance_suite {
    ($backend:expr) => {
        $crate::conformance_suite! { $backend;
            ensuring_twice_changes_nothing,
            destroying_the_absent_is_fine,
            destroying_twice_is_fine,
            destroy_is_quick_though_the_guest_ignores_it,
            observe_lists_only_ours,
            two_machines_are_independent,
            different_machines_can_be_made_at_once,
            a_silent_guest_runs_with_an_empty_console,
            a_changed_image_is_refused,
            a_stopped_machine_is_not_booted_again,
            a_machine_outlives_the_handle,
            the_console_is_complete_and_read_in_pieces,
            the_console_is_kept_after_the_end,
            there_is_no_console_without_a_machine,
            stopped_resolves_when_the_guest_powers_off,
            stopped_resolves_on_destroy,
            stopped_resolves_at_once_without_a_running_guest,
            destroy_clears_every_half_made_state,
            ensure_completes_every_half_made_state,
            destroy_completes_every_half_done_destroy,
        }
    };
    ($backend:expr; $($law:ident,)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $law() {
            let backend = $backend.await;
            $crate::conformance::$law(&backend).await;
            $crate::conformance::assert_nothing_left(&backend).await;
        }
    )+};
}

/// The end of every law.
///
/// # Panics
///
/// If anything of ours is left.
pub async fn assert_nothing_left<B: Backend>(backend: &B) {
    let left = backend.leftovers().await;
    assert!(left.is_empty(), "left behind: {left:#?}");
}

/// What `observe` says of a machine.
async fn seen(handle: &impl Hypervisor, id: AttemptId) -> Observed {
    let all = handle.observe().await.expect("observing works");
    let mut found = all.iter().filter(|machine| machine.id == id);
    let observed = found.next().map_or(Observed::Absent, |machine| machine.observed);
    assert!(found.next().is_none(), "a machine is listed twice: {all:?}");
    observed
}

async fn ensure(handle: &impl Hypervisor, spec: &MachineSpec) {
    handle.ensure(spec).await.expect("the machine can be made");
}

async fn destroy<B: Backend>(backend: &B, handle: &B::Handle, id: AttemptId) {
    let begun = Instant::now();
    handle.destroy(id).await.expect("the machine can be destroyed");
    assert!(begun.elapsed() < backend.destroy_limit(), "destroy took {:?}", begun.elapsed());
    assert_eq!(seen(handle, id).await, Observed::Absent);
}

/// Reads the whole console until it is as long as the text, with a bound.
async fn console_when_complete<B: Backend>(
    backend: &B,
    handle: &B::Handle,
    id: AttemptId,
) -> Vec<u8> {
    let begun = Instant::now();
    loop {
        let console = handle.console(id, 0, usize::MAX).await.expect("there is a console");
        if console.bytes.len() >= backend.text().len() {
            return console.bytes.to_vec();
        }
        let seen = String::from_utf8_lossy(&console.bytes);
        assert!(begun.elapsed() < backend.patience(), "the guest printed only {seen:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits for the machine to stop, with a bound.
async fn stops<B: Backend>(backend: &B, handle: &B::Handle, id: AttemptId) {
    tokio::time::timeout(backend.patience(), handle.stopped(id))
        .await
        .expect("the machine stops in time")
        .expect("that can be found out");
}

/// Polls a future this often and drops it: a crash. `Some` if it was done by then.
async fn crash_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut count = 0;
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => {
            count += 1;
            if count >= polls { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}
