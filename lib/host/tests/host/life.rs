//! The life of one attempt, from its claim to its machine's end.

use std::time::Duration;

use solstice_api::host::HostReport;
use solstice_hypervisor::fake::{Failure, Fault, FaultPoint, Step};
use solstice_model::{Observed, RecordBody, TimeLimit};

use crate::support::agent::{self, Agent, finished, line};
use crate::support::{Rig, bounded};

fn lost(report: &HostReport) -> &str {
    match report {
        HostReport::Lost { why } => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_job_runs_and_leaves_nothing_behind() {
    let rig = Rig::with_honest_agents().await;
    let job = rig.submit();
    let reports = rig.server.until_over(job.attempt).await;
    assert_eq!(reports[0], HostReport::Starting);
    let Some((HostReport::Running { phases }, before)) = reports.split_last() else {
        panic!("{reports:?}")
    };
    // On the way, each phase that is done.
    for report in &before[1..] {
        let HostReport::Progress { phases: so_far } = report else { panic!("{reports:?}") };
        assert!(!so_far.is_empty() && so_far.iter().all(|phase| phases.contains(phase)));
    }
    let names: Vec<_> = phases.iter().map(|phase| phase.name.as_str()).collect();
    assert_eq!(names, ["fetch", "archive", "create", "boot"]);
    assert_eq!(rig.server.records(job.attempt), agent::story());
    let console = rig.server.until_console(job.attempt).await;
    assert_eq!(console, "booting\npowering off\n", "to the last byte");
    rig.until_clean().await;
}

#[tokio::test]
async fn many_jobs_share_the_room_and_the_source() {
    let mut rig = Rig::new().await;
    rig.world.set_capacity(2);
    rig.run_honest_agents();
    rig.start().await;
    let jobs: Vec<_> = (0..7).map(|_| rig.submit()).collect();
    for job in &jobs {
        rig.server.until_over(job.attempt).await;
        assert_eq!(rig.server.records(job.attempt), agent::story());
    }
    rig.until_clean().await;
    assert_eq!(std::fs::read_dir(rig.data.join("sources")).unwrap().count(), 1);
}

#[tokio::test]
async fn an_attempt_cancelled_while_its_machine_is_made_is_cleaned_up() {
    for point in [FaultPoint::Before(Step::CloneDisk), FaultPoint::After(Step::Boot)] {
        let mut rig = Rig::new().await;
        rig.world.inject(Fault::hang(point));
        rig.start().await;
        let job = rig.submit();
        bounded("the hanging call", rig.world.until_hanging()).await;
        rig.server.cancel(job.attempt);
        rig.until_clean().await;
    }
}

#[tokio::test]
async fn an_attempt_cancelled_while_its_guest_boots_or_runs_is_stopped() {
    let mut rig = Rig::new().await;
    rig.start().await;
    let booting = rig.submit();
    let guest = bounded("the guest", rig.world.next_boot()).await;
    guest.print("kernel\n");
    rig.server.cancel(booting.attempt);
    rig.world.until_observed(booting.attempt, Observed::Absent).await;
    assert_eq!(rig.server.until_console(booting.attempt).await, "kernel\n");

    let running = rig.submit();
    let agent = Agent::new(bounded("the guest", rig.world.next_boot()).await, rig.data.clone());
    agent.redeem().await;
    rig.server.until_reported(running.attempt, |it| matches!(it, HostReport::Running { .. })).await;
    rig.server.cancel(running.attempt);
    rig.world.until_observed(running.attempt, Observed::Absent).await;
    rig.until_clean().await;
}

#[tokio::test]
async fn an_agent_that_talks_after_the_end_is_told_to_stop() {
    let mut rig = Rig::new().await;
    // The host hears of the cancellation from the agent's own request.
    rig.start().await;
    let job = rig.submit();
    let agent = Agent::new(bounded("the guest", rig.world.next_boot()).await, rig.data.clone());
    agent.redeem().await;
    assert!(!agent.say(1, line("working")).await.stop);
    rig.server.cancel(job.attempt);
    assert!(agent.say(2, line("still working")).await.stop);
    rig.until_clean().await;
}

#[tokio::test]
async fn a_guest_that_never_reports_is_lost_with_its_console() {
    let mut rig = Rig::new().await;
    rig.settings.images[0].boot_timeout = Some(std::time::Duration::from_millis(200));
    rig.on_boot(|guest| async move {
        guest.print("Kernel panic - not syncing: \u{1b}[31mno init found\u{1b}[0m\n");
        std::future::pending::<()>().await;
    });
    rig.start().await;
    let job = rig.submit();
    let reports = rig.server.until_over(job.attempt).await;
    let why = lost(reports.last().unwrap());
    assert!(why.starts_with("the guest did not report within 0.2 s"), "{why}");
    assert!(why.ends_with("Kernel panic - not syncing: no init found"), "{why}");
    assert!(rig.server.until_console(job.attempt).await.contains("no init found"));
    rig.until_clean().await;
}

#[tokio::test]
async fn a_machine_that_dies_is_an_infrastructure_failure() {
    let mut rig = Rig::new().await;
    rig.start().await;
    let job = rig.submit();
    let guest = bounded("the guest", rig.world.next_boot()).await;
    let agent = Agent::new(guest.clone(), rig.data.clone());
    agent.redeem().await;
    agent.say(1, line("working")).await;
    guest.print("Out of memory: killed solstice-agent\n");
    guest.power_off();
    let reports = rig.server.until_over(job.attempt).await;
    let why = lost(reports.last().unwrap());
    assert!(why.contains("stopped before the agent told how the job ended"), "{why}");
    assert!(why.contains("Out of memory"), "{why}");
    rig.until_clean().await;
}

#[tokio::test]
async fn a_job_that_overstays_its_limit_is_ended_by_the_host() {
    let mut rig = Rig::new().await;
    rig.start().await;
    let mut job = rig.assignment();
    job.spec.timeout_s = 0;
    rig.server.submit(job.clone());
    let agent = Agent::new(bounded("the guest", rig.world.next_boot()).await, rig.data.clone());
    agent.redeem().await;
    agent.say(1, RecordBody::StepStarted { step: 0 }).await;
    let reports = rig.server.until_over(job.attempt).await;
    let limit = TimeLimit::Job { seconds: 0 };
    assert_eq!(reports.last(), Some(&HostReport::TimedOut { limit }));
    rig.until_clean().await;
}

#[tokio::test]
async fn a_verdict_that_waits_for_the_server_is_no_time_out() {
    let mut rig = Rig::new().await;
    rig.settings.limits.job_grace = Duration::from_secs(3);
    rig.settings.limits.forward = Duration::from_secs(1);
    rig.start().await;
    let mut job = rig.assignment();
    job.spec.timeout_s = 0;
    rig.server.submit(job.clone());
    let guest = bounded("the guest", rig.world.next_boot()).await;
    let agent = Agent::new(guest.clone(), rig.data.clone());
    agent.redeem().await;
    agent.say(1, line("working")).await;
    rig.server.set_away(true);
    // Well beyond limit and grace.
    let back = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        rig.server.set_away(false);
    };
    let (accepted, ()) = tokio::join!(agent.say(2, finished()), back);
    assert_eq!(accepted.durable_seq, 2);
    guest.power_off();
    rig.until_clean().await;
    assert_eq!(rig.server.records(job.attempt).last(), Some(&finished()));
    let reports = rig.server.until_over(job.attempt).await;
    assert!(!reports.iter().any(|it| matches!(it, HostReport::TimedOut { .. })), "{reports:?}");
}

#[tokio::test]
async fn a_machine_that_cannot_be_made_is_lost_with_the_whole_reason() {
    let mut rig = Rig::new().await;
    let failed = Fault::fail(FaultPoint::After(Step::MakeNetwork), Failure::Failed);
    rig.world.inject(failed);
    rig.start().await;
    let job = rig.submit();
    let reports = rig.server.until_over(job.attempt).await;
    let why = lost(reports.last().unwrap());
    assert!(why.contains("injected failure") && why.contains("cannot"), "{why}");
    rig.until_clean().await;
}

#[tokio::test]
async fn a_machine_that_does_not_want_to_go_is_destroyed_in_the_end() {
    let rig = Rig::with_honest_agents().await;
    for step in Step::DESTROY {
        rig.world.inject(Fault::fail(FaultPoint::Before(step), Failure::Failed));
    }
    rig.world.inject(Fault::fail(FaultPoint::Observe, Failure::Failed).times(2));
    let job = rig.submit();
    rig.server.until_over(job.attempt).await;
    rig.until_clean().await;
}

#[tokio::test]
async fn source_that_cannot_be_fetched_loses_the_attempt_with_gits_words() {
    let mut rig = Rig::new().await;
    rig.start().await;
    let mut job = rig.assignment();
    job.source.commit = "1".repeat(40).parse().unwrap();
    rig.server.submit(job.clone());
    let reports = rig.server.until_over(job.attempt).await;
    let why = lost(reports.last().unwrap());
    assert!(why.contains("does not have the commit 1111111111"), "{why}");
    assert!(why.contains("not our ref"), "{why}");
    rig.until_clean().await;
}

#[tokio::test]
async fn a_label_that_the_host_does_not_offer_is_refused() {
    let mut rig = Rig::new().await;
    rig.start().await;
    let mut job = rig.assignment();
    job.spec.runs_on = "windows".parse().unwrap();
    rig.server.claim_silently(job.clone());
    let reports = rig.server.until_over(job.attempt).await;
    assert!(lost(&reports[0]).contains("does not offer the label windows"));
    rig.until_clean().await;
}

#[tokio::test]
async fn a_server_that_is_away_for_a_while_costs_nothing() {
    let mut rig = Rig::new().await;
    rig.start().await;
    let job = rig.submit();
    let guest = bounded("the guest", rig.world.next_boot()).await;
    rig.server.set_away(true);
    let agent = Agent::new(guest.clone(), rig.data.clone());
    assert_eq!(agent.redeem().await.next_seq, 1, "the host knows its guests by itself");
    agent.source().await;
    let talk = tokio::spawn({
        let agent = agent.clone();
        async move {
            for seq in 1..=5 {
                agent.say(seq, line("line")).await;
            }
            agent.say(6, finished()).await
        }
    });
    assert!(guest.is_running());
    rig.server.set_away(false);
    assert!(bounded("the agent", talk).await.unwrap().stop);
    guest.power_off();
    assert_eq!(rig.server.records(job.attempt).len(), 6);
    rig.until_clean().await;
}

#[tokio::test]
async fn a_request_waits_for_the_server_only_so_long() {
    let mut rig = Rig::new().await;
    rig.settings.limits.forward = std::time::Duration::from_millis(50);
    rig.start().await;
    let job = rig.submit();
    let agent = Agent::new(bounded("the guest", rig.world.next_boot()).await, rig.data.clone());
    agent.redeem().await;
    rig.server.set_away(true);
    let batch = serde_json::json!({ "records": [] });
    let answer = agent.post("records").json(&batch).send().await.unwrap();
    assert_eq!(answer.status(), 503, "the agent tries again");
    rig.server.set_away(false);
    rig.server.cancel(job.attempt);
    rig.until_clean().await;
}

#[tokio::test]
async fn records_arrive_once_and_in_order_however_busy_the_server_is() {
    let rig = Rig::with_honest_agents().await;
    rig.server.change(|state| state.busy = 5);
    let job = rig.submit();
    rig.server.until_over(job.attempt).await;
    assert_eq!(rig.server.records(job.attempt), agent::story());
    rig.until_clean().await;
}

#[tokio::test]
async fn the_hosts_answer_to_a_gap_is_the_servers() {
    let mut rig = Rig::new().await;
    rig.start().await;
    let job = rig.submit();
    let agent = Agent::new(bounded("the guest", rig.world.next_boot()).await, rig.data.clone());
    agent.redeem().await;
    let record = serde_json::json!({
        "seq": 5, "at": "2026-01-01T00:00:00Z", "kind": "note", "text": "where was I",
    });
    let answer = agent.send_raw(&serde_json::json!({ "records": [record] })).await;
    assert_eq!(answer.status(), 409);
    let code: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(code["error_code"], "record_gap");
    assert_eq!(rig.server.records(job.attempt), Vec::<RecordBody>::new());
    rig.server.cancel(job.attempt);
    rig.until_clean().await;
}
