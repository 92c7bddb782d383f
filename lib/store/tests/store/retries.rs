//! Tries that the author wants, and those that the infrastructure costs.

use solstice_api::host::{HostReport, Phase};
use solstice_model::{AgentVerdict, Exit, RecordBody, TimeLimit};

use crate::fixture::{MAX_ATTEMPTS, at, claim, end, failed, host, record, run, spec, store, word};

#[tokio::test]
async fn a_job_is_tried_again_as_often_as_its_author_says() {
    let (_dir, store) = store();
    let mut flaky = spec("flaky", &[]);
    flaky.retries = 2;
    let job = run(&store, vec![flaky, spec("after", &["flaky"])]).await.jobs.remove(0);
    for (number, expected) in [(1, "queued"), (2, "queued"), (3, "failed")] {
        let assignment = claim(&store, number).await;
        assert_eq!(i64::from(assignment.number), number);
        end(&store, assignment.attempt, failed()).await;
        assert_eq!(word(&store, job.id).await, expected);
    }
    let attempts = store.job(job.id).await.unwrap().attempts;
    assert!(attempts.iter().all(|attempt| attempt.verdict == Some(failed())));
    assert!(attempts.iter().all(|attempt| attempt.lost.is_none() && attempt.ended_at.is_some()));
    assert_eq!(words(&store, job.run).await, ["failed", "skipped"]);
}

use crate::fixture::words;

#[tokio::test]
async fn a_success_after_a_failure_is_a_success() {
    let (_dir, store) = store();
    let mut flaky = spec("flaky", &[]);
    flaky.retries = 1;
    let job = run(&store, vec![flaky]).await.jobs.remove(0);
    let limit = TimeLimit::Step { step: 1, seconds: 9 };
    end(&store, claim(&store, 1).await.attempt, AgentVerdict::TimedOut { limit }).await;
    end(&store, claim(&store, 2).await.attempt, AgentVerdict::Succeeded).await;
    assert_eq!(word(&store, job.id).await, "succeeded");
}

#[tokio::test]
async fn what_the_infrastructure_lost_and_what_failed_are_counted_apart() {
    let (_dir, store) = store();
    let mut flaky = spec("flaky", &[]);
    flaky.retries = 1;
    let job = run(&store, vec![flaky]).await.jobs.remove(0);
    let lose = |attempt| {
        let lost = HostReport::Lost { why: "no boot".to_owned() };
        store.report_from_host(host("host-1"), attempt, lost, at(5), MAX_ATTEMPTS)
    };
    lose(claim(&store, 1).await.attempt).await.unwrap();
    end(&store, claim(&store, 2).await.attempt, failed()).await;
    assert_eq!(word(&store, job.id).await, "queued", "the lost try used up none of the author's");
    let third = claim(&store, 3).await;
    assert_eq!(third.number, 3);
    lose(third.attempt).await.unwrap();
    assert_eq!(word(&store, job.id).await, "infra_failed", "two of two tries were lost");
}

#[tokio::test]
async fn the_host_s_own_time_limit_is_a_failure_of_the_author_s_too() {
    let (_dir, store) = store();
    let mut slow = spec("slow", &[]);
    slow.retries = 1;
    let job = run(&store, vec![slow]).await.jobs.remove(0);
    for expected in ["queued", "timed_out"] {
        let attempt = claim(&store, 1).await.attempt;
        let late = HostReport::TimedOut { limit: TimeLimit::Job { seconds: 3600 } };
        store.report_from_host(host("host-1"), attempt, late, at(5), MAX_ATTEMPTS).await.unwrap();
        assert_eq!(word(&store, job.id).await, expected);
    }
}

#[tokio::test]
async fn the_tries_of_steps_are_counted_and_steps_that_are_not_run_are_shown() {
    let (_dir, store) = store();
    let job = run(&store, vec![spec("build", &[])]).await.jobs.remove(0);
    let attempt = claim(&store, 1).await.attempt;
    let exit = |code| Exit::Code { code };
    let records = [
        record(1, RecordBody::StepStarted { step: 0 }),
        record(2, RecordBody::StepRetried { step: 0, exit: exit(1) }),
        record(3, RecordBody::StepRetried { step: 0, exit: exit(2) }),
    ];
    store.apply_records(host("host-1"), attempt, &records, at(5)).await.unwrap();
    let first = store.job(job.id).await.unwrap().steps.remove(0);
    assert_eq!((first.tries, first.exit, first.finished_at), (3, Some(exit(2)), None));
    let records = [
        record(3, RecordBody::StepRetried { step: 0, exit: exit(2) }),
        record(4, RecordBody::StepFinished { step: 0, exit: exit(0) }),
        record(5, RecordBody::StepSkipped { step: 1 }),
        record(6, RecordBody::Finished { verdict: AgentVerdict::Succeeded }),
    ];
    store.apply_records(host("host-1"), attempt, &records, at(6)).await.unwrap();
    let steps = store.job(job.id).await.unwrap().steps;
    assert_eq!((steps[0].tries, steps[0].exit.clone()), (3, Some(exit(0))), "repeats do not count");
    assert_eq!((steps[1].tries, steps[1].exit.clone()), (0, None));
    assert_eq!(steps[1].started_at, at(105));
}

#[tokio::test]
async fn progress_shows_where_the_time_goes_until_the_agent_runs() {
    let (_dir, store) = store();
    let job = run(&store, vec![spec("build", &[])]).await.jobs.remove(0);
    let attempt = claim(&store, 0).await.attempt;
    let report =
        |report| store.report_from_host(host("host-1"), attempt, report, at(5), MAX_ATTEMPTS);
    let phases = |names: &[&str]| -> Vec<Phase> {
        names.iter().map(|name| Phase { name: name.to_string(), took_ms: 3 }).collect()
    };
    let mut jobs = store.job_changes();
    report(HostReport::Progress { phases: phases(&["fetch"]) }).await.unwrap();
    assert_eq!(word(&store, job.id).await, "starting");
    report(HostReport::Progress { phases: phases(&["fetch", "clone"]) }).await.unwrap();
    let shown = || async { store.job(job.id).await.unwrap().attempts.remove(0).phases };
    assert_eq!(shown().await, phases(&["fetch", "clone"]));
    assert_eq!((jobs.recv().await.unwrap(), jobs.recv().await.unwrap()), (job.id, job.id));
    // The agent's first record may come before the host's report.
    let begun = [record(1, RecordBody::StepStarted { step: 0 })];
    store.apply_records(host("host-1"), attempt, &begun, at(6)).await.unwrap();
    report(HostReport::Running { phases: phases(&["fetch", "clone", "boot"]) }).await.unwrap();
    report(HostReport::Progress { phases: phases(&["fetch"]) }).await.unwrap();
    assert_eq!(shown().await, phases(&["fetch", "clone", "boot"]));
}
