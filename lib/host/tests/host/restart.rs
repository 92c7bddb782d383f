//! The orchestrator is killed at every stage, and the next one goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use camino::Utf8Path;
use solstice_api::host::HostReport;
use solstice_hypervisor::fake::{Fault, FaultPoint, Step, write_image};
use solstice_hypervisor::{Hypervisor, MachineSpec};
use solstice_model::id::new_id;
use solstice_model::{AttemptId, Observed, Token};

use crate::support::agent::{self, Agent, finished, line};
use crate::support::{Rig, bounded};

fn is_running(report: &HostReport) -> bool {
    matches!(report, HostReport::Running { .. })
}

fn is_lost(report: &HostReport) -> bool {
    matches!(report, HostReport::Lost { .. })
}

#[tokio::test]
async fn a_crash_before_any_step_of_making_or_destroying_a_machine_costs_no_job() {
    let steps = Step::ENSURE.into_iter().chain(Step::DESTROY);
    let points = steps.flat_map(|step| [FaultPoint::Before(step), FaultPoint::After(step)]);
    for point in points {
        let mut rig = Rig::new().await;
        rig.run_honest_agents();
        rig.world.inject(Fault::hang(point));
        rig.start().await;
        let job = rig.submit();
        bounded("the hanging call", rig.world.until_hanging()).await;
        rig.crash().await;
        rig.start().await;
        let reports = rig.server.until_over(job.attempt).await;
        assert!(!reports.iter().any(is_lost), "{point:?}: {reports:?}");
        assert_eq!(rig.server.records(job.attempt), agent::story(), "{point:?}");
        let console = rig.server.until_console(job.attempt).await;
        assert!(console.ends_with("powering off\n"), "{point:?}: {console}");
        rig.until_clean().await;
    }
}

#[tokio::test]
async fn a_guest_that_boots_meanwhile_reports_to_the_next_orchestrator() {
    let mut rig = Rig::new().await;
    rig.start().await;
    let job = rig.submit();
    let guest = bounded("the guest", rig.world.next_boot()).await;
    rig.crash().await;
    rig.start().await;
    agent::honest(guest, rig.data.clone()).await;
    let reports = rig.server.until_over(job.attempt).await;
    assert!(reports.iter().any(is_running));
    rig.until_clean().await;
}

#[tokio::test]
async fn a_running_agent_keeps_its_session_and_the_order_of_its_records() {
    let mut rig = Rig::new().await;
    rig.start().await;
    let job = rig.submit();
    let agent = Agent::new(bounded("the guest", rig.world.next_boot()).await, rig.data.clone());
    agent.redeem().await;
    agent.source().await;
    agent.say(1, line("one")).await;
    rig.crash().await;
    rig.server.set_away(true);
    rig.start().await;
    // The answer to the last request may have been lost: it comes again.
    let talk = tokio::spawn({
        let agent = agent.clone();
        async move {
            for seq in 1..=3 {
                agent.say(seq, line("one")).await;
            }
            // The agent itself was restarted inside its machine.
            let redeemed = agent.redeem().await;
            assert!(!agent.source().await.is_empty(), "as often as it asks");
            redeemed.next_seq
        }
    });
    rig.server.set_away(false);
    assert_eq!(bounded("the agent", talk).await.unwrap(), 4);
    assert!(agent.say(4, finished()).await.stop);
    agent.guest.power_off();
    assert_eq!(rig.server.records(job.attempt).len(), 4);
    rig.until_clean().await;
}

#[tokio::test]
async fn a_machine_that_died_meanwhile_is_noticed() {
    let mut rig = Rig::new().await;
    rig.start().await;
    let job = rig.submit();
    let agent = Agent::new(bounded("the guest", rig.world.next_boot()).await, rig.data.clone());
    agent.redeem().await;
    rig.server.until_reported(job.attempt, is_running).await;
    rig.crash().await;
    agent.guest.power_off();
    rig.start().await;
    assert!(rig.server.until_over(job.attempt).await.iter().any(is_lost));
    rig.until_clean().await;
}

#[tokio::test]
async fn a_machine_that_vanished_under_its_agent_is_not_made_again() {
    let mut rig = Rig::new().await;
    rig.start().await;
    let job = rig.submit();
    let agent = Agent::new(bounded("the guest", rig.world.next_boot()).await, rig.data.clone());
    agent.redeem().await;
    rig.server.until_reported(job.attempt, is_running).await;
    rig.crash().await;
    // The host itself was restarted.
    rig.world.hypervisor().destroy(job.attempt).await.unwrap();
    rig.start().await;
    let reports = rig.server.until_over(job.attempt).await;
    let Some(HostReport::Lost { why }) = reports.last() else { panic!("{reports:?}") };
    assert!(why.contains("the machine is gone"), "{why}");
    rig.until_clean().await;
}

#[tokio::test]
async fn an_attempt_that_was_cancelled_meanwhile_is_cleaned_up() {
    let mut rig = Rig::new().await;
    rig.start().await;
    let job = rig.submit();
    bounded("the guest", rig.world.next_boot()).await;
    rig.crash().await;
    rig.server.cancel(job.attempt);
    rig.start().await;
    rig.until_clean().await;
}

