//! Laws of the console and of the machine's end.

use solstice_model::Observed;

use super::{Backend, Guest, console_when_complete, destroy, ensure, seen, stops};
use crate::{Hypervisor, HypervisorError};

/// Any offset and any limit give just those bytes, from the very first on.
pub async fn the_console_is_complete_and_read_in_pieces<B: Backend>(backend: &B) {
    let handle = backend.handle().await;
    let spec = backend.spec(Guest::Talks);
    ensure(&handle, &spec).await;
    let text = backend.text();
    assert_eq!(console_when_complete(backend, &handle, spec.id).await, text);
    for size in [1, 7, 1000] {
        let mut pieces = Vec::new();
        // One piece more than there is: the end is an empty one.
        for _ in 0..=text.len().min(1200).div_ceil(size) {
            let from = pieces.len() as u64;
            let piece = handle.console(spec.id, from, size).await.expect("there is a console");
            assert!(piece.bytes.len() <= size);
            assert_eq!(piece.next, from + piece.bytes.len() as u64);
            pieces.extend_from_slice(&piece.bytes);
        }
        assert_eq!(pieces, text[..pieces.len()]);
    }
    let end = text.len() as u64;
    let piece = handle.console(spec.id, end, 10).await.expect("there is a console");
    assert_eq!((piece.bytes.len(), piece.next), (0, end));
    destroy(backend, &handle, spec.id).await;
}

/// What a guest said last can be read when it has stopped, and after a restart.
pub async fn the_console_is_kept_after_the_end<B: Backend>(backend: &B) {
    let handle = backend.handle().await;
    let spec = backend.spec(Guest::PowersOff);
    ensure(&handle, &spec).await;
    stops(backend, &handle, spec.id).await;
    let console = handle.console(spec.id, 0, usize::MAX).await.expect("there is a console");
    assert_eq!(console.bytes, backend.text());
    drop(handle);
    let handle = backend.handle().await;
    let console = handle.console(spec.id, 0, usize::MAX).await.expect("there is a console");
    assert_eq!(console.bytes, backend.text());
    destroy(backend, &handle, spec.id).await;
}

/// Neither before the machine was made nor after it was destroyed.
pub async fn there_is_no_console_without_a_machine<B: Backend>(backend: &B) {
    let handle = backend.handle().await;
    let spec = backend.spec(Guest::Talks);
    for _ in 0..2 {
        let absent = handle.console(spec.id, 0, 10).await;
        assert!(
            matches!(absent, Err(HypervisorError::Absent { id }) if id == spec.id),
            "{absent:?}"
        );
        ensure(&handle, &spec).await;
        handle.console(spec.id, 0, 10).await.expect("there is a console");
        destroy(backend, &handle, spec.id).await;
    }
}

/// The end from inside is noticed, and what is seen afterwards agrees.
pub async fn stopped_resolves_when_the_guest_powers_off<B: Backend>(backend: &B) {
    let handle = backend.handle().await;
    let spec = backend.spec(Guest::PowersOff);
    ensure(&handle, &spec).await;
    stops(backend, &handle, spec.id).await;
    assert_eq!(seen(&handle, spec.id).await, Observed::Stopped);
    destroy(backend, &handle, spec.id).await;
}

/// The end from outside is noticed by everyone who waits.
pub async fn stopped_resolves_on_destroy<B: Backend>(backend: &B) {
    let handle = backend.handle().await;
    let spec = backend.spec(Guest::Talks);
    ensure(&handle, &spec).await;
    let later = async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        destroy(backend, &handle, spec.id).await;
    };
    let wait = || stops(backend, &handle, spec.id);
    tokio::join!(wait(), wait(), later);
}

/// Nothing has to happen first if nothing runs.
pub async fn stopped_resolves_at_once_without_a_running_guest<B: Backend>(backend: &B) {
    let handle = backend.handle().await;
    let spec = backend.spec(Guest::PowersOff);
    stops(backend, &handle, spec.id).await;
    ensure(&handle, &spec).await;
    stops(backend, &handle, spec.id).await;
    stops(backend, &handle, spec.id).await;
    destroy(backend, &handle, spec.id).await;
    stops(backend, &handle, spec.id).await;
}
