//! Lines have links, and links lead to lines.

use serde_json::json;
use solstice_model::Role;

use crate::story::Story;
use crate::tape::Tape;

const ONE_STEP: &str = r#"workflow name="CI" {
    job id="build" runs_on="illumos" { step name="Test" run="make test"; }
}"#;

/// Whether line `arguments[0]` is marked and on the screen.
const MARKED: &str = "(() => {
    const line = document.getElementById(`L${arguments[0]}`);
    if (!line || !line.classList.contains('hit')) return false;
    const box = line.getBoundingClientRect();
    return box.height > 0 && box.top >= 0 && box.bottom <= innerHeight;
})()";

/// A job that is over, with so many lines.
async fn over(story: &Story, lines: u32) -> String {
    let run = story.world.push("Turn the gears", ONE_STEP).await;
    let mut tape = Tape::begin(&story.world).await;
    tape.gears(1..=lines);
    tape.succeed().await;
    story.world.until_state(&run.jobs[0], "succeeded").await;
    run.job(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_link_of_a_line_shows_it_to_whoever_opens_it() {
    let story = Story::of(Role::Reader).await;
    let job = over(&story, 300).await;
    story.open(&format!("{job}#L150")).await;
    story.browser.wait("line 150, marked", MARKED, json!([150])).await.unwrap();
    story.browser.click("#L151 > a").await.unwrap();
    story.browser.wait("line 151, marked", MARKED, json!([151])).await.unwrap();
    let url = story.browser.url().await.unwrap();
    assert!(url.ends_with("#L151"), "{url}");
    story.open("/").await;
    story.browser.open(&url).await.unwrap();
    story.browser.wait("line 151 again", MARKED, json!([151])).await.unwrap();
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_link_of_a_line_far_up_in_a_long_log_shows_it() {
    let story = Story::of(Role::Reader).await;
    let job = over(&story, 9_000).await;
    story.open(&format!("{job}#L1234")).await;
    story.browser.wait("line 1234, marked", MARKED, json!([1234])).await.unwrap();
    story.end().await;
}
