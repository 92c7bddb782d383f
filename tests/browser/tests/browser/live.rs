//! A job is watched while it runs: everything comes by itself.

use serde_json::json;
use solstice_browser::Key;
use solstice_model::Role;

use crate::story::Story;
use crate::tape::Tape;

const TWO_STEPS: &str = r#"workflow name="CI" {
    job id="build" runs_on="illumos" {
        step name="Compile" run="make"
        step name="Test" run="make test"
    }
}"#;

/// Marks the page, so that a reload is noticed.
async fn mark(story: &Story) {
    story.browser.run("window.marked = true", json!([])).await.unwrap();
}

async fn assert_not_reloaded(story: &Story) {
    let marked = story.browser.run("return window.marked === true", json!([])).await.unwrap();
    assert_eq!(marked, true, "the page was loaded again");
}

/// Whether a step is unfolded.
const OPEN: &str = "document.querySelectorAll('#job-log details.step')[arguments[0]].open";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_watched_to_its_end_without_a_reload() {
    let story = Story::of(Role::Reader).await;
    let run = story.world.push("Turn the gears", TWO_STEPS).await;
    story.open(&run.job(0)).await;
    story.browser.wait_text("waiting for a machine").await.unwrap();
    mark(&story).await;
    let mut tape = Tape::begin(&story.world).await;
    tape.line("compiling gear 1");
    tape.play().await;
    story.browser.wait_text("compiling gear 1").await.unwrap();
    story.browser.wait("the first step open", OPEN, json!([0])).await.unwrap();
    tape.line("compiling gear 2").end_step(0).next_step().line("testing gear 1");
    tape.play().await;
    story.browser.wait_text("testing gear 1").await.unwrap();
    story.browser.wait("the first step folded", &format!("!{OPEN}"), json!([0])).await.unwrap();
    story.browser.wait("the second step open", OPEN, json!([1])).await.unwrap();
    tape.line("all gears turn");
    tape.succeed().await;
    let head = "document.querySelector('#head').innerText.includes('succeeded')";
    story.browser.wait("the end", head, json!([])).await.unwrap();
    assert_not_reloaded(&story).await;
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_and_the_list_of_runs_follow_their_jobs() {
    let story = Story::of(Role::Reader).await;
    story.open("/").await;
    mark(&story).await;
    let run = story.world.push("Turn the gears", TWO_STEPS).await;
    story.browser.wait_text("Turn the gears").await.unwrap();
    assert_not_reloaded(&story).await;
    story.open(&run.path()).await;
    mark(&story).await;
    let tape = Tape::begin(&story.world).await;
    story.browser.wait_text("running").await.unwrap();
    tape.fail().await;
    story.browser.wait_text("exit status 2").await.unwrap();
    assert_not_reloaded(&story).await;
    story.end().await;
}

/// Whether the end of the log is on the screen.
const AT_END: &str =
    "innerHeight + scrollY >= document.documentElement.scrollHeight - 100 && scrollY > 0";

const FOLLOWS: &str = "document.querySelector('#follow').getAttribute('aria-pressed') === 'true'";

/// A job whose log is longer than the screen, followed.
async fn followed(story: &Story) -> Tape<'_> {
    let run = story.world.push("Turn the gears", TWO_STEPS).await;
    let mut tape = Tape::begin(&story.world).await;
    tape.gears(1..=200);
    tape.play().await;
    story.open(&run.job(0)).await;
    story.browser.wait("the end of the log", AT_END, json!([])).await.unwrap();
    story.browser.wait("following", FOLLOWS, json!([])).await.unwrap();
    tape
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_pauses_when_the_reader_scrolls_up() {
    let story = Story::of(Role::Reader).await;
    let mut tape = followed(&story).await;
    story.browser.wheel(-1500).await.unwrap();
    story.browser.wait("a pause", &format!("!({FOLLOWS})"), json!([])).await.unwrap();
    let place = story.browser.run("return scrollY", json!([])).await.unwrap();
    tape.gears(201..=260);
    tape.play().await;
    let came = "document.body.textContent.includes('gear 260')";
    story.browser.wait("gear 260", came, json!([])).await.unwrap();
    assert_eq!(story.browser.run("return scrollY", json!([])).await.unwrap(), place);
    story.browser.click("#follow").await.unwrap();
    story.browser.wait("the end of the log again", AT_END, json!([])).await.unwrap();
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_pauses_for_the_keyboard_too() {
    let story = Story::of(Role::Reader).await;
    let _tape = followed(&story).await;
    story.browser.press(Key::PageUp).await.unwrap();
    story.browser.wait("a pause", &format!("!({FOLLOWS})"), json!([])).await.unwrap();
    story.end().await;
}
