//! kill -9 of any program during a job: one outcome, every line once and in
//! order, nothing left (invariants I3, I4, I5).

use solstice_model::{JobState, Outcome};
use solstice_stories::Story;

/// Prints numbered lines slowly enough to be interrupted.
const COUNTING: &str = r#"
workflow name="CI" {
    job id="count" runs_on="linux-mini" {
        step run="for i in $(seq 1 60); do echo \"line $i\"; sleep 0.1; done"
    }
}
"#;

async fn assert_counted(story: Story) -> Result<(), Box<dyn std::error::Error>> {
    let job = story.only_run().await?.jobs[0].id;
    let job = story.finished(job).await?;
    assert_eq!(job.job.state.outcome(), Some(&Outcome::Succeeded), "{:?}", job.attempts);
    assert_eq!(job.attempts.len(), 1, "the attempt went on: {:?}", job.attempts);
    let log = story.installation.api().log(job.job.id).await?;
    let lines: Vec<&str> = log.lines().filter(|line| line.starts_with("line ")).collect();
    let expected: Vec<String> = (1..=60).map(|i| format!("line {i}")).collect();
    assert_eq!(lines, expected);
    story.end().await?;
    Ok(())
}

/// Starts the counting job and waits until it is well under way.
async fn counting() -> Result<Story, Box<dyn std::error::Error>> {
    let story = Story::begin().await?;
    story.push_workflow(COUNTING).await?;
    let job = story.only_run().await?.jobs[0].id;
    story.job_when(job, |state| matches!(state, JobState::Running(_))).await?;
    let mut follower = story.installation.api().follow(job).await?;
    for _ in 0..10 {
        follower.next().await?;
    }
    Ok(story)
}

#[tokio::test]
async fn the_server_is_killed_during_a_job() -> Result<(), Box<dyn std::error::Error>> {
    let mut story = counting().await?;
    story.installation.kill_server().await;
    story.installation.start_server().await?;
    assert_counted(story).await
}

#[tokio::test]
async fn the_orchestrator_is_killed_during_a_job() -> Result<(), Box<dyn std::error::Error>> {
    let mut story = counting().await?;
    story.installation.kill_orchestrator().await;
    assert_eq!(story.installation.guests().len(), 1, "the guest goes on");
    story.installation.start_orchestrator().await?;
    assert_counted(story).await
}

#[tokio::test]
async fn both_are_killed_while_the_machine_is_made() -> Result<(), Box<dyn std::error::Error>> {
    let mut story = Story::begin().await?;
    story.push_workflow(COUNTING).await?;
    let job = story.only_run().await?.jobs[0].id;
    story.job_when(job, |state| matches!(state, JobState::Starting(_))).await?;
    story.installation.kill_orchestrator().await;
    story.installation.kill_server().await;
    story.installation.start_server().await?;
    story.installation.start_orchestrator().await?;
    assert_counted(story).await
}

#[tokio::test]
async fn the_machine_dies_and_the_job_is_tried_again() -> Result<(), Box<dyn std::error::Error>> {
    let story = counting().await?;
    for pid in story.installation.guests() {
        story.installation.kill_guest(pid);
    }
    let job = story.only_run().await?.jobs[0].id;
    let job = story.finished(job).await?;
    assert_eq!(job.job.state.outcome(), Some(&Outcome::Succeeded));
    assert_eq!(job.attempts.len(), 2, "a second machine was made");
    assert!(job.attempts[0].lost.is_some());
    story.end().await?;
    Ok(())
}
