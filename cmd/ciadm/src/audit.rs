//! `ciadm audit`: who did what, when and from where.

use clap::Args;
use solstice_api::user::{AuditAction, AuditEntry};

use crate::describe;
use crate::failure::Failure;
use crate::output::{self, Table};
use crate::session::Access;

/// The most entries that the server gives at once.
const PAGE: u32 = 200;

/// `ciadm audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Only what this one did: a token's name, or USER@FORGE
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Only such actions, as the table shows them
    #[arg(long, value_name = "ACTION", value_parser = action)]
    action: Option<AuditAction>,
    /// Only what was done to this, such as run:ID or token:NAME
    #[arg(long, value_name = "KIND:ID")]
    object: Option<String>,
    /// At most so many, newest first
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    access: Access,
}

fn action(text: &str) -> Result<AuditAction, String> {
    let known = AuditAction::ALL.into_iter().find(|action| action.as_str() == text);
    known.ok_or_else(|| {
        let names = AuditAction::ALL.map(AuditAction::as_str);
        format!("it is one of {}", names.join(", "))
    })
}

impl Audit {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let session = self.access.open()?;
        let (mut entries, mut token) = (Vec::<AuditEntry>::new(), None::<String>);
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        while entries.len() < limit {
            let page = self.limit.min(PAGE).try_into().ok();
            let (object, who) = (self.object.as_deref(), self.who.as_deref());
            // What is asked for is in the token of every page but the first.
            let asking = match &token {
                None => {
                    session.client.audit_list(self.action.as_ref(), page, object, None, who).await
                }
                Some(token) => session.client.audit_list(None, page, None, Some(token), None).await,
            };
            let page = session.answer(asking).await?;
            entries.extend(page.items);
            token = page.next_page;
            if token.is_none() {
                break;
            }
        }
        entries.truncate(limit);
        if session.json {
            output::json(&entries);
        } else {
            output::table(&table(&entries), "Nothing of that kind was done.");
        }
        Ok(())
    }
}

fn table(entries: &[AuditEntry]) -> Table {
    let mut table = Table::new(&["AT", "WHO", "VIA", "ACTION", "OBJECT", "FROM", "DETAIL"])
        .give_way(&["DETAIL", "FROM", "VIA"]);
    for entry in entries {
        table.row(vec![
            describe::moment(entry.at),
            entry.who.clone(),
            entry.via.as_str().to_owned(),
            entry.action.as_str().to_owned(),
            entry.object.clone().unwrap_or_default(),
            entry.remote.clone().unwrap_or_default(),
            entry.detail.clone().unwrap_or_default(),
        ]);
    }
    table
}
