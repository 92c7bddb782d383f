//! One error in a million lines: how a reader comes to it, and how quickly.

use std::fmt::Write as _;
use std::time::Instant;

use chrono::Utc;
use serde_json::json;
use solstice_browser::{Browser, Key};
use solstice_model::{Chunk, Record, RecordBody, Role, Stream};

use crate::log_links::MARKED;
use crate::story::Story;
use crate::tape::Tape;

const ONE_JOB: &str = r#"workflow name="CI" {
    job id="build" runs_on="illumos" { step name="Test" run="make test"; }
}"#;

/// How many lines there are, and which one is the error.
const LINES: u64 = 1_000_000;
const NEEDLE: u64 = 543_210;
const TEXT: &str = "gear.c:9:2: error: this gear has no teeth";

/// A job that is over, with a million lines; and its page.
async fn haystack() -> (Story, String) {
    let story = Story::of(Role::Reader).await;
    let run = story.world.push("Turn the gears", ONE_JOB).await;
    let mut tape = Tape::begin(&story.world).await;
    tape.play().await;
    let attempt = tape.attempt.parse().unwrap();
    let (mut text, at) = (String::new(), Utc::now());
    let numbers: Vec<u64> = (1..=LINES).collect();
    for part in numbers.chunks(20_000) {
        let records: Vec<Record> = part
            .iter()
            .map(|number| {
                text.clear();
                match *number {
                    NEEDLE => text.push_str(TEXT),
                    other => {
                        write!(text, "gear {other} turns as it should, and drives the next one")
                            .unwrap()
                    }
                }
                let chunk = Chunk(text.clone().into_bytes());
                let body =
                    RecordBody::Output { step: 0, stream: Stream::Stdout, chunk, newline: true };
                Record { seq: number + 1, at, body }
            })
            .collect();
        story.world.server.logs().append(attempt, &records).await.unwrap();
    }
    tape.skip(LINES);
    tape.fail().await;
    story.world.until_state(&run.jobs[0], "failed").await;
    let job = run.job(0);
    (story, job)
}

/// Opens the link that the reader has copied in another visit.
async fn assert_link_leads_there(browser: &Browser) {
    let url = browser.url().await.unwrap();
    assert!(url.ends_with(&format!("#L{NEEDLE}")), "{url}");
    browser.open("about:blank").await.unwrap();
    browser.open(&url).await.unwrap();
    browser.wait("the needle, by its link", MARKED, json!([NEEDLE])).await.unwrap();
}

fn tell(how: &str, browser: &Browser, actions: u32, begun: Instant) {
    let actions = browser.actions() - actions;
    println!("{how}: {actions} actions, {:.1} s", begun.elapsed().as_secs_f64());
    assert!(actions <= 3, "{how} takes {actions} actions");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_error_in_a_million_lines_is_found_and_linked_by_mouse_and_by_keyboard() {
    let (story, job) = haystack().await;
    let browser = &story.browser;
    let (actions, begun) = (browser.actions(), Instant::now());
    story.open(&job).await;
    browser.click("#first-error").await.unwrap();
    browser.wait("the needle", MARKED, json!([NEEDLE])).await.unwrap();
    tell("mouse", browser, actions, begun);
    assert_link_leads_there(browser).await;
    story.open("/").await;
    let (actions, begun) = (browser.actions(), Instant::now());
    story.open(&job).await;
    browser.press(Key::Char('e')).await.unwrap();
    browser.wait("the needle", MARKED, json!([NEEDLE])).await.unwrap();
    tell("keyboard, as an error", browser, actions, begun);
    assert_link_leads_there(browser).await;
    story.open("/").await;
    let (actions, begun) = (browser.actions(), Instant::now());
    story.open(&job).await;
    browser.press(Key::Char('/')).await.unwrap();
    browser.type_text("no teeth").await.unwrap();
    browser.press(Key::Enter).await.unwrap();
    browser.wait("the needle", MARKED, json!([NEEDLE])).await.unwrap();
    tell("keyboard, by a search", browser, actions, begun);
    assert_link_leads_there(browser).await;
    story.end().await;
}
