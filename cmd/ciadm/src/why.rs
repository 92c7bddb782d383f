//! `ciadm why`: why a job or a run is where it is, or what came of a commit.

use clap::Args;
use solstice_api::user::{
    CommitWhy, DeliveryWhy, Fault, JobInShort, JobWhy, Reason, RunWhy, Standing,
};
use solstice_model::{CommitPrefix, RepoName};

use crate::describe;
use crate::failure::Failure;
use crate::output::{self, Table};
use crate::session::{Access, Session};
use crate::which::{self, Either, short};

/// `ciadm why`.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// A job or a run as elsewhere, or OWNER/NAME@SHA for what came of a commit
    #[arg(value_name = "JOB|RUN|REPO@SHA", required_unless_present = "delivery")]
    what: Option<String>,
    /// What became of a delivery of a forge's, by our id
    #[arg(long, value_name = "ID", conflicts_with = "what")]
    delivery: Option<String>,
    #[command(flatten)]
    access: Access,
}

impl Why {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let session = self.access.open()?;
        if let Some(id) = &self.delivery {
            return delivery(&session, id).await;
        }
        let what = self.what.unwrap_or_default();
        if let Some((repository, commit)) = commit_of(&what) {
            return self::commit(&session, &repository, &commit).await;
        }
        match which::either(&session, &what).await? {
            Either::Job(job) => {
                let why = session.answer(session.client.job_why(&job).await).await?;
                tell(&session, &why, tell_job);
            }
            Either::Run(run) => {
                let why = session.answer(session.client.run_why(&run).await).await?;
                tell(&session, &why, tell_run);
            }
        }
        Ok(())
    }
}

/// `OWNER/NAME@SHA`, if it is that.
fn commit_of(what: &str) -> Option<(RepoName, CommitPrefix)> {
    let (repository, commit) = what.split_once('@')?;
    Some((repository.parse().ok()?, commit.to_ascii_lowercase().parse().ok()?))
}

async fn commit(
    session: &Session,
    repository: &RepoName,
    commit: &CommitPrefix,
) -> Result<(), Failure> {
    let asking = session.client.commit_why(commit, None, repository).await;
    let why: CommitWhy = session.answer(asking).await?;
    tell(session, &why, tell_commit);
    Ok(())
}

async fn delivery(session: &Session, id: &str) -> Result<(), Failure> {
    let id = which::delivery(session, id).await?;
    let detail = session.answer(session.client.delivery_view(&id).await).await?;
    let one = detail.delivery;
    let why = DeliveryWhy {
        id: one.id,
        forge: one.forge,
        event: one.event,
        received_at: one.received_at,
        verdict: one.verdict,
        reason: one.reason,
        runs: one.runs,
    };
    tell(session, &why, |why| output::line(&sentence(why)));
    Ok(())
}

fn tell<T: serde::Serialize>(session: &Session, why: &T, as_text: impl Fn(&T)) {
    if session.json { output::json(why) } else { as_text(why) }
}

fn tell_job(why: &JobWhy) {
    heading(&format!("{} ({})", why.name, short(why.job)), why.standing, why.fault, &why.summary);
    reasons("Why", &why.reasons);
    if let Some(queue) = &why.queue {
        let more = if queue.more { "at least " } else { "" };
        let text = format!(
            "{more}{} before it; {} of the hosts could take it, with room for {} more",
            queue.ahead, queue.hosts, queue.room
        );
        output::line(&format!("\nQueue\n  {text}"));
    }
    remedies(&why.reasons);
    reasons("How it came to be", &why.cause);
}

fn tell_run(why: &RunWhy) {
    heading(&format!("Run {}", short(why.run)), why.standing, why.fault, &why.summary);
    reasons("Why", &why.reasons);
    if !why.jobs.is_empty() {
        output::line("");
        jobs(&why.jobs);
    }
    remedies(&why.reasons);
    reasons("How it came to be", &why.cause);
}

