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

/// What step `arguments[0]` shows of itself.
const STEP: &str =
    "document.querySelector(`#steps a[data-step='${arguments[0]}'] .badge`).innerText";

/// Whether the log shows this text.
const SHOWS: &str = "document.getElementById('log').innerText.includes(arguments[0])";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_watched_to_its_end_without_a_reload() {
    let story = Story::of(Role::Reader).await;
    let browser = &story.browser;
    let run = story.world.push("Turn the gears", TWO_STEPS).await;
    story.open(&run.job(0)).await;
    browser.wait_text("waiting for a machine").await.unwrap();
    mark(&story).await;
    let mut tape = Tape::begin(&story.world).await;
    tape.line("compiling gear 1");
    tape.play().await;
    browser.wait("the first line", SHOWS, json!(["compiling gear 1"])).await.unwrap();
    browser.wait("a step at work", &format!("{STEP} === 'running'"), json!([0])).await.unwrap();
    tape.line("compiling gear 2").end_step(0).next_step().line("testing gear 1");
    tape.play().await;
    browser.wait("the next step", SHOWS, json!(["testing gear 1"])).await.unwrap();
    browser.wait("its end", &format!("{STEP} === 'succeeded'"), json!([0])).await.unwrap();
    browser.wait("its begin", &format!("{STEP} === 'running'"), json!([1])).await.unwrap();
    browser.click(".step-row[data-step='0'] button").await.unwrap();
    let folded = format!("!({SHOWS})");
    browser.wait("the step folded", &folded, json!(["compiling gear 1"])).await.unwrap();
    browser.click(".step-row[data-step='0'] button").await.unwrap();
    browser.wait("the step unfolded", SHOWS, json!(["compiling gear 2"])).await.unwrap();
    tape.line("all gears turn");
    tape.succeed().await;
    let head = "document.querySelector('#head').innerText.includes('succeeded')";
    browser.wait("the end", head, json!([])).await.unwrap();
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

/// Whether the end of the log is in sight.
const AT_END: &str = "(() => {
    const log = document.getElementById('log');
    return log.scrollTop > 0 && log.scrollHeight - log.scrollTop - log.clientHeight < 40;
})()";

const FOLLOWS: &str = "document.getElementById('follow').getAttribute('aria-pressed') === 'true'";

/// The first line in sight.
const TOP: &str = "(() => {
    const edge = document.getElementById('log').getBoundingClientRect().top;
    const lines = [...document.querySelectorAll('#log .l')];
    return lines.find((it) => it.getBoundingClientRect().bottom > edge + 1).id;
})()";

/// A job whose log is longer than the screen, followed.
async fn followed(story: &Story) -> Tape<'_> {
    let run = story.world.push("Turn the gears", TWO_STEPS).await;
    let mut tape = Tape::begin(&story.world).await;
    tape.gears(1..=200);
    tape.play().await;
    story.open(&run.job(0)).await;
    let show = "document.getElementById('log').scrollIntoView({ block: 'center' })";
    story.browser.run(show, json!([])).await.unwrap();
    story.browser.wait("the end of the log", AT_END, json!([])).await.unwrap();
    story.browser.wait("following", FOLLOWS, json!([])).await.unwrap();
    tape
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_pauses_when_the_reader_scrolls_up() {
    let story = Story::of(Role::Reader).await;
    let browser = &story.browser;
    let mut tape = followed(&story).await;
    browser.wheel("#log", -1500).await.unwrap();
    browser.wait("a pause", &format!("!({FOLLOWS})"), json!([])).await.unwrap();
    let place = browser.wait("a line in sight", TOP, json!([])).await.unwrap();
    tape.gears(201..=260);
    tape.play().await;
    let told = "document.getElementById('new-lines').innerText.includes('60 new lines')";
    browser.wait("word of new lines", told, json!([])).await.unwrap();
    assert_eq!(browser.wait("a line in sight", TOP, json!([])).await.unwrap(), place);
    browser.click("#new-lines").await.unwrap();
    browser.wait("the last line", SHOWS, json!(["gear 260"])).await.unwrap();
    browser.wait("the end of the log again", AT_END, json!([])).await.unwrap();
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_pauses_for_the_keyboard_too() {
    let story = Story::of(Role::Reader).await;
    let _tape = followed(&story).await;
    story.browser.run("document.getElementById('log').focus()", json!([])).await.unwrap();
    story.browser.press(Key::PageUp).await.unwrap();
    story.browser.wait("a pause", &format!("!({FOLLOWS})"), json!([])).await.unwrap();
    story.end().await;
}
