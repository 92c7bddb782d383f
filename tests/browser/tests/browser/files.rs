//! What a job leaves is downloaded as it was.

use std::path::PathBuf;

use solstice_model::Role;

use crate::story::Story;
use crate::tape::Tape;
use crate::world::until;

const ONE_JOB: &str = r#"workflow name="CI" {
    job id="build" runs_on="illumos" { step name="Test" run="make test"; }
}"#;

/// Waits for a download to be whole.
async fn downloaded(story: &Story) -> (PathBuf, Vec<u8>) {
    until("a download", || async {
        let files = std::fs::read_dir(story.browser.downloads()).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        // What is under way has the name `….crdownload`, or a hidden one.
        let whole = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy();
            !name.ends_with(".crdownload") && !name.starts_with('.')
        };
        let path = files.find(whole)?;
        let bytes = std::fs::read(&path).unwrap();
        Some((path, bytes))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_artifact_is_downloaded_byte_by_byte() {
    let story = Story::of(Role::Reader).await;
    let run = story.world.push("Turn the gears", ONE_JOB).await;
    let tape = Tape::begin(&story.world).await;
    let bytes: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    story.world.artifact(&tape.attempt, 0, "out/gears.html", bytes.clone()).await;
    tape.succeed().await;
    story.world.until_state(&run.jobs[0], "succeeded").await;
    story.open(&run.job(0)).await;
    story.browser.click_text("out/gears.html").await.unwrap();
    let (path, got) = downloaded(&story).await;
    assert_eq!(path.file_name().unwrap(), "gears.html");
    assert!(got == bytes, "{} bytes of {}", got.len(), bytes.len());
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_raw_log_has_every_byte() {
    let story = Story::of(Role::Reader).await;
    let run = story.world.push("Turn the gears", ONE_JOB).await;
    let mut tape = Tape::begin(&story.world).await;
    tape.line("\u{1b}[31mred\u{1b}[0m <b>&amp; \u{202e}").line("æøå");
    tape.succeed().await;
    story.world.until_state(&run.jobs[0], "succeeded").await;
    story.open(&run.job(0)).await;
    let link = "return document.querySelector('a[href$=\"/log\"]').href";
    let url = story.browser.run(link, serde_json::json!([])).await.unwrap();
    let read = "const [url, done] = arguments;
        fetch(url).then((it) => it.arrayBuffer()).then((it) => done([...new Uint8Array(it)]))";
    let got = story.browser.run_async(read, serde_json::json!([url])).await.unwrap();
    let got: Vec<u8> = serde_json::from_value(got).unwrap();
    let expected = "=== step 1: Test\n\u{1b}[31mred\u{1b}[0m <b>&amp; \u{202e}\næøå\n";
    assert_eq!(String::from_utf8(got).unwrap(), expected);
    story.end().await;
}
