//! `ciadm hosts`, `host drain`, `images`.

use clap::{Args, Subcommand};
use solstice_api::user::{Host, HostUpdate};
use solstice_model::HostName;

use crate::describe;
use crate::failure::Failure;
use crate::output::{self, Table};
use crate::session::Access;

/// `ciadm host`.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Give a host no further job; what runs there goes on
    Drain(Of),
    /// Give a host jobs again
    Undrain(Of),
}

/// Which host.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// Its name, as `hosts` shows it
    name: HostName,
    #[command(flatten)]
    access: Access,
}

impl Verb {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let (of, draining) = match self {
            Verb::Drain(of) => (of, true),
            Verb::Undrain(of) => (of, false),
        };
        let session = of.access.open()?;
        let change = HostUpdate { draining };
        let host = session.answer(session.client.host_update(&of.name, &change).await).await?;
        if session.json {
            output::json(&host);
        } else if draining {
            let left = host.jobs.len();
            output::line(&format!("{} takes no more jobs; it works on {left}", host.name));
        } else {
            output::line(&format!("{} takes jobs again", host.name));
        }
        Ok(())
    }
}

/// Lists the hosts.
pub(crate) async fn list(access: Access) -> Result<(), Failure> {
    let session = access.open()?;
    let hosts = session.all(session.client.host_list_stream(None)).await?;
    if session.json {
        output::json(&hosts);
        return Ok(());
    }
    let mut table = Table::new(&["HOST", "STATE", "JOBS", "ROOM", "SEEN", "SIZES", "LABELS"])
        .give_way(&["LABELS", "SIZES"]);
    for host in &hosts {
        table.row(vec![
            host.name.to_string(),
            state(host).to_owned(),
            host.jobs.len().to_string(),
            host.room.to_string(),
            format!("{} ago", describe::ago(host.seen_at)),
            words(&host.sizes),
            words(&host.labels),
        ]);
    }
    output::table(&table, "No host has ever reported.");
    Ok(())
}

fn state(host: &Host) -> &'static str {
    match (host.online, host.draining) {
        (false, _) => "away",
        (true, true) => "draining",
        (true, false) => "ready",
    }
}

fn words<T: ToString>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Lists the golden images of all hosts.
pub(crate) async fn images(access: Access) -> Result<(), Failure> {
    let session = access.open()?;
    let images = session.answer(session.client.image_list().await).await?;
    if session.json {
        output::json(&images);
        return Ok(());
    }
    let mut table = Table::new(&["IMAGE", "SHA-256", "LABELS", "HOSTS"]).give_way(&["SHA-256"]);
    for one in &images {
        table.row(vec![
            one.image.name.to_string(),
            one.image.digest.hex()[..12].to_owned(),
            words(&one.image.labels),
            words(&one.hosts),
        ]);
    }
    output::table(&table, "No host has told of an image.");
    Ok(())
}
