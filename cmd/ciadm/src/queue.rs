//! `ciadm queue`, `repositories`: what is to be done, and for whom.

use clap::Args;
use solstice_api::user::{Queue, Repository};

use crate::describe;
use crate::failure::Failure;
use crate::output::{self, Table};
use crate::session::Access;
use crate::which::short;

/// The most entries that the server gives at once.
const PAGE: u32 = 200;

/// `ciadm repositories`.
#[derive(Debug, Args)]
pub(crate) struct Repositories {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=i64::from(PAGE)))]
    limit: u32,
    #[command(flatten)]
    access: Access,
}

/// Shows what is on machines and what waits, in the order of the queue.
pub(crate) async fn show(access: Access) -> Result<(), Failure> {
    let session = access.open()?;
    let queue: Queue = session.answer(session.client.queue_view().await).await?;
    if session.json {
        output::json(&queue);
        return Ok(());
    }
    let heads = ["PLACE", "JOB", "REPOSITORY", "NAME", "FOR", "WHERE", "TITLE"];
    let mut table = Table::new(&heads).give_way(&["TITLE", "REPOSITORY"]);
    for one in &queue.working {
        let step = one.step.as_ref().map(|step| format!(" {}/{}", step.index + 1, step.of));
        table.row(vec![
            describe::state(&one.state).to_owned(),
            short(one.job.id),
            one.job.repository.to_string(),
            one.job.name.to_string(),
            describe::took(Some(one.claimed_at), None),
            describe::why(&one.state) + &step.unwrap_or_default(),
            one.job.title.clone(),
        ]);
    }
    for one in &queue.waiting {
        table.row(vec![
            one.place.map_or_else(|| "-".to_owned(), |place| place.to_string()),
            short(one.job.id),
            one.job.repository.to_string(),
            one.job.name.to_string(),
            describe::took(Some(one.queued_at), None),
            format!("{}: {}", one.runs_on, one.why),
            one.job.title.clone(),
        ]);
    }
    output::table(&table, "Nothing is to be done.");
    let shown = queue.working.len() + queue.waiting.len();
    let all = queue.working_total + queue.waiting_total;
    let more = all.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX));
    if more > 0 {
        output::line(&format!("… and {more} more"));
    }
    Ok(())
}

impl Repositories {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let session = self.access.open()?;
        let page = session.client.repository_list(self.limit.try_into().ok(), None).await;
        let all: Vec<Repository> = session.answer(page).await?.items;
        if session.json {
            output::json(&all);
            return Ok(());
        }
        let heads = ["REPOSITORY", "FORGE", "STATE", "AGO", "WORKFLOW", "TITLE"];
        let mut table = Table::new(&heads).give_way(&["TITLE", "WORKFLOW", "FORGE"]);
        for one in &all {
            let lock = if one.private { " (private)" } else { "" };
            table.row(vec![
                format!("{}{lock}", one.name),
                one.forge.to_string(),
                describe::status(one.newest.status).to_owned(),
                describe::ago(one.newest.created_at),
                one.newest.workflow.clone(),
                one.newest.title.clone(),
            ]);
        }
        output::table(&table, "No repository has had a run.");
        Ok(())
    }
}
