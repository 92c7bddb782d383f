//! An orchestrator that is killed after every single command: whatever it left
//! is seen, and gets to either end (invariant I4).

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};

use illumos_host::faults::{self, Fault, What};
use illumos_host::guest::Guest;
use solstice_hypervisor::conformance::{Backend as _, assert_nothing_left};
use solstice_hypervisor::{Hypervisor, MachineSpec};
use solstice_hypervisor_zones::ZonesHypervisor;
use solstice_model::{AttemptId, Observed};

use crate::support::{World, complete, journal};

/// In the environment of the program that is killed: what it is to do.
const VICTIM: &str = "SOLSTICE_TEST_VICTIM";
/// The test below that is the victim, by the name that makes the test program
/// run it alone.
const VICTIM_TEST: &str = "crash::what_is_killed";
/// What the victim says when it is to be told to begin.
const READY: &[u8; 1] = b".";
/// The programs that an orchestrator executes, or has executed by pfexec.
const PROGRAMS: [&str; 7] = ["ctrun", "dladm", "ipadm", "pkill", "zfs", "zoneadm", "zonecfg"];

/// The orchestrator that is killed: this test program again.
struct Victim(Child);

impl Victim {
    /// One that makes (or destroys) this machine when it is told to begin.
    fn of(verb: &str, spec: &MachineSpec) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([VICTIM_TEST, "--exact", "--nocapture"])
            .env(VICTIM, format!("{verb} {}", spec.id))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        Self(child.unwrap())
    }

    /// Kills it when it has called this program once more than `skip` times.
    async fn dies_after(mut self, program: &str, skip: u32) {
        let pid = i32::try_from(self.0.id()).unwrap();
        let program = Some(program.to_owned());
        let what = What::KillProcessAfter { pid };
        let fault = Fault { program, arguments: vec![], skip, times: 1, what };
        let life = tokio::task::spawn_blocking(move || {
            let mut said = [0];
            self.0.stderr.as_mut().unwrap().read_exact(&mut said).unwrap();
            assert_eq!(&said, READY);
            faults::inject(illumos_host::state_dir(), &fault).unwrap();
            self.0.stdin.take().unwrap().write_all(b"begin\n").unwrap();
            let ended = self.0.wait().unwrap();
            faults::clear(illumos_host::state_dir()).unwrap();
            // How often it looks and kills while a zone halts is a matter of time.
            assert!(ended.signal() == Some(9) || skip > 0 && ended.success(), "{fault:?} {ended}");
        });
        life.await.unwrap();
    }
}

/// Does nothing unless it is the victim.
#[tokio::test]
async fn what_is_killed() {
    let Ok(what) = std::env::var(VICTIM) else { return };
    let (verb, id) = what.split_once(' ').unwrap();
    let id: AttemptId = id.parse().unwrap();
    let world = World::here();
    let spec = MachineSpec { id, ..world.tiny(Guest::Talks) };
    let hypervisor = world.open().await;
    // Only now: to open the backend takes commands too.
    std::io::stderr().write_all(READY).unwrap();
    std::io::stdin().read_line(&mut String::new()).unwrap();
    match verb {
        "make" => hypervisor.ensure(&spec).await.unwrap(),
        _ => hypervisor.destroy(id).await.unwrap(),
    }
}

/// How often each program is called since this many calls.
fn calls_since(before: usize) -> BTreeMap<&'static str, u32> {
    let calls = journal().split_off(before);
    let count = |program: &str| {
        let calls = calls.iter().filter(|line| line.split(' ').next() == Some(program));
        u32::try_from(calls.count()).unwrap()
    };
    PROGRAMS.iter().map(|program| (*program, count(program))).collect()
}

/// How often each program is called to make a machine, and how often to destroy one.
async fn calls_of_a_life(world: &World) -> [BTreeMap<&'static str, u32>; 2] {
    let hypervisor = world.open().await;
    let spec = world.tiny(Guest::Talks);
    let before = journal().len();
    hypervisor.ensure(&spec).await.unwrap();
    let making = calls_since(before);
    complete(&hypervisor, spec.id).await;
    let before = journal().len();
    hypervisor.destroy(spec.id).await.unwrap();
    [making, calls_since(before)]
}

/// Everything that is there is also seen by the next orchestrator.
async fn next_sees_all(world: &World, id: AttemptId, what: &str) -> ZonesHypervisor {
    let left = world.leftovers().await;
    let hypervisor = world.open().await;
    let seen = hypervisor.observe().await.unwrap();
    assert_eq!(left.is_empty(), seen.is_empty(), "{what}: left {left:#?}, seen {seen:?}");
    assert!(seen.iter().all(|machine| machine.id == id), "{what}: {seen:?}");
    hypervisor
}

#[tokio::test]
async fn killed_after_any_command_of_making_a_machine() {
    let Some(world) = World::of_this_test() else { return };
    world.add_foreign().await;
    let foreign = world.foreign().await;
    let [making, _] = calls_of_a_life(&world).await;
    for (program, skip) in making.iter().flat_map(|(program, n)| (0..*n).map(move |k| (program, k)))
    {
        let what = format!("after {skip} and one of {program}");
        let spec = world.tiny(Guest::Talks);
        Victim::of("make", &spec).dies_after(program, skip).await;
        let hypervisor = next_sees_all(&world, spec.id, &what).await;
        if skip % 2 == 0 {
            hypervisor.ensure(&spec).await.unwrap();
            let seen = hypervisor.observe().await.unwrap();
            assert_eq!(seen[0].observed, Observed::Running, "{what}");
            complete(&hypervisor, spec.id).await;
        }
        hypervisor.destroy(spec.id).await.unwrap();
        assert_nothing_left(&world).await;
        assert_eq!(world.foreign().await, foreign, "{what}");
    }
}

#[tokio::test]
async fn killed_after_any_command_of_destroying_a_machine() {
    let Some(world) = World::of_this_test() else { return };
    world.add_foreign().await;
    let foreign = world.foreign().await;
    let [_, destroying] = calls_of_a_life(&world).await;
    for (program, skip) in
        destroying.iter().flat_map(|(program, n)| (0..*n).map(move |k| (program, k)))
    {
        let what = format!("after {skip} and one of {program}");
        let spec = world.tiny(Guest::Talks);
        world.open().await.ensure(&spec).await.unwrap();
        Victim::of("destroy", &spec).dies_after(program, skip).await;
        let hypervisor = next_sees_all(&world, spec.id, &what).await;
        hypervisor.destroy(spec.id).await.unwrap();
        assert_nothing_left(&world).await;
        assert_eq!(world.foreign().await, foreign, "{what}");
    }
}
