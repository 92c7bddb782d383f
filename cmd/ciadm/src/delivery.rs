//! `ciadm deliveries`: what the forges sent, and what became of it.

use clap::{Args, Subcommand};
use futures::StreamExt as _;
use solstice_api::user::{Delivery, DeliveryDetail};
use solstice_display::size;
use solstice_model::DeliveryId;

use crate::describe;
use crate::failure::Failure;
use crate::output::{self, Table};
use crate::run::facts;
use crate::session::{Access, Session};
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
    /// Show a delivery, or its body
    Show(Show),
    /// Have a delivery interpreted again
    Replay(Replay),
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
    /// Write its body as it came, and nothing else
    #[arg(long)]
    body: bool,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Args)]
struct Replay {
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
            Some(Verb::Replay(replay)) => replay.run().await,
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
            Table::new(&["DELIVERY", "FORGE", "EVENT", "AGO", "VERDICT", "RUNS", "REASON"])
                .give_way(&["REASON", "RUNS", "FORGE"]);
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
        output::table(&table, "No forge has delivered anything yet.");
        Ok(())
    }
}

impl Show {
    async fn run(self) -> Result<(), Failure> {
        let session = self.access.open()?;
        let id = which::delivery(&session, &self.delivery).await?;
        if self.body {
            return write_body(&session, id).await;
        }
        let detail: DeliveryDetail =
            session.answer(session.client.delivery_view(&id).await).await?;
        if session.json {
            output::json(&detail);
            return Ok(());
        }
        print(detail);
        Ok(())
    }
}

impl Replay {
    async fn run(self) -> Result<(), Failure> {
        let session = self.access.open()?;
        let id = which::delivery(&session, &self.delivery).await?;
        let one: Delivery = session.answer(session.client.delivery_replay(&id).await).await?;
        if session.json {
            output::json(&one);
            return Ok(());
        }
        let short = short(one.id);
        output::line(&format!("Delivery {short} waits for its verdict once more."));
        Ok(())
    }
}

async fn write_body(session: &Session, id: DeliveryId) -> Result<(), Failure> {
    let mut bytes = session.bytes(session.client.delivery_body(&id).await).await?;
    while let Some(part) = bytes.next().await {
        output::bytes(&part.map_err(|error| session.broken(error))?);
    }
    Ok(())
}

/// Everything that is known of a delivery but its body.
fn print(detail: DeliveryDetail) {
    let DeliveryDetail { delivery: one, headers, body_bytes, .. } = detail;
    let runs: Vec<String> = one.runs.iter().map(ToString::to_string).collect();
    let body = match detail.body_removed_at {
        None => size(body_bytes),
        Some(at) => format!("{}, removed {}", size(body_bytes), describe::moment(at)),
    };
    let replays = match (one.replays, detail.replayed_by) {
        (0, _) => String::new(),
        (times, by) => format!("{times}, last by {}", by.unwrap_or_default()),
    };
    let mut rows = vec![
        ("Delivery", one.id.to_string()),
        ("Forge", one.forge.to_string()),
        ("Forge's id", one.forge_id),
        ("Source", one.source.name().to_owned()),
        ("Event", one.event),
        ("Received", describe::moment(one.received_at)),
        ("Body", body),
        ("Verdict", one.verdict),
        ("Given", detail.finished_at.map(describe::moment).unwrap_or_default()),
        ("Reason", one.reason.unwrap_or_default()),
        ("Runs", runs.join(" ")),
        ("Replayed", replays),
    ];
    rows.extend(headers.into_iter().map(|it| ("Header", format!("{}: {}", it.name, it.value))));
    facts(&rows);
}
