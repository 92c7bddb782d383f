//! Whatever strangers write is shown as text, on every page.

use serde_json::{Value, json};
use solstice_model::Role;

use crate::every_page;
use crate::scene::HOSTILE;
use crate::story::Story;
use crate::tape::Tape;

/// What would have to be there if some of it had become markup: the variable
/// that it sets, elements that no page of ours has, handlers, odd links.
const MARKUP: &str = "
    const odd = [...document.querySelectorAll('*')].filter((it) =>
        (it.localName === 'script' && !/^\\/assets\\//.test(it.getAttribute('src') || ''))
        || (it.localName === 'img' && it.getAttribute('src') === 'x')
        || [...it.attributes].some((at) => at.name.startsWith('on'))
        || /^\\s*(javascript|vbscript|data):/i.test(it.getAttribute('href') || '') && it.localName === 'a');
    return [window.pwned ?? null, odd.map((it) => it.outerHTML.slice(0, 200))];";

/// How many times the page shows the beginning of it as text.
const SHOWN: &str = "document.body.innerText.split('<script>window.pwned=1').length - 1";

async fn assert_text(story: &Story) {
    let url = story.browser.url().await.unwrap();
    let found = story.browser.run(MARKUP, json!([])).await.unwrap();
    assert_eq!(found, json!([null, []]), "{url}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_words_are_text_on_every_page() {
    let (story, pages) = every_page::scene(&HOSTILE).await;
    let mut shown = 0;
    for page in &pages {
        // A dialog that somebody opens makes the next command fail.
        story.open(&page.path).await;
        assert_text(&story).await;
        let here = story.browser.run(&format!("return {SHOWN}"), json!([])).await.unwrap();
        shown += here.as_u64().unwrap();
        story.quiet(page.expected).await;
    }
    assert!(shown > 2 * pages.len() as u64, "the words are hardly to be seen: {shown} times");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_words_are_text_while_they_come_in() {
    let story = Story::of(Role::Reader).await;
    let workflow = r#"workflow name="CI" { job id="build" runs_on="illumos" { step name="A" run="a"; step name="B" run="b"; } }"#;
    let run = story.world.push("Gears", workflow).await;
    story.open(&run.job(0)).await;
    let mut tape = Tape::begin(&story.world).await;
    tape.line(HOSTILE.any).line(&format!("\u{1b}[31m{}\u{1b}[0m", HOSTILE.any));
    tape.line(&format!("\u{1b}]8;;javascript:window.pwned=1\u{7}{}\u{1b}]8;;\u{7}", HOSTILE.any));
    tape.note(HOSTILE.any);
    tape.play().await;
    let four = format!("{SHOWN} >= 4");
    story.browser.wait("four hostile lines", &four, json!([])).await.unwrap();
    assert_text(&story).await;
    world_artifact(&story, &tape).await;
    tape.end_step(0).next_step();
    tape.fail().await;
    story.browser.wait_text("failed").await.unwrap();
    assert_text(&story).await;
    let value = story.browser.run("return window.pwned ?? null", json!([])).await.unwrap();
    assert_eq!(value, Value::Null);
    story.end().await;
}

async fn world_artifact(story: &Story, tape: &Tape<'_>) {
    story.world.artifact(&tape.attempt, 0, HOSTILE.artifact, b"x".to_vec()).await;
}
