//! `ciadm watch`: a line per job that is not finished, kept up to date.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use clap::Args;
use serde_json::json;
use solstice_api::user::{Job, Run, RunStatus};
use solstice_model::JobId;

use crate::describe;
use crate::failure::Failure;
use crate::output::{self, Table};
use crate::session::{Access, Session};
use crate::which::{self, short};

/// Runs that are looked at.
const RUNS: usize = 50;

/// What is said where no job is unfinished.
const NOTHING: &str = "Nothing is to be done.";

/// How often the server is asked.
const PERIOD: Duration = Duration::from_secs(2);

/// `ciadm watch`.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Show what there is now, and end
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    access: Access,
}

impl Watch {
    /// Shows jobs until it is interrupted. Where no terminal is, and in JSON, a
    /// line for each change.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let session = self.access.open()?;
        let mut told: BTreeMap<JobId, String> = BTreeMap::new();
        let lines = session.json || !output::is_terminal();
        let screen = (!self.once && !lines).then(Screen::new);
        loop {
            let jobs = unfinished(&session).await?;
            match &screen {
                Some(screen) => screen.draw(&jobs),
                None if lines => changes(&session, &jobs, &mut told),
                None => output::table(&table(&jobs), NOTHING),
            }
            if self.once {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                // The screen is given back before the program ends.
                _ = tokio::signal::ctrl_c() => return Ok(()),
            }
        }
    }
}

async fn unfinished(session: &Session) -> Result<Vec<(Run, Job)>, Failure> {
    let mut jobs = Vec::new();
    for run in which::newest(session, None, None, RUNS).await? {
        if matches!(
            run.status,
            RunStatus::WaitingForApproval | RunStatus::Queued | RunStatus::Running
        ) {
            let detail = which::view(session, run.id).await?;
            let open = detail.jobs.into_iter().filter(|job| !job.state.is_finished());
            jobs.extend(open.map(|job| (run.clone(), job)));
        }
    }
    Ok(jobs)
}

/// The terminal's other screen (xterm's private mode 1049, without the cursor),
/// given back when it is dropped.
struct Screen;

impl Screen {
    fn new() -> Self {
        output::print("\x1b[?1049h\x1b[?25l");
        Self
    }

    /// Draws over what is there, line by line, so that nothing flickers.
    fn draw(&self, jobs: &[(Run, Job)]) {
        let table = table(jobs);
        let text =
            if table.is_empty() { format!("{NOTHING}\n") } else { table.text(output::width()) };
        let room = output::height() - 2;
        let all: Vec<&str> = text.lines().collect();
        // Home; the rest of each line, and of the screen, is cleared (ECMA-48 8.3.41, 8.3.39).
        let mut drawn = "\x1b[H".to_owned();
        for line in all.iter().take(room) {
            drawn.push_str(&format!("{line}\x1b[K\n"));
        }
        if all.len() > room {
            drawn.push_str(&format!("… and {} more\x1b[K\n", all.len() - room));
        }
        output::print(&format!("{drawn}\x1b[J"));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        output::print("\x1b[?25h\x1b[?1049l");
    }
}

fn table(jobs: &[(Run, Job)]) -> Table {
    let mut table = Table::new(&["JOB", "REPOSITORY", "NAME", "STATE", "FOR", "TITLE"])
        .give_way(&["TITLE", "REPOSITORY"]);
    for (run, job) in jobs {
        let since = job.started_at.or(job.claimed_at).unwrap_or(job.queued_at);
        table.row(vec![
            short(job.id),
            run.repository.to_string(),
            job.name.to_string(),
            format!("{} {}", describe::state(&job.state), describe::why(&job.state)),
            solstice_display::duration(Utc::now() - since),
            run.title.clone(),
        ]);
    }
    table
}

fn changes(session: &Session, jobs: &[(Run, Job)], told: &mut BTreeMap<JobId, String>) {
    for (run, job) in jobs {
        let text = format!("{} {}", describe::state(&job.state), describe::why(&job.state));
        if told.insert(job.id, text.clone()).as_ref() == Some(&text) {
            continue;
        }
        if session.json {
            output::ndjson(
                &json!({ "run": run.id, "job": job.id, "name": job.name, "state": job.state }),
            );
        } else {
            output::line(&format!("{} {} {}: {text}", short(job.id), run.repository, job.name));
        }
    }
    let gone: Vec<JobId> =
        told.keys().filter(|id| !jobs.iter().any(|(_, job)| job.id == **id)).copied().collect();
    for job in gone {
        told.remove(&job);
        if session.json {
            output::ndjson(&json!({ "job": job, "state": "finished" }));
        } else {
            output::line(&format!("{} has ended", short(job)));
        }
    }
}
