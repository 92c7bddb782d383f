//! A cancelled job's machine goes at once, whatever its guest does.

use std::time::Duration;

use solstice_model::{JobState, Outcome};
use solstice_stories::Story;

#[tokio::test]
async fn cancelling_a_running_job_destroys_its_machine() -> Result<(), Box<dyn std::error::Error>> {
    let story = Story::begin().await?;
    let workflow = r#"
workflow name="CI" {
    job id="a" runs_on="linux-mini" { step run="trap '' TERM; echo stubborn; sleep 600" }
}
"#;
    let pushed = story.push_workflow(workflow).await?;
    let job = story.only_run().await?.jobs[0].id;
    story.job_when(job, |state| matches!(state, JobState::Running(_))).await?;
    assert_eq!(story.installation.guests().len(), 1);
    let seen = story.installation.leftovers().join(" ");
    for part in ["machines", "attempts", "process"] {
        assert!(seen.contains(part), "a machine that runs is seen by its {part}: {seen}");
    }

    story.installation.api().cancel(job).await?;
    let job = story.finished(job).await?;
    assert!(matches!(job.job.state.outcome(), Some(Outcome::Cancelled { .. })));
    story.installation.wait_until_clean(Duration::from_secs(10)).await?;
    assert_eq!(story.shown(&pushed, "solstice/CI/a").await?.0, "error");
    assert!(story.installation.api().cancel(job.job.id).await.is_err(), "it is over");
    story.end().await?;
    Ok(())
}
