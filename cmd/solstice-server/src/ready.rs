//! Whether the server can do its work: what it keeps can be written.
//!
//! Anybody may ask, so that it is looked at once in a few seconds however many
//! ask, and the reasons name no file.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::DateTime;
use slog::warn;
use solstice_log::{chain, keys};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::context::Context;

/// How long an answer stands.
const FRESH: Duration = Duration::from_secs(5);

/// A disk that takes longer is of no use.
const PATIENCE: Duration = Duration::from_secs(10);

/// The last answer.
pub(crate) struct Readiness {
    data: PathBuf,
    /// When it was found out, and what is wrong. Held while one looks for all.
    last: Mutex<Option<(Instant, Vec<String>)>>,
}

impl Readiness {
    /// Of a server with this data directory.
    pub(crate) fn new(data: &Path) -> Self {
        Self { data: data.to_owned(), last: Mutex::default() }
    }

    /// What is wrong; nothing if all is well.
    pub(crate) async fn problems(&self, context: &Context) -> Vec<String> {
        if context.stop.is_cancelled() {
            return vec!["the server is stopping".to_owned()];
        }
        let mut last = self.last.lock().await;
        if let Some((at, problems)) = &*last
            && at.elapsed() < FRESH
        {
            return problems.clone();
        }
        let problems = self.look(context).await;
        *last = Some((Instant::now(), problems.clone()));
        problems
    }

    async fn look(&self, context: &Context) -> Vec<String> {
        let mut problems = Vec::new();
        // A write that changes nothing; it goes the way of all others.
        let wrote = context.store.extend_leases(DateTime::UNIX_EPOCH);
        match tokio::time::timeout(PATIENCE, wrote).await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => {
                warn!(context.log, "the store cannot be written"; keys::ERROR => chain(&why));
                problems.push("the store cannot be written".to_owned());
            }
            Err(_) => problems.push("the store does not answer".to_owned()),
        }
        for name in ["", "logs", "artifacts"] {
            let directory = self.data.join(name);
            let tried = tokio::task::spawn_blocking(move || try_out(&directory));
            let what = if name.is_empty() { "the data directory" } else { name };
            match tokio::time::timeout(PATIENCE, tried).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(why))) => {
                    warn!(context.log, "a directory cannot be written";
                        keys::PATH => what, keys::ERROR => %why);
                    problems.push(format!("{what} cannot be written"));
                }
                Ok(Err(_)) | Err(_) => problems.push(format!("{what}: the disk does not answer")),
            }
        }
        problems
    }
}

/// Writes a small file and removes it.
fn try_out(directory: &Path) -> std::io::Result<()> {
    let path = directory.join(".ready");
    let tried = std::fs::File::create(&path).and_then(|mut file| {
        file.write_all(&[0; 4096])?;
        file.sync_all()
    });
    let removed = std::fs::remove_file(&path);
    tried.and(removed)
}
