//! An orchestrator that is killed after every single command: whatever it left
//! is seen, and gets to either end (invariant I4).

use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use illumos_host::faults::{self, Fault, What};
use illumos_host::guest::Guest;
use solstice_hypervisor::conformance::{Backend, assert_nothing_left};
use solstice_hypervisor::{Hypervisor, MachineSpec};
use solstice_model::{AttemptId, Observed};

use crate::support::{World, text};

/// In the environment of the program that is killed: what it is to do.
const VICTIM: &str = "SOLSTICE_TEST_VICTIM";
/// The test below that is the victim, by the name that makes the test program
/// run it alone.
const VICTIM_TEST: &str = "crash::what_is_killed";
/// More commands than anything takes.
const MOST_COMMANDS: u32 = 200;

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
            .spawn();
        Self(child.unwrap())
    }

    /// Lets it work until it has called this many commands, and says whether it
    /// was done before.
    fn dies_after(mut self, commands: u32) -> bool {
        let pid = i32::try_from(self.0.id()).unwrap();
        let what = What::KillProcessAfter { pid };
        let fault = Fault { program: None, arguments: vec![], skip: commands, times: 1, what };
        faults::inject(illumos_host::state_dir(), &fault).unwrap();
        self.0.stdin.take().unwrap().write_all(b"begin\n").unwrap();
        let done = self.0.wait().unwrap().success();
        faults::clear(illumos_host::state_dir()).unwrap();
        done
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
    std::io::stdin().read_line(&mut String::new()).unwrap();
    match verb {
        "make" => hypervisor.ensure(&spec).await.unwrap(),
        _ => hypervisor.destroy(id).await.unwrap(),
    }
    // Nothing of it is to be taken back: the end of a process is the end of all.
    std::process::exit(0);
}

/// The machine runs and has been booted once, whoever booted it.
async fn assert_runs(world: &World, id: AttemptId, what: &str) {
    let hypervisor = world.open().await;
    let seen = hypervisor.observe().await.unwrap();
    assert!(
        seen.iter().any(|it| it.id == id && it.observed == Observed::Running),
        "{what} {seen:?}"
    );
    for _ in 0..3000 {
        let console = hypervisor.console(id, 0, usize::MAX).await.unwrap().bytes;
        if console.len() >= text().len() {
            assert_eq!(console, text(), "{what}");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the guest does not talk {what}");
}

/// Everything that is there is also seen.
async fn assert_seen(world: &World, id: AttemptId, what: &str) {
    let left = world.leftovers().await;
    let seen = world.open().await.observe().await.unwrap();
    assert_eq!(left.is_empty(), seen.is_empty(), "{what}: left {left:#?}, seen {seen:?}");
    assert!(seen.iter().all(|machine| machine.id == id), "{what}: {seen:?}");
}

#[tokio::test]
async fn killed_after_any_command_of_making_a_machine() {
    let Some(world) = World::of_this_test() else { return };
    world.add_foreign().await;
    let foreign = world.foreign().await;
    for commands in 0..MOST_COMMANDS {
        let spec = world.tiny(Guest::Talks);
        let done = Victim::of("make", &spec).dies_after(commands);
        let what = format!("after {commands} commands");
        assert_seen(&world, spec.id, &what).await;
        let hypervisor = world.open().await;
        if commands % 2 == 0 {
            hypervisor.ensure(&spec).await.unwrap();
            assert_runs(&world, spec.id, &what).await;
        }
        hypervisor.destroy(spec.id).await.unwrap();
        assert_nothing_left(&world).await;
        assert_eq!(world.foreign().await, foreign, "{what}");
        if done {
            return;
        }
    }
    panic!("a machine takes more than {MOST_COMMANDS} commands");
}

#[tokio::test]
async fn killed_after_any_command_of_destroying_a_machine() {
    let Some(world) = World::of_this_test() else { return };
    world.add_foreign().await;
    let foreign = world.foreign().await;
    for commands in 0..MOST_COMMANDS {
        let spec = world.tiny(Guest::Talks);
        world.open().await.ensure(&spec).await.unwrap();
        let done = Victim::of("destroy", &spec).dies_after(commands);
        let what = format!("after {commands} commands");
        assert_seen(&world, spec.id, &what).await;
        world.open().await.destroy(spec.id).await.unwrap();
        assert_nothing_left(&world).await;
        assert_eq!(world.foreign().await, foreign, "{what}");
        if done {
            return;
        }
    }
    panic!("destroying takes more than {MOST_COMMANDS} commands");
}
