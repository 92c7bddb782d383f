//! Lines have links, links lead to lines, and so do errors and searches.

use serde_json::json;
use solstice_browser::Key;
use solstice_model::Role;

use crate::story::Story;
use crate::tape::Tape;

const ONE_STEP: &str = r#"workflow name="CI" {
    job id="build" runs_on="illumos" { step name="Test" run="make test"; }
}"#;

/// Whether line `arguments[0]` is marked and in sight.
pub(crate) const MARKED: &str = "(() => {
    const line = document.getElementById(`L${arguments[0]}`);
    if (!line || !line.classList.contains('hit')) return false;
    const [box, log] = [line, document.getElementById('log')].map((it) => it.getBoundingClientRect());
    return box.height > 0 && box.top >= Math.max(0, log.top) - 1 && box.bottom <= Math.min(innerHeight, log.bottom) + 1;
})()";

/// The lines that are marked.
const ALL_MARKED: &str = "return [...document.querySelectorAll('#log .hit')].map((it) => it.id)";

/// A job that is over, with so many lines; one of them is an error.
async fn failed(story: &Story, lines: u32, error: u32) -> String {
    let run = story.world.push("Turn the gears", ONE_STEP).await;
    let mut tape = Tape::begin(&story.world).await;
    tape.gears(1..error).line("gear.c:9:2: error: this gear has no teeth");
    tape.gears(error + 1..=lines);
    tape.fail().await;
    story.world.until_state(&run.jobs[0], "failed").await;
    run.job(0)
}

async fn assert_at(story: &Story, fragment: &str) {
    let url = story.browser.url().await.unwrap();
    assert!(url.ends_with(fragment), "{url} does not end with {fragment}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_link_of_a_line_shows_it_to_whoever_opens_it() {
    let story = Story::of(Role::Reader).await;
    let job = failed(&story, 300, 280).await;
    story.open(&format!("{job}#L150")).await;
    story.browser.wait("line 150, marked", MARKED, json!([150])).await.unwrap();
    story.browser.click("#L151 > a").await.unwrap();
    story.browser.wait("line 151, marked", MARKED, json!([151])).await.unwrap();
    assert_at(&story, "#L151").await;
    let url = story.browser.url().await.unwrap();
    story.open("/").await;
    story.browser.open(&url).await.unwrap();
    story.browser.wait("line 151 again", MARKED, json!([151])).await.unwrap();
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_of_lines_has_a_link_too() {
    let story = Story::of(Role::Reader).await;
    let job = failed(&story, 300, 280).await;
    story.open(&format!("{job}#L150")).await;
    story.browser.wait("line 150, marked", MARKED, json!([150])).await.unwrap();
    story.browser.shift_click("#L153 > a").await.unwrap();
    story.browser.wait("line 153, marked", MARKED, json!([153])).await.unwrap();
    assert_at(&story, "#L150-L153").await;
    let url = story.browser.url().await.unwrap();
    story.open("/").await;
    story.browser.open(&url).await.unwrap();
    story.browser.wait("the range again", MARKED, json!([153])).await.unwrap();
    let marked = story.browser.run(ALL_MARKED, json!([])).await.unwrap();
    assert_eq!(marked, json!(["L150", "L151", "L152", "L153"]));
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_link_of_a_line_far_up_in_a_long_log_shows_it() {
    let story = Story::of(Role::Reader).await;
    let job = failed(&story, 9_000, 8_000).await;
    story.open(&format!("{job}#L1234")).await;
    story.browser.wait("line 1234, marked", MARKED, json!([1234])).await.unwrap();
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_error_is_one_click_away() {
    let story = Story::of(Role::Reader).await;
    let job = failed(&story, 9_000, 4_321).await;
    story.open(&job).await;
    story.browser.click("#first-error").await.unwrap();
    story.browser.wait("the error, marked", MARKED, json!([4321])).await.unwrap();
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_finds_a_line_that_is_not_on_the_screen() {
    let story = Story::of(Role::Reader).await;
    let job = failed(&story, 9_000, 4_321).await;
    story.open(&job).await;
    story.browser.fill("#log-search", "gear 777").await.unwrap();
    story.browser.press(Key::Enter).await.unwrap();
    // From the first error on, where the page of a failed job opens.
    story.browser.wait("line 7770, marked", MARKED, json!([7770])).await.unwrap();
    story.browser.click("#find-previous").await.unwrap();
    story.browser.wait("line 777, marked", MARKED, json!([777])).await.unwrap();
    let count = "document.getElementById('log-count').innerText.startsWith('1 of 11')";
    story.browser.wait("a count", count, json!([])).await.unwrap();
    story.end().await;
}
