//! A process that is killed while it writes, and what the next one finds.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use solstice_artifact::{ArtifactStore, Limits};
use solstice_model::AttemptId;
use solstice_model::id::new_id;

use crate::fixture::{bytes_on_disk, get, noise, put, store, write};

fn contents(index: u32) -> Vec<u8> {
    noise(index.into(), 300_000 + usize::try_from(index).unwrap())
}

/// Commits one artifact after the other and says each.
#[tokio::test]
#[ignore = "the child process of killing_the_process_loses_nothing_that_was_committed"]
async fn child_that_commits_until_killed() {
    let (Ok(dir), Ok(attempt)) = (std::env::var("ARTIFACT_DIR"), std::env::var("ARTIFACT_ATTEMPT"))
    else {
        return;
    };
    let open = ArtifactStore::open_dir(dir, Limits::default()).unwrap();
    let attempt: AttemptId = attempt.parse().unwrap();
    // One that is never committed, large enough to be in a file.
    let mut writer = open.begin(attempt, 999).await.unwrap();
    write(&mut writer, &noise(9, 600_000), 60_000).await.unwrap();
    for index in 0..900 {
        put(&open, attempt, index, &contents(index)).await.unwrap();
        println!("committed {index}");
        std::io::stdout().flush().unwrap();
    }
}

#[tokio::test]
async fn killing_the_process_loses_nothing_that_was_committed() {
    for goal in [1, 4, 9] {
        let dir = tempfile::tempdir().unwrap();
        let attempt: AttemptId = new_id();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["crash::child_that_commits_until_killed", "--exact", "--ignored", "--nocapture"])
            .env("ARTIFACT_DIR", dir.path())
            .env("ARTIFACT_ATTEMPT", attempt.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut last = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let Some((_, index)) = line.split_once("committed ") else { continue };
            last = index.parse::<u32>().unwrap();
            if last >= goal {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(last >= goal);
        assert!(std::fs::read_dir(dir.path().join(".new")).unwrap().count() >= 1);
        let open = ArtifactStore::open_dir(dir.path(), Limits::default()).unwrap();
        assert_eq!(std::fs::read_dir(dir.path().join(".new")).unwrap().count(), 0);
        for index in 0..=last {
            assert_eq!(get(&open, attempt, index).await.unwrap(), contents(index));
        }
        // One may have been put in place and not answered: then it is whole.
        if let Ok(next) = get(&open, attempt, last + 1).await {
            assert_eq!(next, contents(last + 1));
        }
        assert!(open.open(attempt, 999).await.is_err());
        assert_eq!(open.usage(), bytes_on_disk(dir.path()));
    }
}

#[tokio::test]
async fn a_removal_that_a_crash_cut_short_is_ended_at_the_next_start() {
    let (dir, open) = store(Limits::default());
    let attempt: AttemptId = new_id();
    put(&open, attempt, 0, b"contents").await.unwrap();
    drop(open);
    let id = attempt.to_string();
    let path = dir.path().join(&id[id.len() - 2..]).join(&id);
    std::fs::rename(&path, path.with_extension("trash")).unwrap();
    let open = ArtifactStore::open_dir(dir.path(), Limits::default()).unwrap();
    assert_eq!((open.usage(), bytes_on_disk(dir.path())), (0, 0));
    assert!(open.open(attempt, 0).await.is_err());
}
