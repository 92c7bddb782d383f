//! Laws of crashes: at every await point of a call, the next orchestrator
//! sees whatever was left and gets to either end (invariant I4).

use solstice_model::{AttemptId, Observed};

use super::{
    Backend, Guest, assert_nothing_left, console_when_complete, crash_after, destroy, ensure, seen,
};
use crate::{Hypervisor, MachineSpec};

/// More polls than any call takes on its way; a call that takes more is polling.
const MOST_POLLS: usize = 2000;

/// `ensure` dropped at each of its await points, then `destroy` by a new handle.
pub async fn destroy_clears_every_half_made_state<B: Backend>(backend: &B) {
    for polls in crash_points() {
        let spec = backend.spec(Guest::Talks);
        let done = crash_in_ensure(backend, &spec, polls).await;
        let handle = backend.handle().await;
        assert_seen_if_left(backend, &handle, spec.id).await;
        destroy(backend, &handle, spec.id).await;
        assert_nothing_left(backend).await;
        if done {
            return;
        }
    }
    panic!("ensure was not done after {MOST_POLLS} polls");
}

/// `ensure` dropped at each of its await points, then `ensure` by a new handle:
/// the guest runs, and has been booted only once.
pub async fn ensure_completes_every_half_made_state<B: Backend>(backend: &B) {
    for polls in crash_points() {
        let spec = backend.spec(Guest::Talks);
        let done = crash_in_ensure(backend, &spec, polls).await;
        let handle = backend.handle().await;
        ensure(&handle, &spec).await;
        assert_eq!(seen(&handle, spec.id).await, Observed::Running);
        assert_eq!(console_when_complete(backend, &handle, spec.id).await, backend.text());
        destroy(backend, &handle, spec.id).await;
        assert_nothing_left(backend).await;
        if done {
            return;
        }
    }
    panic!("ensure was not done after {MOST_POLLS} polls");
}

/// `destroy` dropped at each of its await points, then `destroy` by a new handle.
pub async fn destroy_completes_every_half_done_destroy<B: Backend>(backend: &B) {
    for polls in crash_points() {
        let spec = backend.spec(Guest::Talks);
        let handle = backend.handle().await;
        ensure(&handle, &spec).await;
        let ended = crash_after(polls, handle.destroy(spec.id)).await;
        drop(handle);
        let handle = backend.handle().await;
        assert_seen_if_left(backend, &handle, spec.id).await;
        destroy(backend, &handle, spec.id).await;
        assert_nothing_left(backend).await;
        if let Some(ended) = ended {
            return ended.expect("the machine can be destroyed");
        }
    }
    panic!("destroy was not done after {MOST_POLLS} polls");
}

/// Every one of the first await points, then ever fewer of those that follow:
/// later ones are mostly the same wait again.
fn crash_points() -> impl Iterator<Item = usize> {
    (1..=16).chain((0..).map(|n| 17 + n * (n + 3) / 2).take_while(|polls| *polls <= MOST_POLLS))
}

/// Whether `ensure` was done before the crash.
async fn crash_in_ensure<B: Backend>(backend: &B, spec: &MachineSpec, polls: usize) -> bool {
    let handle = backend.handle().await;
    let ended = crash_after(polls, handle.ensure(spec)).await;
    let done = ended.map(|ended| ended.expect("the machine can be made"));
    done.is_some()
}

/// What exists must be listed, or no reconciler would ever remove it.
async fn assert_seen_if_left<B: Backend>(backend: &B, handle: &B::Handle, id: AttemptId) {
    let left = backend.leftovers().await;
    let seen = seen(handle, id).await;
    assert!(left.is_empty() || seen != Observed::Absent, "not observed: {left:#?}");
}
