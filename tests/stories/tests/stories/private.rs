//! A repository that not everybody may read is fetched with a credential, which
//! stays on the host.

use solstice_model::Outcome;
use solstice_stories::Story;

const WORKFLOW: &str = r#"
workflow name="CI" {
    job id="a" runs_on="linux-mini" {
        step run="grep secret-plan plan.txt; env; cat /proc/cmdline; mount"
    }
}
"#;

#[tokio::test]
async fn a_private_repository_is_built_and_its_credential_stays_on_the_host()
-> Result<(), Box<dyn std::error::Error>> {
    let story = Story::begin().await?;
    story.installation.forge().repositories().set_private(true);
    story.push(&[(".solstice/workflow.kdl", WORKFLOW), ("plan.txt", "secret-plan\n")]).await?;
    let job = story.only_run().await?.jobs[0].id;
    let job = story.finished(job).await?;
    let log = story.installation.api().log(job.job.id).await?;
    assert_eq!(job.job.state.outcome(), Some(&Outcome::Succeeded), "{log}");
    assert!(log.contains("secret-plan"), "{log}");
    assert!(!log.contains(story.installation.forge().token()), "{log}");
    story.end().await?;
    Ok(())
}
