//! Buttons do what they say, for whoever may press them.

use serde_json::json;
use solstice_model::Role;

use crate::story::Story;
use crate::tape::Tape;

const ONE_JOB: &str = r#"workflow name="CI" {
    job id="build" runs_on="illumos" { step name="Test" run="make test"; }
}"#;

/// Presses a button of the page.
async fn press(story: &Story, text: &str) {
    story.browser.click_text(text).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_cancelled_by_its_button() {
    let story = Story::of(Role::Submitter).await;
    let run = story.world.push("Turn the gears", ONE_JOB).await;
    story.open(&run.job(0)).await;
    press(&story, "Cancel").await;
    story.world.until_state(&run.jobs[0], "cancelled").await;
    story.browser.wait_text("cancelled").await.unwrap();
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_is_run_once_more() {
    let story = Story::of(Role::Submitter).await;
    let run = story.world.push("Turn the gears", ONE_JOB).await;
    Tape::begin(&story.world).await.fail().await;
    story.world.until_state(&run.jobs[0], "failed").await;
    story.open(&run.path()).await;
    press(&story, "Run what failed once more").await;
    story.browser.wait_text("waiting for a machine").await.unwrap();
    Tape::begin(&story.world).await.succeed().await;
    story.open(&run.path()).await;
    story.browser.wait_text("succeeded").await.unwrap();
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_s_change_runs_after_a_look_and_an_approval() {
    let story = Story::of(Role::Submitter).await;
    let run = story.world.pull_request(7, ONE_JOB).await;
    story.open(&run.path()).await;
    story.browser.wait_text("outside the repository").await.unwrap();
    press(&story, "Approve").await;
    story.browser.wait_text("Approved by").await.unwrap();
    Tape::begin(&story.world).await.succeed().await;
    story.world.until_state(&run.jobs[0], "succeeded").await;
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_only_read_has_no_button_to_press() {
    let story = Story::of(Role::Reader).await;
    let run = story.world.pull_request(7, ONE_JOB).await;
    for path in [run.path(), run.job(0)] {
        story.open(&path).await;
        const ACTING: &str =
            "return [...document.querySelectorAll('main form[method=post] button')]
            .map((it) => it.textContent)";
        let buttons = story.browser.run(ACTING, json!([])).await.unwrap();
        assert_eq!(buttons, json!([]), "{path}");
    }
    story.end().await;
}
