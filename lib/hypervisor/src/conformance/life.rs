//! Laws of a machine's life without crashes.

use solstice_model::Observed;

use super::{Backend, Guest, console_when_complete, destroy, ensure, seen, stops};
use crate::{Hypervisor, HypervisorError};

/// A second `ensure` neither makes nor boots anything.
pub async fn ensuring_twice_changes_nothing<B: Backend>(backend: &B) {
    let handle = backend.handle().await;
    let spec = backend.spec(Guest::Talks);
    ensure(&handle, &spec).await;
    console_when_complete(backend, &handle, spec.id).await;
    let before = backend.leftovers().await;
    ensure(&handle, &spec).await;
    assert_eq!(seen(&handle, spec.id).await, Observed::Running);
    assert_eq!(backend.leftovers().await, before);
    assert_eq!(console_when_complete(backend, &handle, spec.id).await, backend.text());
    destroy(backend, &handle, spec.id).await;
}

/// There is nothing to do, so it is done.
pub async fn destroying_the_absent_is_fine<B: Backend>(backend: &B) {
    let handle = backend.handle().await;
    destroy(backend, &handle, backend.spec(Guest::Talks).id).await;
}

/// `destroy` is idempotent.
pub async fn destroying_twice_is_fine<B: Backend>(backend: &B) {
    let handle = backend.handle().await;
    let spec = backend.spec(Guest::Talks);
    ensure(&handle, &spec).await;
    destroy(backend, &handle, spec.id).await;
    destroy(backend, &handle, spec.id).await;
}

/// The guest is not asked; [`super::DESTROY_LIMIT`] holds in every state of its boot.
pub async fn destroy_is_quick_though_the_guest_ignores_it<B: Backend>(backend: &B) {
    let handle = backend.handle().await;
    for guest in [Guest::Silent, Guest::Talks] {
        let spec = backend.spec(guest);
        ensure(&handle, &spec).await;
        destroy(backend, &handle, spec.id).await;
    }
    let spec = backend.spec(Guest::Talks);
    ensure(&handle, &spec).await;
    console_when_complete(backend, &handle, spec.id).await;
    destroy(backend, &handle, spec.id).await;
}

/// What belongs to others is neither listed nor touched.
pub async fn observe_lists_only_ours<B: Backend>(backend: &B) {
    backend.add_foreign().await;
    let foreign = backend.foreign().await;
    assert!(!foreign.is_empty(), "the law needs something foreign");
    let handle = backend.handle().await;
    assert_eq!(handle.observe().await.expect("observing works"), []);
    let spec = backend.spec(Guest::Talks);
    ensure(&handle, &spec).await;
    let listed = handle.observe().await.expect("observing works");
    assert_eq!(listed.iter().map(|machine| machine.id).collect::<Vec<_>>(), [spec.id]);
    destroy(backend, &handle, spec.id).await;
    assert_eq!(backend.foreign().await, foreign);
}

/// What happens to one machine is nothing to the other.
pub async fn two_machines_are_independent<B: Backend>(backend: &B) {
    let handle = backend.handle().await;
    let (one, two) = (backend.spec(Guest::Talks), backend.spec(Guest::Talks));
    ensure(&handle, &one).await;
    ensure(&handle, &two).await;
    assert_eq!(console_when_complete(backend, &handle, two.id).await, backend.text());
    destroy(backend, &handle, one.id).await;
    assert_eq!(seen(&handle, two.id).await, Observed::Running);
    assert_eq!(console_when_complete(backend, &handle, two.id).await, backend.text());
    destroy(backend, &handle, two.id).await;
}

/// Calls for different machines do not disturb each other.
pub async fn different_machines_can_be_made_at_once<B: Backend>(backend: &B) {
    let handle = backend.handle().await;
    let specs: Vec<_> = (0..4).map(|_| backend.spec(Guest::Talks)).collect();
    futures::future::join_all(specs.iter().map(|spec| ensure(&handle, spec))).await;
    for spec in &specs {
        assert_eq!(seen(&handle, spec.id).await, Observed::Running);
        assert_eq!(console_when_complete(backend, &handle, spec.id).await, backend.text());
    }
    futures::future::join_all(specs.iter().map(|spec| destroy(backend, &handle, spec.id))).await;
}

/// Whether it ever boots is for the caller's boot limit to say.
pub async fn a_silent_guest_runs_with_an_empty_console<B: Backend>(backend: &B) {
    let handle = backend.handle().await;
    let spec = backend.spec(Guest::Silent);
    ensure(&handle, &spec).await;
    let stopped =
        tokio::time::timeout(std::time::Duration::from_millis(200), handle.stopped(spec.id));
    assert!(stopped.await.is_err(), "it still runs");
    assert_eq!(seen(&handle, spec.id).await, Observed::Running);
    let console = handle.console(spec.id, 0, 4096).await.expect("there is a console");
    assert_eq!((console.bytes.len(), console.next), (0, 0));
    destroy(backend, &handle, spec.id).await;
}

/// Only locked bytes boot (invariant I11), and the refusal leaves nothing.
pub async fn a_changed_image_is_refused<B: Backend>(backend: &B) {
    let handle = backend.handle().await;
    let spec = backend.spec_of_changed_image();
    let refused = handle.ensure(&spec).await;
    assert!(matches!(refused, Err(HypervisorError::Image(_))), "{refused:?}");
    assert_eq!(seen(&handle, spec.id).await, Observed::Absent);
    super::assert_nothing_left(backend).await;
}

/// A guest that has ended has ended, whoever asks for it again.
pub async fn a_stopped_machine_is_not_booted_again<B: Backend>(backend: &B) {
    let handle = backend.handle().await;
    let spec = backend.spec(Guest::PowersOff);
    ensure(&handle, &spec).await;
    stops(backend, &handle, spec.id).await;
    assert_eq!(seen(&handle, spec.id).await, Observed::Stopped);
    ensure(&handle, &spec).await;
    drop(handle);
    let handle = backend.handle().await;
    ensure(&handle, &spec).await;
    assert_eq!(seen(&handle, spec.id).await, Observed::Stopped);
    assert_eq!(console_when_complete(backend, &handle, spec.id).await, backend.text());
    destroy(backend, &handle, spec.id).await;
}

/// An orchestrator's end is not its machines' end, and the next one takes over.
pub async fn a_machine_outlives_the_handle<B: Backend>(backend: &B) {
    let handle = backend.handle().await;
    let spec = backend.spec(Guest::Talks);
    ensure(&handle, &spec).await;
    drop(handle);
    let handle = backend.handle().await;
    assert_eq!(seen(&handle, spec.id).await, Observed::Running);
    ensure(&handle, &spec).await;
    assert_eq!(console_when_complete(backend, &handle, spec.id).await, backend.text());
    let stopped = handle.stopped(spec.id);
    let (stopped, ()) = tokio::join!(stopped, destroy(backend, &handle, spec.id));
    stopped.expect("the end of a machine that another handle made is seen");
}
