//! A world in which something of everything has happened.

use serde_json::json;
use solstice_forge::{Event, PullRequest};
use solstice_model::Stream;

use crate::tape::Tape;
use crate::world::World;

/// What strangers write: names, messages, output.
pub(crate) struct Words {
    /// In a field that takes any text.
    pub(crate) any: &'static str,
    pub(crate) branch: &'static str,
    pub(crate) file: &'static str,
    pub(crate) artifact: &'static str,
}

/// What ordinary people write.
pub(crate) const ORDINARY: Words = Words {
    any: "Turn the gears the other way",
    branch: "main",
    file: ".solstice/ci.kdl",
    artifact: "out/tool",
};

/// What nobody in their right mind writes: markup, and words that no line can hold.
pub(crate) const HOSTILE: Words = Words {
    any: "<script>window.pwned=1</script>\"'&<img src=x onerror=window.pwned=1>\u{202e}\
          WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
    branch: "<script>window.pwned=1</script>\"'&<img/src=x/onerror=window.pwned=1>WWWWWWWWWWWWWWWWWW",
    file: ".solstice/<script>window.pwned=1.kdl",
    artifact: "out/<script>window.pwned=1<img src=x onerror=window.pwned=1>\"'&\
               WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
};

impl Words {
    /// A workflow that is full of them.
    fn workflow(&self) -> String {
        // KDL 2 takes no characters that turn the direction of text, only their escapes.
        let name = self.any.replace('"', "\\\"").replace('\u{202e}', "\\u{202e}");
        format!(
            "workflow name=\"{name}\" {{
                job id=\"build\" runs_on=\"illumos\" {{
                    step name=\"{name}\" run=\"make\"
                    step name=\"Test\" run=\"make test\"
                }}
                job id=\"ship\" runs_on=\"linux\" needs=\"build\" {{ step name=\"Ship\" run=\"x\"; }}
            }}"
        )
    }
}

/// Plays everything: runs that succeeded, failed, broke, wait and go on.
pub(crate) async fn play(world: &World, words: &Words) {
    succeeded(world, words).await;
    failed(world, words).await;
    lost(world, words).await;
    cancelled(world, words).await;
    broken(world, words).await;
    waiting(world, words).await;
    private(world, words).await;
    running(world, words).await;
}

async fn push(world: &World, words: &Words, workflow: &str) -> crate::world::Run {
    let files = [(words.file, workflow.as_bytes())];
    let commit = world.forge.add_commit(&world.public, &files);
    let git_ref = format!("refs/heads/{}", words.branch);
    let mut push = world.forge.push(&world.public, &git_ref, &commit);
    (push.title, push.actor) = (words.any.to_owned(), words.any.to_owned());
    world.deliver(&Event::Push(push)).await
}

async fn succeeded(world: &World, words: &Words) {
    push(world, words, &words.workflow()).await;
    let mut tape = Tape::begin(world).await;
    tape.line("\u{1b}[1;32m   Compiling\u{1b}[0m gears v0.1.0").line(words.any);
    tape.output(Stream::Stderr, "\u{1b}[33mwarning\u{1b}[0m: one gear is unused");
    tape.line(&format!("\u{1b}[31;44m{0}\u{1b}]0;{0}\u{7}", words.any)).note(words.any);
    tape.end_step(0).next_step().line("test turns ... ok");
    tape.play().await;
    world.artifact(&tape.attempt, 0, words.artifact, b"#!/bin/sh\n".to_vec()).await;
    tape.succeed().await;
    let mut tape = Tape::begin(world).await;
    tape.line("shipped");
    tape.succeed().await;
}

async fn failed(world: &World, words: &Words) {
    let run = push(world, words, &words.workflow()).await;
    let mut tape = Tape::begin(world).await;
    tape.line("cc -c gear.c");
    let place: String = words.any.chars().filter(|it| !matches!(it, ':' | ',')).collect();
    tape.line(&format!("::error file={place},line=3,title={place}::{}", words.any));
    tape.line("gear.c:9:2: error: expected ;").line("gear.c:12: warning: unused [-Wunused]");
    tape.fail().await;
    let url = format!("/api/v1/jobs/{}", run.jobs[0]);
    crate::world::until("annotations", || async {
        let failures = world.json(&url).await["job"]["annotations"]["failures"].as_u64();
        (failures > Some(0)).then_some(())
    })
    .await;
}

async fn lost(world: &World, words: &Words) {
    let run = push(world, words, &words.workflow()).await;
    let attempt = world.run_up().await;
    world.report(&attempt, json!({ "report": "lost", "why": words.any })).await;
    world.until_state(&run.jobs[0], "infra_failed").await;
}

async fn cancelled(world: &World, words: &Words) {
    let run = push(world, words, &words.workflow()).await;
    let cancel = world.http.post(world.url(&format!("/api/v1/runs/{}/cancel", run.id)));
    let cancel = cancel.bearer_auth(world.token(solstice_model::Role::Submitter));
    assert!(cancel.send().await.unwrap().status().is_success());
    world.until_state(&run.jobs[0], "cancelled").await;
}

async fn broken(world: &World, words: &Words) {
    let workflow = format!("wurkflow {{\n    // {0}\n    \"{0}\n}}", words.any);
    push(world, words, &workflow).await;
}

async fn waiting(world: &World, words: &Words) {
    let commit = world.commit(&world.public, "", &words.workflow()).commit;
    let mut told = world.forge.pull_request(&world.public, 7, &commit);
    (told.head.title, told.head.actor) = (words.any.to_owned(), words.any.to_owned());
    let told = PullRequest { outside: true, author: words.any.to_owned(), ..told };
    world.deliver(&Event::PullRequest(told)).await;
}

async fn private(world: &World, words: &Words) {
    let push = world.commit(&world.private, words.any, &words.workflow());
    let run = world.deliver(&Event::Push(push)).await;
    let tape = Tape::begin(world).await;
    tape.fail().await;
    world.until_state(&run.jobs[0], "failed").await;
}

async fn running(world: &World, words: &Words) {
    push(world, words, &words.workflow()).await;
    let mut tape = Tape::begin(world).await;
    tape.line("one").end_step(0).next_step().line(words.any).line("two");
    tape.play().await;
}
