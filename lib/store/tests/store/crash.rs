//! A process that is killed while it writes (invariant I1).

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use solstice_model::{DeliveryId, JobState, Transition};
use solstice_store::RerunJobs;

use crate::fixture::{at, deliver, new_run, open, push, spec};

/// Takes deliveries from several tasks and says each id once it was answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child process of killing_the_process_loses_nothing_that_was_answered"]
async fn child_that_writes_until_killed() {
    let Ok(path) = std::env::var("STORE_DB") else { return };
    let store = open(Path::new(&path)).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        tasks.spawn(async move {
            loop {
                let id = deliver(&store).await;
                say(&format!("taken {id}"));
                let file = id.to_string();
                let runs = vec![new_run(&file, Ok(vec![spec("a", &[]), spec("b", &["a"])]))];
                let made = store.finish_delivery_with_runs(id, push('a'), runs, at(0));
                let run = made.await.unwrap()[0].run;
                let job = store.run(run).await.unwrap().jobs[0].id;
                store.cancel(job, "alice".to_owned(), at(1)).await.unwrap();
                say(&format!("ended {id}"));
                let all = RerunJobs::All;
                store.rerun(run, all, "alice".to_owned(), at(2)).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// Runs the child until it has said enough; gives what it was answered.
fn killed_child(path: &Path) -> Vec<(String, DeliveryId)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash::child_that_writes_until_killed", "--exact", "--ignored", "--nocapture"])
        .env("STORE_DB", path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        // The test harness may have begun the line.
        let mut words = line.split_whitespace().rev();
        let (Some(id), Some(word)) = (words.next(), words.next()) else { continue };
        if let ("taken" | "ended", Ok(id)) = (word, id.parse()) {
            said.push((word.to_owned(), id));
        }
        if said.len() >= 150 {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(said.len() >= 150, "the child ended by itself");
    said
}

#[tokio::test]
async fn killing_the_process_loses_nothing_that_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("solstice.db");
    for _ in 0..3 {
        let said = killed_child(&path);
        let store = open(&path).expect("the lock goes with the process");
        let (mut kept, mut before) = (std::collections::HashMap::new(), None);
        loop {
            let page = store.deliveries(before, 500).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some(last.id);
            kept.extend(page.into_iter().map(|delivery| (delivery.id, delivery)));
        }
        for (word, id) in said {
            let delivery = kept.get(&id).unwrap_or_else(|| panic!("{id} was {word} and is gone"));
            assert!(word == "taken" || delivery.verdict == "runs");
        }
        // Whatever was half done is not there at all.
        for delivery in kept.values().filter(|delivery| delivery.verdict == "runs") {
            let run = store.run(delivery.runs[0]).await.unwrap();
            assert_eq!(run.jobs.len(), 2);
            assert_eq!(run.jobs[0].state.is_finished(), run.jobs[1].state.is_finished());
            assert_eq!(run.jobs[0].rerun, run.jobs[1].rerun);
            assert_eq!(run.run.finished_at.is_some(), run.jobs[0].state.is_finished());
            for job in run.jobs {
                let mut state = JobState::Queued;
                for entry in store.events(job.id, 0, 10).await.unwrap() {
                    if let Transition::Moved(to) = state.apply(&entry.event).unwrap() {
                        state = to;
                    }
                }
                assert_eq!(state, job.state);
            }
        }
    }
}
