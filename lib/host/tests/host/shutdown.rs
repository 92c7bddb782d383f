//! Starts that are refused, and the ways to stop.

use solstice_host::{RunError, ServerError, Shutdown, StartError};
use solstice_hypervisor::fake::{Failure, Fault, FaultPoint};
use solstice_model::Observed;

use crate::support::agent;
use crate::support::{Rig, bounded};

#[tokio::test]
async fn a_stop_leaves_machines_for_the_next_start() {
    let mut rig = Rig::new().await;
    rig.start().await;
    let job = rig.submit();
    let guest = bounded("the guest", rig.world.next_boot()).await;
    rig.tell(Shutdown::Stop);
    rig.ended().await.unwrap();
    assert_eq!(rig.world.observed(job.attempt), Observed::Running);
    rig.start().await;
    agent::honest(guest, rig.data.clone()).await;
    rig.server.until_over(job.attempt).await;
    rig.until_clean().await;
}

#[tokio::test]
async fn a_drain_takes_no_more_jobs_and_ends_with_the_last() {
    let mut rig = Rig::new().await;
    rig.start().await;
    let job = rig.submit();
    let guest = bounded("the guest", rig.world.next_boot()).await;
    rig.tell(Shutdown::Drain);
    let drained = |it: &crate::support::server::State| {
        let last = it.syncs.last()?;
        (last.room == 0 && last.offers.is_empty()).then_some(())
    };
    rig.server.until("a sync without offers", drained).await;
    let waiting = rig.submit();
    agent::honest(guest, rig.data.clone()).await;
    rig.ended().await.unwrap();
    rig.server.until_over(job.attempt).await;
    assert!(rig.server.change(|state| state.of(waiting.attempt).is_none()));
    assert!(rig.world.leftovers().is_empty());
}

#[tokio::test]
async fn a_drain_ends_in_time_and_leaves_what_still_runs() {
    let mut rig = Rig::new().await;
    rig.settings.drain_timeout = std::time::Duration::from_millis(50);
    rig.start().await;
    let job = rig.submit();
    bounded("the guest", rig.world.next_boot()).await;
    rig.tell(Shutdown::Drain);
    rig.ended().await.unwrap();
    assert_eq!(rig.world.observed(job.attempt), Observed::Running);
}

#[tokio::test]
async fn a_token_that_the_server_does_not_take_ends_the_start() {
    let mut rig = Rig::new().await;
    rig.server.forget_token();
    rig.start().await;
    let ended = rig.ended().await.unwrap_err();
    assert!(matches!(ended, RunError::Token(ServerError::Unauthorized { .. })), "{ended:?}");
}

#[tokio::test]
async fn a_token_that_is_revoked_later_does_not_end_what_runs() {
    let mut rig = Rig::with_honest_agents().await;
    let first = rig.submit();
    rig.server.until_over(first.attempt).await;
    rig.until_clean().await;
    let token = rig.server.forget_token();
    // Wakes the poll that is under way.
    rig.server.set_away(true);
    rig.server.set_away(false);
    rig.server.remember_token(token);
    let second = rig.submit();
    rig.server.until_over(second.attempt).await;
    rig.until_clean().await;
    rig.tell(Shutdown::Stop);
    rig.ended().await.unwrap();
}

#[tokio::test]
async fn a_second_orchestrator_a_taken_port_and_a_broken_hypervisor_are_named() {
    let mut rig = Rig::new().await;
    rig.start().await;
    let refused = rig.refused_start().await;
    assert!(matches!(refused, StartError::InUse { .. }), "{refused}");
    rig.crash().await;

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    rig.settings.agent_listen = taken.local_addr().unwrap();
    let refused = rig.refused_start().await;
    assert!(refused.to_string().contains(&taken.local_addr().unwrap().to_string()), "{refused}");
    rig.settings.agent_listen = "127.0.0.1:0".parse().unwrap();

    rig.world.inject(Fault::fail(FaultPoint::Observe, Failure::Unusable));
    let refused = rig.refused_start().await;
    assert!(solstice_log::chain(&refused).contains("remove the fault"), "{refused}");

    rig.settings.source.git = "/nonexistent/git".into();
    let refused = rig.refused_start().await;
    assert!(solstice_log::chain(&refused).contains("install git"), "{refused}");
}
