//! A push becomes jobs in machines of their own, and the commit its checks.

use solstice_model::Outcome;
use solstice_stories::Story;

const WORKFLOW: &str = r#"
workflow name="CI" {
    env {
        GREETING "hello"
    }
    job id="build" runs_on="linux-mini" {
        step name="Build" run="cc -o hello hello.c && ./hello"
        step name="Look" run="echo $GREETING $SOLSTICE_JOB; echo to-stderr >&2; ls"
    }
    job id="after" runs_on="linux-mini" {
        needs "build"
        step name="Guess" run="test ! -e hello && echo a fresh machine"
    }
}
"#;

const HELLO: &str = r#"
#include <stdio.h>
int main(void) { puts("compiled in the guest"); return 0; }
"#;

#[tokio::test]
async fn a_push_becomes_a_green_check() -> Result<(), Box<dyn std::error::Error>> {
    let story = Story::begin().await?;
    let files = [(".solstice/workflow.kdl", WORKFLOW), ("hello.c", HELLO)];
    let pushed = story.push(&files).await?;
    let run = story.only_run().await?;
    assert_eq!(run.run.workflow, "CI");
    assert_eq!(run.jobs.len(), 2);

    for job in &run.jobs {
        let job = story.finished(job.id).await?;
        assert_eq!(job.job.state.outcome(), Some(&Outcome::Succeeded), "{:?}", job.job.state);
        assert_eq!(job.attempts.len(), 1);
        let context = format!("solstice/CI/{}", job.job.name);
        assert_eq!(story.shown(&pushed, &context).await?.0, "success");
    }
    let api = story.installation.api();
    let log = api.log(run.jobs[0].id).await?;
    for line in ["compiled in the guest", "hello build", "to-stderr", "hello.c"] {
        assert!(log.contains(line), "{line} is missing from the log:\n{log}");
    }
    assert!(api.log(run.jobs[1].id).await?.contains("a fresh machine"));
    story.end().await?;
    Ok(())
}

#[tokio::test]
async fn the_forge_saw_pending_before_success() -> Result<(), Box<dyn std::error::Error>> {
    let story = Story::begin().await?;
    let workflow = r#"workflow name="CI" { job id="a" runs_on="linux-mini" { step run="true" } }"#;
    let (pushed, _) = story.run_to_the_end(workflow).await?;
    story.shown(&pushed, "solstice/CI/a").await?;
    let states: Vec<String> =
        story.installation.forge().statuses().into_iter().map(|status| status.state).collect();
    assert_eq!(states.first().map(String::as_str), Some("pending"), "{states:?}");
    assert_eq!(states.last().map(String::as_str), Some("success"), "{states:?}");
    story.end().await?;
    Ok(())
}

#[tokio::test]
async fn a_replayed_push_makes_no_second_run() -> Result<(), Box<dyn std::error::Error>> {
    let story = Story::begin().await?;
    let workflow = r#"workflow name="CI" { job id="a" runs_on="linux-mini" { step run="true" } }"#;
    let (pushed, _) = story.run_to_the_end(workflow).await?;
    // Forgejo replays under a new delivery id, with the same body.
    story.installation.deliver(&pushed.payload).await?;
    story.verdict().await?.ok();
    assert_eq!(story.installation.api().runs().await?.len(), 1);
    story.end().await?;
    Ok(())
}
