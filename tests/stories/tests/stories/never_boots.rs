//! A guest that never reports is an infrastructure failure with its console
//! attached (invariant I9).

use solstice_model::Outcome;
use solstice_stories::Story;
use solstice_testbed::{Built, Installation};

#[tokio::test]
async fn a_guest_that_never_reports_is_not_the_author_s_fault()
-> Result<(), Box<dyn std::error::Error>> {
    let mut installation = Installation::prepare(Built::from_env()?).await?;
    // A shell that waits for its console instead of the initial RAM disk's script.
    installation.boot_with("rdinit=/bin/busybox -- sh -s")?;
    installation.start_server().await?;
    installation.start_orchestrator().await?;
    let story = Story::with(installation).await?;
    let workflow = r#"workflow name="CI" { job id="a" runs_on="linux-mini" { step run="true" } }"#;
    let (pushed, job) = story.run_to_the_end(workflow).await?;
    let Some(Outcome::InfraFailed { why }) = job.job.state.outcome() else {
        panic!("{:?}", job.job.state);
    };
    assert!(why.contains("did not report"), "{why}");
    let console = story.installation.api().console(job.job.id).await?;
    assert!(console.contains("built-in shell"), "{console}");
    assert_eq!(story.shown(&pushed, "solstice/CI/a").await?.0, "error");
    story.end().await?;
    Ok(())
}
