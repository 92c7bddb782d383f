//! `ciadm runs`, `run show`, `trigger`, `approve`, `cancel`, `rerun`.

use clap::Args;
use serde_json::json;
use solstice_api::user::{Job, Rerun, Run, RunCreate, RunDetail};
use solstice_model::{CommitSha, ForgeName, JobId, RepoName, RunId};

use crate::describe;
use crate::failure::Failure;
use crate::follow;
use crate::output::{self, Table};
use crate::session::{Access, Session};
use crate::which::{self, Either, short};

/// `ciadm runs`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only this repository's, `owner/name`
    #[arg(long, value_name = "REPO")]
    repo: Option<RepoName>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    #[command(flatten)]
    access: Access,
}

/// `ciadm trigger`.
#[derive(Debug, Args)]
pub(crate) struct Trigger {
    /// The repository, `owner/name`
    repository: RepoName,
    /// The forge; may be left out if the server has one
    #[arg(long)]
    forge: Option<ForgeName>,
    /// A branch, a tag or a full ref; the default branch if left out
    #[arg(long = "ref", value_name = "REF")]
    git_ref: Option<String>,
    /// The commit, if not where the ref is now
    #[arg(long, value_name = "SHA")]
    commit: Option<CommitSha>,
    /// Only this workflow file, such as .solstice/release.kdl
    #[arg(long, value_name = "PATH")]
    file: Option<String>,
    /// Show what the jobs do until they have ended
    #[arg(long, short)]
    follow: bool,
    #[command(flatten)]
    access: Access,
}

/// A command about one run or job.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// An id, the last eight digits of one, or RUN/NAME for a job
    id: String,
    #[command(flatten)]
    access: Access,
}

/// `ciadm rerun`.
#[derive(Debug, Args)]
pub(crate) struct Again {
    #[command(flatten)]
    of: Of,
    /// Of a run, only the jobs that did not succeed
    #[arg(long)]
    failed: bool,
}

impl List {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let session = self.access.open()?;
        let limit = self.limit.into();
        let runs = which::newest(&session, self.repo.as_ref(), None, limit).await?;
        tell(&session, &runs);
        Ok(())
    }
}

impl Trigger {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let session = self.access.open()?;
        let wish = RunCreate {
            forge: self.forge,
            repository: self.repository,
            git_ref: self.git_ref,
            commit: self.commit,
            file: self.file,
        };
        let runs = session.answer(session.client.run_create(&wish).await).await?;
        if !self.follow {
            tell(&session, &runs);
            return Ok(());
        }
        let mut jobs = Vec::new();
        for run in &runs {
            if let Some(problem) = &run.problem {
                eprintln!("ciadm: {}: {}", run.file, output::harmless(problem));
                return Err(Failure::JobFailed);
            }
            jobs.extend(which::view(&session, run.id).await?.jobs);
        }
        follow::jobs(&session, &jobs).await
    }
}

fn tell(session: &Session, runs: &[Run]) {
    if session.json {
        return output::json(&runs);
    }
    let mut table =
        Table::new(&["RUN", "STATE", "REPOSITORY", "FROM", "COMMIT", "TOOK", "AGO", "TITLE"])
            .give_way(&["TITLE", "COMMIT", "TOOK", "FROM"]);
    for run in runs {
        table.row(vec![
            short(run.id),
            describe::status(run.status).to_owned(),
            run.repository.to_string(),
            describe::event(run),
            run.commit.short().to_owned(),
            describe::took(Some(run.created_at), run.finished_at),
            describe::ago(run.created_at),
            run.title.clone(),
        ]);
    }
    output::table(&table, "There are no runs.");
}

/// Shows a run and its jobs.
pub(crate) async fn show(of: Of) -> Result<(), Failure> {
    let session = of.access.open()?;
    let detail = which::view(&session, which::run(&session, &of.id).await?).await?;
    if session.json {
        output::json(&detail);
        return Ok(());
    }
    let RunDetail { run, jobs } = &detail;
    let status = describe::status(run.status);
    let facts = [
        ("Run", run.id.to_string()),
        ("State", status.to_owned()),
        ("Title", run.title.clone()),
        ("Repository", format!("{} at {}", run.repository, run.forge)),
        ("Started by", format!("{}, {}", describe::event(run), run.actor)),
        ("Commit", run.commit.to_string()),
        ("Workflow", format!("{} ({})", run.workflow, run.file)),
        ("Created", describe::moment(run.created_at)),
        ("Took", describe::took(Some(run.created_at), run.finished_at)),
    ];
    self::facts(&facts);
    if let Some(approval) = &run.approval {
        self::facts(&[("Approval", describe::approval(approval))]);
    }
    if let Some(problem) = &run.problem {
        output::line(&format!("\n{}", output::harmless(problem)));
    }
    if !jobs.is_empty() {
        output::line("");
        crate::job::table(jobs);
    }
    Ok(())
}

/// Writes names and values below one another.
pub(crate) fn facts(facts: &[(&str, String)]) {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in facts {
        let value = output::harmless(value).replace('\n', " ");
        output::line(&format!("{name:width$}  {value}"));
    }
}

/// Lets a run that waits for an approval go on, and what waits with it.
pub(crate) async fn approve(of: Of) -> Result<(), Failure> {
    let session = of.access.open()?;
    let run = which::run(&session, &of.id).await?;
    let approved: Vec<RunId> = session.answer(session.client.run_approve(&run).await).await?;
    if session.json {
        output::json(&json!({ "approved": approved }));
    } else if approved.is_empty() {
        output::line("It was approved before.");
    }
    for run in approved.iter().filter(|_| !session.json) {
        output::line(&format!("Approved run {run}"));
    }
    Ok(())
}

/// Cancels a job, or what is not finished of a run.
pub(crate) async fn cancel(of: Of) -> Result<(), Failure> {
    let session = of.access.open()?;
    let ended: Vec<JobId> = match which::either(&session, &of.id).await? {
        Either::Run(run) => session.answer(session.client.run_cancel(&run).await).await?,
        Either::Job(job) => {
            session.answer(session.client.job_cancel(&job).await).await?;
            vec![job]
        }
    };
    if session.json {
        output::json(&json!({ "cancelled": ended }));
    } else if ended.is_empty() {
        output::line("Everything of it had ended already.");
    }
    for job in ended.iter().filter(|_| !session.json) {
        output::line(&format!("Cancelled job {job}"));
    }
    Ok(())
}

/// Runs a job, or jobs of a run, once more.
pub(crate) async fn rerun(again: Again) -> Result<(), Failure> {
    let session = again.of.access.open()?;
    let jobs: Vec<Job> = match which::either(&session, &again.of.id).await? {
        Either::Run(run) => {
            let which = Rerun { failed_only: again.failed };
            session.answer(session.client.run_rerun(&run, &which).await).await?
        }
        Either::Job(_) if again.failed => {
            return Err(Failure::Usage("--failed is about the jobs of a run".to_owned()));
        }
        Either::Job(job) => session.answer(session.client.job_rerun(&job).await).await?,
    };
    if session.json {
        output::json(&jobs);
    } else {
        crate::job::table(&jobs);
    }
    Ok(())
}
