//! The main paths without script: a reader who forbids it misses only what
//! comes by itself.

use serde_json::json;
use solstice_browser::Looks;
use solstice_model::Role;

use crate::story::Story;
use crate::tape::Tape;

const ONE_JOB: &str = r#"workflow name="CI" {
    job id="build" runs_on="illumos" { step name="Test" run="make test"; }
}"#;

async fn without_script(role: Role) -> Story {
    let story = Story::begin().await;
    story.browser.look(Looks { script: false, ..Looks::DESK }).await.unwrap();
    story.sign_in(role).await;
    story
}

/// The page as it came: no script of ours has touched it.
async fn assert_untouched(story: &Story) {
    let noscript =
        "return [...document.querySelectorAll('noscript')].every((it) => it.children.length > 0)";
    assert_eq!(story.browser.run(noscript, json!([])).await.unwrap(), true, "script ran");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_without_script_gets_from_the_start_to_a_failed_line() {
    let story = without_script(Role::Reader).await;
    let run = story.world.push("Turn the gears", ONE_JOB).await;
    let mut tape = Tape::begin(&story.world).await;
    tape.line("gear.c:9:2: error: expected ;");
    tape.play().await;
    story.open("/").await;
    story.browser.click(&format!("main a[href='{}']", run.path())).await.unwrap();
    story.browser.wait_text("illumos").await.unwrap();
    story.browser.click(&format!("main a[href='{}']", run.job(0))).await.unwrap();
    story.browser.wait_text("reload the page for news").await.unwrap();
    assert_untouched(&story).await;
    tape.fail().await;
    story.world.until_state(&run.jobs[0], "failed").await;
    story.browser.reload().await.unwrap();
    story.browser.wait_text("gear.c:9:2: error: expected ;").await.unwrap();
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buttons_work_without_script() {
    let story = without_script(Role::Submitter).await;
    let run = story.world.pull_request(7, ONE_JOB).await;
    story.open(&run.path()).await;
    story.browser.click_text("Approve").await.unwrap();
    story.browser.wait_text("Approved by").await.unwrap();
    story.open(&run.job(0)).await;
    story.browser.click_text("Cancel").await.unwrap();
    story.browser.wait_text("cancelled").await.unwrap();
    story.world.until_state(&run.jobs[0], "cancelled").await;
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_log_is_read_and_searched_in_parts_without_script() {
    let story = without_script(Role::Reader).await;
    let run = story.world.push("Turn the gears", ONE_JOB).await;
    let mut tape = Tape::begin(&story.world).await;
    tape.gears(1..=9_000);
    tape.fail().await;
    story.world.until_state(&run.jobs[0], "failed").await;
    story.open(&format!("{}?line=1234#L1234", run.job(0))).await;
    let there = "document.getElementById('L1234').textContent.includes('gear 1234')";
    story.browser.wait("line 1234", there, json!([])).await.unwrap();
    story.browser.fill("#log-search", "gear 4567").await.unwrap();
    story.browser.click("#log-find button").await.unwrap();
    story.browser.click("#log-hits a").await.unwrap();
    let there = "document.getElementById('L4567')?.textContent.includes('gear 4567')";
    story.browser.wait("line 4567", there, json!([])).await.unwrap();
    story.end().await;
}
