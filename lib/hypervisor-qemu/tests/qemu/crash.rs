//! An orchestrator that is killed at any moment: whatever it left is seen, and
//! gets to either end (invariant I4).

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use solstice_hypervisor::conformance::{Backend, Guest, assert_nothing_left};
use solstice_hypervisor::{Hypervisor, MachineSpec};
use solstice_hypervisor_qemu::{Accelerator, BridgeConfig, Network, QemuConfig, QemuHypervisor};
use solstice_model::{Observed, Token};

use crate::support::{World, lock, subnet};
use crate::tiny::text;

/// In the environment of the program that is killed: which machine, and where.
const HELPER: &str = "SOLSTICE_TEST_HELPER";
/// This test, by the name that makes the test program run it alone.
const HELPER_TEST: &str = "crash::making_and_destroying_over_and_over";

/// The orchestrator that is killed: this test program again, running the test
/// below as an endless loop over one machine.
struct Victim(Child);

impl Victim {
    fn start(world: &World, spec: &MachineSpec) -> Self {
        let network = if world.is_bridged() { "bridge" } else { "user" };
        let kernel = &spec.image.kernel.as_ref().unwrap().path;
        let folder = kernel.parent().unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args([HELPER_TEST, "--exact", "--nocapture"])
            .env(HELPER, format!("{};{folder};{};{network}", world.path(), spec.id))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    fn kill(mut self) {
        assert!(self.0.try_wait().unwrap().is_none(), "the helper ended by itself");
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// On its own a test of the backend; as the helper, what gets killed.
#[tokio::test]
async fn making_and_destroying_over_and_over() {
    let Ok(what) = std::env::var(HELPER) else {
        let world = World::new().await;
        let hypervisor = world.open().await;
        let spec = world.spec(Guest::Talks);
        for _ in 0..3 {
            hypervisor.ensure(&spec).await.unwrap();
            hypervisor.destroy(spec.id).await.unwrap();
        }
        return assert_nothing_left(&world).await;
    };
    let [root, folder, id, network] = what.split(';').collect::<Vec<_>>().try_into().unwrap();
    let image = lock(folder.into(), "tiny guest", &["kernel", "disk.qcow2"]);
    let config = QemuConfig::new(format!("{root}/state"), "moon".parse().unwrap(), ["/bin/true"]);
    let endpoint_file = format!("{root}/endpoint").into();
    let network = match network {
        "bridge" => Network::Bridge(BridgeConfig { subnet: subnet(), endpoint_file, serve: true }),
        _ => Network::User,
    };
    let config = QemuConfig { accelerator: Accelerator::Tcg, network, ..config };
    let hypervisor = QemuHypervisor::open(config, std::slice::from_ref(&image)).await.unwrap();
    let token = Token::generate();
    let id = id.parse().unwrap();
    let spec = MachineSpec { id, image, cpus: 1, memory_mib: 32, disk_mib: 2, token };
    loop {
        hypervisor.ensure(&spec).await.unwrap();
        hypervisor.destroy(spec.id).await.unwrap();
    }
}

/// Milliseconds from 0 to 400, other ones in each run of the test.
fn delays() -> impl Iterator<Item = u64> {
    let mut state = u64::from(std::process::id()) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % 400
    })
}

#[tokio::test]
async fn an_orchestrator_killed_at_any_moment_leaves_nothing_that_is_not_found() {
    kill_over_and_over(World::new).await;
}

#[tokio::test]
async fn so_it_is_with_machines_on_a_bridge() {
    kill_over_and_over(World::bridged).await;
}

async fn kill_over_and_over(new: impl AsyncFn() -> World) {
    for (round, delay) in delays().take(20).enumerate() {
        let world = new().await;
        let spec = world.spec(Guest::Talks);
        drop(world.open().await);
        let victim = Victim::start(&world, &spec);
        // The victim reaches its first machine about here.
        tokio::time::sleep(Duration::from_millis(50 + delay)).await;
        victim.kill();

        let hypervisor = world.open().await;
        let left = world.leftovers().await;
        let seen = hypervisor.observe().await.unwrap();
        let what = format!("after {delay} ms: left {left:#?}, seen {seen:?}");
        assert_eq!(left.is_empty(), seen.is_empty(), "{what}");
        assert!(seen.iter().all(|machine| machine.id == spec.id), "{what}");
        if round % 2 == 0 {
            hypervisor.ensure(&spec).await.unwrap();
            assert_running(&hypervisor, &spec, &what).await;
        }
        hypervisor.destroy(spec.id).await.unwrap();
        assert_nothing_left(&world).await;
    }
}

/// The machine runs and has booted once, whoever booted it.
async fn assert_running(hypervisor: &QemuHypervisor, spec: &MachineSpec, what: &str) {
    let seen = hypervisor.observe().await.unwrap();
    assert_eq!(seen.len(), 1, "{what}");
    if seen[0].observed == Observed::Stopped {
        // The victim was killed between ending QEMU and moving its folder away.
        return;
    }
    for _ in 0..1000 {
        let console = hypervisor.console(spec.id, 0, usize::MAX).await.unwrap().bytes;
        if console.len() >= text().len() {
            assert_eq!(console, text(), "{what}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the guest does not talk {what}");
}
