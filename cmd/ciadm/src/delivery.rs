//! `ciadm deliveries`: what the forges sent, and what became of it.

use clap::{Args, Subcommand};
use solstice_api::user::Delivery;

use crate::describe;
use crate::failure::Failure;
use crate::output::{self, Table};
use crate::run::facts;
use crate::session::Access;
use crate::which::{self, short};

/// `ciadm deliveries`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Deliveries {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List deliveries, newest first
    List(List),
    /// Show a delivery
    Show(Show),
}

#[derive(Debug, Args)]
struct List {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Args)]
struct Show {
    /// Our id of the delivery, or the last eight digits of it
    delivery: String,
    #[command(flatten)]
    access: Access,
}

impl Deliveries {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self.verb {
            None => self.list.run().await,
            Some(Verb::List(list)) => list.run().await,
            Some(Verb::Show(show)) => show.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let session = self.access.open()?;
        let page = session.client.delivery_list(self.limit.try_into().ok(), None).await;
        let deliveries = session.answer(page).await?.items;
        if session.json {
            output::json(&deliveries);
            return Ok(());
        }
        let mut table =
            Table::new(&["DELIVERY", "FORGE", "EVENT", "AGO", "VERDICT", "RUNS", "REASON"]);
        for one in &deliveries {
            table.row(vec![
                short(one.id),
                one.forge.to_string(),
                one.event.clone(),
                describe::ago(one.received_at),
                one.verdict.clone(),
                one.runs.iter().map(short).collect::<Vec<_>>().join(" "),
                one.reason.clone().unwrap_or_default(),
            ]);
        }
        table.print("No forge has delivered anything yet.");
        Ok(())
    }
}

impl Show {
    async fn run(self) -> Result<(), Failure> {
        let session = self.access.open()?;
        let id = which::delivery(&session, &self.delivery).await?;
        let one: Delivery = session.answer(session.client.delivery_view(&id).await).await?;
        if session.json {
            output::json(&one);
            return Ok(());
        }
        let runs: Vec<String> = one.runs.iter().map(ToString::to_string).collect();
        facts(&[
            ("Delivery", one.id.to_string()),
            ("Forge", one.forge.to_string()),
            ("Forge's id", one.forge_id),
            ("Event", one.event),
            ("Received", describe::moment(one.received_at)),
            ("Verdict", one.verdict),
            ("Reason", one.reason.unwrap_or_default()),
            ("Runs", runs.join(" ")),
        ]);
        Ok(())
    }
}