fn jobs(jobs: &[JobInShort]) {
    let mut table = Table::new(&["JOB", "NAME", "STATE", "WHY"]).give_way(&["WHY"]);
    for job in jobs {
        table.row(vec![
            short(job.job),
            job.name.to_string(),
            standing(job.standing).to_owned(),
            job.summary.clone(),
        ]);
    }
    output::table(&table, "");
}

fn tell_commit(why: &CommitWhy) {
    output::line(&output::harmless(&capitalised(&why.summary)));
    for run in &why.runs {
        let text = format!(
            "  run {}  {}  {}  {}",
            short(run.id),
            describe::status(run.status),
            describe::event(run),
            run.workflow
        );
        output::line(&output::harmless(&text).replace('\n', " "));
    }
    if !why.deliveries.is_empty() {
        output::line("\nWhat the forge told of it");
    }
    for delivery in &why.deliveries {
        output::line(&format!("  {}", sentence(delivery)));
    }
}

/// What became of a delivery.
fn sentence(delivery: &DeliveryWhy) -> String {
    let came = match delivery.verdict.as_str() {
        "runs" => {
            let runs: Vec<String> = delivery.runs.iter().map(short).collect();
            format!("led to {}", runs.join(", "))
        }
        "waiting" => "waits to be looked at".to_owned(),
        other => format!("was {other}"),
    };
    let reason = delivery.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let text = format!(
        "{} {} of {}, {} ago, {came}{reason}",
        delivery.event,
        short(delivery.id),
        delivery.forge,
        describe::ago(delivery.received_at)
    );
    output::harmless(&text).replace('\n', " ")
}

fn heading(what: &str, stands: Standing, fault: Option<Fault>, summary: &str) {
    let fault = fault.map(|fault| format!(", by {}", self::fault(fault))).unwrap_or_default();
    output::line(&format!("{what}: {}{fault}", standing(stands)));
    output::line(&output::harmless(&capitalised(summary)).replace('\n', " "));
}

/// Reasons below a title, each with its place.
fn reasons(title: &str, reasons: &[Reason]) {
    if reasons.is_empty() {
        return;
    }
    output::line(&format!("\n{title}"));
    for reason in reasons {
        output::line(&format!("  {}", output::harmless(&reason.text).replace('\n', " ")));
        if let Some(place) = &reason.place {
            let url = place.url.as_ref().map(|url| format!("  {url}")).unwrap_or_default();
            let place = format!("    at {}:{}{url}", place.file, place.line);
            output::line(&output::harmless(&place).replace('\n', " "));
        }
    }
}

fn remedies(reasons: &[Reason]) {
    let remedies: Vec<&String> =
        reasons.iter().filter_map(|reason| reason.remedy.as_ref()).collect();
    if !remedies.is_empty() {
        output::line("\nWhat helps");
    }
    for remedy in remedies {
        output::line(&format!("  {}", output::harmless(remedy).replace('\n', " ")));
    }
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Waits => "waits",
        Standing::Runs => "runs",
        Standing::Succeeded => "succeeded",
        Standing::Skipped => "not run",
        Standing::Failed => "failed",
        Standing::Cancelled => "cancelled",
    }
}

fn fault(fault: Fault) -> &'static str {
    match fault {
        Fault::Author => "the change's fault",
        Fault::Limit => "a time limit",
        Fault::Infrastructure => "the infrastructure's fault, not the change's",
        Fault::Person => "somebody's wish",
        Fault::Need => "what became of a job that it needs",
        Fault::Policy => "the policy",
    }
}

/// The text with a capital first letter.
fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_told_from_an_id() {
        let (repository, commit) = commit_of("ada/engine@a1b2c3").unwrap();
        assert_eq!((repository.as_str(), commit.as_str()), ("ada/engine", "a1b2c3"));
        for other in ["0a1b2c3d", "0a1b2c3d/build", "@a1", "engine@a1"] {
            assert!(commit_of(other).is_none(), "{other}");
        }
    }
}
