//! A workflow that cannot be read is a failed check with the reason; a commit
//! without one is no check at all.

use solstice_api::user::RunStatus;
use solstice_stories::Story;

#[tokio::test]
async fn a_broken_workflow_is_a_failed_check() -> Result<(), Box<dyn std::error::Error>> {
    let story = Story::begin().await?;
    let broken = "workflow name=\"CI\" {\n    jbo id=\"a\" runs_on=\"linux-mini\"\n}\n";
    let pushed = story.push_workflow(broken).await?;
    let run = story.only_run().await?;
    assert_eq!(run.run.status, RunStatus::Failed);
    let problem = run.run.problem.expect("the diagnostics");
    assert!(problem.contains("jbo") && problem.contains("job"), "{problem}");

    story.installation.wait_until_reported(solstice_stories::SOON).await?;
    let statuses = story.installation.forge().newest_statuses(pushed.commit.as_str());
    assert_eq!(statuses.len(), 1, "{statuses:?}");
    assert_eq!(statuses[0].state, "failure");
    story.end().await?;
    Ok(())
}

#[tokio::test]
async fn a_commit_without_a_workflow_has_a_reason() -> Result<(), Box<dyn std::error::Error>> {
    let story = Story::begin().await?;
    let pushed = story.push(&[("README", "nothing to build\n")]).await?;
    let reason = story.verdict().await?.expect_err("no run");
    assert!(reason.contains(".solstice"), "{reason}");
    assert!(story.installation.forge().newest_statuses(pushed.commit.as_str()).is_empty());
    story.end().await?;
    Ok(())
}