#[tokio::test]
async fn an_end_that_the_server_has_not_heard_of_is_told_by_the_next_orchestrator() {
    let mut rig = Rig::new().await;
    rig.start().await;
    let job = rig.submit();
    let guest = bounded("the guest", rig.world.next_boot()).await;
    guest.print("panic\n");
    rig.server.set_away(true);
    guest.power_off();
    rig.world.until_observed(job.attempt, Observed::Absent).await;
    rig.crash().await;
    rig.start().await;
    rig.server.set_away(false);
    let reports = rig.server.until_over(job.attempt).await;
    let Some(HostReport::Lost { why }) = reports.last() else { panic!("{reports:?}") };
    assert!(why.contains("panic"), "{why}");
    assert_eq!(rig.server.until_console(job.attempt).await, "panic\n");
    rig.until_clean().await;
}

#[tokio::test]
async fn unknown_machines_go_only_after_the_server_has_spoken() {
    let mut rig = Rig::new().await;
    rig.world.add_foreign("windows-xp");
    let folder = Utf8Path::from_path(rig.data.parent().unwrap().as_std_path()).unwrap();
    let spec = MachineSpec {
        id: new_id(),
        image: write_image(folder).unwrap(),
        cpus: 1,
        memory_mib: 64,
        disk_mib: 64,
        token: Token::generate(),
    };
    rig.world.hypervisor().ensure(&spec).await.unwrap();
    rig.server.set_away(true);
    rig.start().await;
    // The orchestrator has asked, in vain, more than once.
    for _ in 0..3 {
        let asked = rig.server.url();
        drop(reqwest::get(asked).await);
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.world.observed(spec.id), Observed::Running);
    rig.server.set_away(false);
    rig.world.until_observed(spec.id, Observed::Absent).await;
    assert_eq!(rig.world.foreign(), ["windows-xp"]);
    let first = rig.server.change(|state| state.syncs.first().map(|it| (it.room, it.offers.len())));
    assert_eq!(first, Some((0, 0)), "nothing is offered before the host knows its machines");
    rig.until_clean().await;
}

#[tokio::test]
async fn a_job_that_waits_for_a_starting_host_is_an_ordinary_one() {
    let mut rig = Rig::new().await;
    rig.server.change(|state| state.refuses_empty_batches = true);
    rig.run_honest_agents();
    let job = rig.submit();
    rig.start().await;
    let reports = rig.server.until_over(job.attempt).await;
    assert!(!reports.iter().any(is_lost), "{reports:?}");
    rig.until_clean().await;
}

#[tokio::test]
async fn a_job_that_ran_under_a_lost_ledger_does_not_run_twice() {
    for refuses_empty_batches in [false, true] {
        lose_the_ledger_of_a_running_job(refuses_empty_batches).await;
    }
}

async fn lose_the_ledger_of_a_running_job(refuses_empty_batches: bool) {
    let mut rig = Rig::new().await;
    rig.server.change(|state| state.refuses_empty_batches = refuses_empty_batches);
    rig.start().await;
    let job = rig.submit();
    let agent = Agent::new(bounded("the guest", rig.world.next_boot()).await, rig.data.clone());
    agent.redeem().await;
    agent.say(1, line("one")).await;
    rig.crash().await;
    forget(&rig, job.attempt);
    rig.start().await;
    let reports = rig.server.until_over(job.attempt).await;
    let Some(HostReport::Lost { why }) = reports.last() else { panic!("{reports:?}") };
    assert!(why.contains("lost its record"), "{why}");
    rig.until_clean().await;
}

#[tokio::test]
async fn a_machine_under_a_lost_ledger_that_has_done_nothing_is_made_anew() {
    let mut rig = Rig::new().await;
    let boots = Arc::new(AtomicU32::new(0));
    let (data, counted) = (rig.data.clone(), boots.clone());
    rig.on_boot(move |guest| {
        let first = counted.fetch_add(1, Ordering::Relaxed) == 0;
        let data = data.clone();
        async move {
            if first {
                std::future::pending().await
            } else {
                agent::honest(guest, data).await;
            }
        }
    });
    rig.start().await;
    let job = rig.submit();
    rig.world.until_observed(job.attempt, Observed::Running).await;
    // Its last write is done; a write under way would survive the fake crash.
    let created = |ledger: &Utf8Path| {
        let entry = std::fs::read_to_string(ledger.join(format!("{}.json", job.attempt)));
        entry.is_ok_and(|text| text.contains("\"created_at\": \""))
    };
    rig.until_ledger("the machine in the ledger", created).await;
    rig.crash().await;
    forget(&rig, job.attempt);
    rig.start().await;
    rig.server.until_over(job.attempt).await;
    assert_eq!(rig.server.records(job.attempt), agent::story());
    assert_eq!(boots.load(Ordering::Relaxed), 2);
    rig.until_clean().await;
}

#[tokio::test]
async fn an_image_that_is_no_longer_configured_ends_its_attempts() {
    let mut rig = Rig::new().await;
    rig.start().await;
    let job = rig.submit();
    bounded("the guest", rig.world.next_boot()).await;
    rig.crash().await;
    rig.settings.images[0].image.name = "other".parse().unwrap();
    rig.start().await;
    let reports = rig.server.until_over(job.attempt).await;
    let Some(HostReport::Lost { why }) = reports.last() else { panic!("{reports:?}") };
    assert!(why.contains("the image fake is no longer configured"), "{why}");
    rig.until_clean().await;
}

fn forget(rig: &Rig, id: AttemptId) {
    std::fs::remove_file(rig.data.join(format!("attempts/{id}.json"))).unwrap();
}
