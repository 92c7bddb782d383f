//! The fake obeys the laws of the seam, and is strict about its use.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use camino::Utf8Path;
use solstice_hypervisor::conformance::{Backend, Guest};
use solstice_hypervisor::fake::{
    Failure, FakeHypervisor, FakeWorld, Fault, FaultPoint, Step, write_image,
};
use solstice_hypervisor::{Hypervisor, HypervisorError, MachineSpec};
use solstice_image::VerifiedImage;
use solstice_model::id::new_id;
use solstice_model::{AttemptId, Observed, Token};

struct FakeBackend {
    world: FakeWorld,
    guests: Arc<Mutex<BTreeMap<AttemptId, Guest>>>,
    folder: tempfile::TempDir,
    image: VerifiedImage,
}

impl FakeBackend {
    async fn new() -> Self {
        let world = FakeWorld::new();
        let guests = Arc::new(Mutex::new(BTreeMap::<_, Guest>::new()));
        let known = guests.clone();
        world.on_boot(move |guest| {
            let kind = known.lock().unwrap()[&guest.id()];
            async move {
                if kind == Guest::Silent {
                    return;
                }
                for line in text().chunks(100) {
                    guest.print(line);
                    tokio::task::yield_now().await;
                }
                if kind == Guest::PowersOff {
                    guest.power_off();
                }
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let image = write_image(Utf8Path::from_path(folder.path()).unwrap()).unwrap();
        Self { world, guests, folder, image }
    }
}

fn text() -> Vec<u8> {
    (0..200).flat_map(|n| format!("line {n}\n").into_bytes()).collect()
}

fn spec(image: &VerifiedImage) -> MachineSpec {
    MachineSpec {
        id: new_id(),
        image: image.clone(),
        cpus: 1,
        memory_mib: 64,
        disk_mib: 64,
        token: Token::generate(),
    }
}

#[async_trait]
impl Backend for FakeBackend {
    type Handle = FakeHypervisor;

    async fn handle(&self) -> FakeHypervisor {
        self.world.hypervisor()
    }

    fn spec(&self, guest: Guest) -> MachineSpec {
        let spec = spec(&self.image);
        self.guests.lock().unwrap().insert(spec.id, guest);
        spec
    }

    fn spec_of_changed_image(&self) -> MachineSpec {
        std::fs::write(self.folder.path().join("disk.qcow2"), "forged").unwrap();
        self.spec(Guest::Talks)
    }

    fn text(&self) -> Vec<u8> {
        text()
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(5)
    }

    async fn add_foreign(&self) {
        self.world.add_foreign("somebody-elses-machine");
    }

    async fn foreign(&self) -> Vec<String> {
        self.world.foreign()
    }

    async fn leftovers(&self) -> Vec<String> {
        self.world.assert_well_used();
        self.world.leftovers()
    }
}

mod laws {
    use super::FakeBackend;

    solstice_hypervisor::conformance_suite!(FakeBackend::new());
}

/// Every step of `ensure` and of `destroy` fails once, before and after its
/// effect; the next call gets there, and so does a destroy.
#[tokio::test]
async fn a_failure_at_any_step_is_overcome_by_the_next_call() {
    let backend = FakeBackend::new().await;
    let handle = backend.handle().await;
    for step in Step::ENSURE.into_iter().chain(Step::DESTROY) {
        for point in [FaultPoint::Before(step), FaultPoint::After(step)] {
            for again in [true, false] {
                let spec = backend.spec(Guest::Talks);
                backend.world.inject(Fault::fail(point, Failure::Failed).only(spec.id));
                let made = handle.ensure(&spec).await;
                assert_eq!(made.is_err(), Step::ENSURE.contains(&step), "{point:?}");
                if again {
                    handle.ensure(&spec).await.unwrap();
                }
                if handle.destroy(spec.id).await.is_err() {
                    handle.destroy(spec.id).await.unwrap();
                }
                assert!(backend.leftovers().await.is_empty(), "{point:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_hanging_step_can_be_crashed_out_of() {
    let backend = FakeBackend::new().await;
    let spec = backend.spec(Guest::Talks);
    backend.world.inject(Fault::hang(FaultPoint::After(Step::CloneDisk)));
    let handle = backend.handle().await;
    tokio::select! {
        ended = handle.ensure(&spec) => panic!("{ended:?}"),
        () = backend.world.until_hanging() => {}
    }
    drop(handle);
    let handle = backend.handle().await;
    assert_eq!(backend.world.observed(spec.id), Observed::Partial);
    handle.ensure(&spec).await.unwrap();
    let guest = backend.world.next_boot().await;
    assert_eq!(guest.token().secret(), spec.token.secret());
    handle.destroy(spec.id).await.unwrap();
    guest.stopped().await;
    assert!(backend.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_full_host_refuses_the_next_machine() {
    let backend = FakeBackend::new().await;
    backend.world.set_capacity(1);
    let handle = backend.handle().await;
    handle.ensure(&backend.spec(Guest::Silent)).await.unwrap();
    let refused = handle.ensure(&backend.spec(Guest::Silent)).await;
    assert!(matches!(refused, Err(HypervisorError::NoRoom { .. })), "{refused:?}");
}

#[tokio::test]
async fn two_calls_at_once_for_one_machine_are_misuse() {
    let backend = FakeBackend::new().await;
    let spec = backend.spec(Guest::Talks);
    let handle = Arc::new(backend.handle().await);
    backend.world.inject(Fault::hang(FaultPoint::Before(Step::Boot)));
    let (first, id) = (handle.clone(), spec.id);
    let first = tokio::spawn(async move { first.ensure(&spec).await });
    backend.world.until_hanging().await;
    let second = tokio::spawn(async move { handle.destroy(id).await }).await;
    assert!(second.unwrap_err().is_panic());
    first.abort();
    assert!(
        std::panic::catch_unwind(AssertUnwindSafe(|| backend.world.assert_well_used())).is_err()
    );
}

#[tokio::test]
#[should_panic(expected = "an orchestrator that crashed")]
async fn the_handle_of_a_crashed_orchestrator_is_dead() {
    let backend = FakeBackend::new().await;
    let old = backend.handle().await;
    let _new = backend.handle().await;
    old.observe().await.unwrap();
}

#[tokio::test]
#[should_panic(expected = "booted with another token")]
async fn a_booted_machine_cannot_get_another_token() {
    let backend = FakeBackend::new().await;
    let handle = backend.handle().await;
    let spec = backend.spec(Guest::Silent);
    handle.ensure(&spec).await.unwrap();
    let other = MachineSpec { token: Token::generate(), ..spec };
    handle.ensure(&other).await.unwrap();
}

#[tokio::test]
async fn a_panic_in_a_guests_script_is_remembered() {
    let backend = FakeBackend::new().await;
    backend.world.on_boot(|_guest| async { panic!("a test's own assertion") });
    let handle = backend.handle().await;
    handle.ensure(&backend.spec(Guest::Talks)).await.unwrap();
    tokio::task::yield_now().await;
    assert!(
        std::panic::catch_unwind(AssertUnwindSafe(|| backend.world.assert_well_used())).is_err()
    );
}
