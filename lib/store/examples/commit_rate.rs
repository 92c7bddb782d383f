//! How many deliveries are taken in a second, by one caller and by many.
//!
//! Each answer means that the delivery is on disk; the difference between the
//! two is what group commit gains. The argument is the directory whose disk is
//! to be tried, the system's temporary one if there is none.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use solstice_forge::CheckReport;
use solstice_store::{Describe, JobView, NewDelivery, RunView, Store, StoreError};

/// How long each measurement takes.
const SPAN: Duration = Duration::from_secs(3);

struct NoRuns;

impl Describe for NoRuns {
    fn job(&self, _: &RunView, _: &JobView<'_>) -> CheckReport {
        unreachable!("deliveries alone make no jobs")
    }

    fn broken_run(&self, _: &RunView, _: &str) -> CheckReport {
        unreachable!("deliveries alone make no runs")
    }
}

async fn rate(store: &Store, callers: usize) -> Result<f64, StoreError> {
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let store = store.clone();
        tasks.spawn(async move {
            let mut taken = 0_u32;
            while begun.elapsed() < SPAN {
                store.take_delivery(delivery(format!("{callers}-{caller}-{taken}"))).await?;
                taken += 1;
            }
            Ok::<u32, StoreError>(taken)
        });
    }
    let mut taken = 0;
    for answer in tasks.join_all().await {
        taken += answer?;
    }
    Ok(f64::from(taken) / begun.elapsed().as_secs_f64())
}

fn delivery(forge_id: String) -> NewDelivery {
    NewDelivery {
        forge: "example".parse().expect("it is a word"),
        forge_id,
        event: "push".to_owned(),
        headers: Vec::new(),
        body: vec![b'x'; 8 * 1024],
        received_at: chrono::Utc::now(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let parent = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = tempfile::tempdir_in(parent)?;
    let store = Store::open(&dir.path().join("rate.db"), Arc::new(NoRuns))?;
    for callers in [1, 8, 64, 256] {
        println!("{callers:4} callers: {:7.0} deliveries/s", rate(&store, callers).await?);
    }
    Ok(())
}
