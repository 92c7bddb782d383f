//! `ciadm jobs`, `job show`.

use clap::Args;
use solstice_api::user::{Annotations, Attempt, Job, JobDetail};
use solstice_model::{AgentVerdict, Annotation};

use crate::describe;
use crate::failure::Failure;
use crate::output::{self, Table};
use crate::run::facts;
use crate::session::Access;
use crate::which::{self, short};

/// `ciadm jobs`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The run: its id or the last eight digits of it
    run: String,
    #[command(flatten)]
    access: Access,
}

/// `ciadm job show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The job: its id, the last eight digits of it, or RUN/NAME
    job: String,
    #[command(flatten)]
    access: Access,
}

impl List {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let session = self.access.open()?;
        let run = which::run(&session, &self.run).await?;
        let detail = which::view(&session, run).await?;
        if session.json {
            output::json(&detail.jobs);
        } else {
            table(&detail.jobs);
        }
        Ok(())
    }
}

/// Writes a table of jobs.
pub(crate) fn table(jobs: &[Job]) {
    let mut table = Table::new(&["JOB", "NAME", "STATE", "RUNS ON", "NEEDS", "TOOK", "WHY"])
        .give_way(&["WHY", "NEEDS", "RUNS ON", "TOOK"]);
    for job in jobs {
        let needs: Vec<_> = job.needs.iter().map(describe::need).collect();
        table.row(vec![
            short(job.id),
            job.name.to_string(),
            describe::state(&job.state).to_owned(),
            job.runs_on.to_string(),
            needs.join(" "),
            describe::took(job.started_at, job.finished_at),
            describe::why(&job.state),
        ]);
    }
    output::table(&table, "There are no jobs.");
}

impl Show {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let session = self.access.open()?;
        let job = which::job(&session, &self.job).await?;
        let detail = session.answer(session.client.job_view(&job).await).await?;
        if session.json {
            output::json(&detail);
            return Ok(());
        }
        show(&detail);
        if !detail.job.annotations.is_empty() {
            let found = session.client.job_annotations(&job, None).await;
            annotations(&session.answer(found).await?);
        }
        Ok(())
    }
}

/// What tools had to say of the source, as compilers write it, and as harmless
/// as a log.
fn annotations(found: &Annotations) {
    output::line("");
    for one in &found.annotations {
        let Annotation { path, line, column, level, title, message, .. } = one;
        let column = column.map(|column| format!(":{column}")).unwrap_or_default();
        let title = if title.is_empty() { String::new() } else { format!(" [{title}]") };
        let say = |text: String| output::line(&solstice_display::line(text.as_bytes(), false));
        let mut lines = message.lines();
        let first = lines.next().unwrap_or_default();
        say(format!("{path}:{line}{column}: {}: {first}{title}", level.name()));
        lines.for_each(|line| say(format!("    {line}")));
    }
    if found.omitted > 0 {
        output::line(&format!("… and {} more, which are not kept", found.omitted));
    }
}

fn show(detail: &JobDetail) {
    let JobDetail { job, run, .. } = detail;
    let why = describe::why(&job.state);
    let state = describe::state(&job.state);
    let mut lines = vec![
        ("Job", job.id.to_string()),
        ("Name", job.name.to_string()),
        ("State", if why.is_empty() { state.to_owned() } else { format!("{state}: {why}") }),
        ("Run", format!("{} {}", run.id, run.title)),
        ("Runs on", job.runs_on.to_string()),
        ("Queued", describe::moment(job.queued_at)),
        ("Took", describe::took(job.started_at, job.finished_at)),
    ];
    let optional = [
        ("Size", job.size.as_ref().map(ToString::to_string)),
        ("Matrix", job.matrix.as_ref().map(|_| describe::matrix(job))),
        ("May fail", job.continue_on_error.then(|| "yes".to_owned())),
        ("Replaced by", job.replaced_by.map(|id| id.to_string())),
    ];
    lines.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    facts(&lines);
    attempts(&detail.attempts);
    steps(detail);
}

fn attempts(attempts: &[Attempt]) {
    if attempts.is_empty() {
        return;
    }
    output::line("");
    let mut table = Table::new(&["ATTEMPT", "HOST", "CLAIMED", "UNTIL IT RAN", "ENDED"]);
    for attempt in attempts {
        let phase = |phase: &solstice_api::host::Phase| {
            let took = i64::try_from(phase.took_ms).unwrap_or(i64::MAX / 1_000_000);
            format!(
                "{} {}",
                phase.name,
                solstice_display::duration(chrono::TimeDelta::milliseconds(took))
            )
        };
        let phases: Vec<_> = attempt.phases.iter().map(phase).collect();
        let end = match (&attempt.lost, &attempt.verdict, attempt.ended_at) {
            (Some(why), _, _) => format!("lost: {why}"),
            (None, Some(AgentVerdict::Succeeded), _) => "succeeded".to_owned(),
            (None, Some(_), _) => "failed".to_owned(),
            (None, None, Some(_)) => "ended".to_owned(),
            (None, None, None) => "at work".to_owned(),
        };
        table.row(vec![
            attempt.number.to_string(),
            attempt.host.to_string(),
            describe::moment(attempt.claimed_at),
            phases.join(", "),
            end,
        ]);
    }
    output::table(&table, "");
}

fn steps(detail: &JobDetail) {
    output::line("");
    let mut table = Table::new(&["STEP", "NAME", "STATE", "TOOK"]);
    for (index, spec) in (0..).zip(&detail.spec.steps) {
        let step = detail.steps.iter().find(|step| step.index == index);
        table.row(vec![
            (index + 1).to_string(),
            spec.name.clone(),
            step.map_or_else(|| "not begun".to_owned(), describe::step),
            step.map_or_else(String::new, |step| {
                describe::took(Some(step.started_at), step.finished_at.or(Some(step.started_at)))
            }),
        ]);
    }
    output::table(&table, "");
}
