//! A failing step fails the check, and every surface names the step.

use solstice_model::{Exit, Outcome, TimeLimit};
use solstice_stories::Story;

#[tokio::test]
async fn a_failing_step_is_named() -> Result<(), Box<dyn std::error::Error>> {
    let story = Story::begin().await?;
    let workflow = r#"
workflow name="CI" {
    job id="build" runs_on="linux-mini" {
        step name="Fine" run="true"
        step name="Test" run="echo about to fail; exit 42"
        step name="Never" run="echo this must not run"
    }
    job id="after" runs_on="linux-mini" {
        needs "build"
        step run="true"
    }
}
"#;
    let (pushed, job) = story.run_to_the_end(workflow).await?;
    let failed = Outcome::Failed { step: 1, exit: Exit::Code { code: 42 } };
    assert_eq!(job.job.state.outcome(), Some(&failed));
    let tries: Vec<u32> = job.steps.iter().map(|step| step.tries).collect();
    assert_eq!(tries, [1, 1, 0], "the last step is skipped");

    let (state, description) = story.shown(&pushed, "solstice/CI/build").await?;
    assert_eq!(state, "failure");
    assert!(description.contains("Test") && description.contains("42"), "{description}");
    let log = story.installation.api().log(job.job.id).await?;
    assert!(log.contains("about to fail") && !log.contains("this must not run"), "{log}");

    let run = story.only_run().await?;
    let after = story.finished(run.jobs[1].id).await?;
    assert!(matches!(after.job.state.outcome(), Some(Outcome::Skipped { .. })));
    assert_ne!(story.shown(&pushed, "solstice/CI/after").await?.0, "success");
    story.end().await?;
    Ok(())
}

#[tokio::test]
async fn a_signal_and_a_time_limit_are_told_apart() -> Result<(), Box<dyn std::error::Error>> {
    let story = Story::begin().await?;
    let killed = r#"
workflow name="CI" {
    job id="a" runs_on="linux-mini" { step run="kill -9 $$" }
}
"#;
    let (_, job) = story.run_to_the_end(killed).await?;
    let signal = Outcome::Failed { step: 0, exit: Exit::Signal { signal: 9 } };
    assert_eq!(job.job.state.outcome(), Some(&signal));

    let late = r#"
workflow name="CI" {
    job id="a" runs_on="linux-mini" { step timeout="1s" run="sleep 60" }
}
"#;
    let (pushed, job) = story.run_to_the_end(late).await?;
    let limit = Outcome::TimedOut { limit: TimeLimit::Step { step: 0, seconds: 1 } };
    assert_eq!(job.job.state.outcome(), Some(&limit));
    assert_eq!(story.shown(&pushed, "solstice/CI/a").await?.0, "failure");
    story.end().await?;
    Ok(())
}
