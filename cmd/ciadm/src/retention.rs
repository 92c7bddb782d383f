//! `ciadm retention`.

use clap::Args;
use solstice_api::user::RetentionRun;
use solstice_display::size;

use crate::failure::Failure;
use crate::output::{self, Table};
use crate::session::Access;

/// `ciadm retention`.
#[derive(Debug, Args)]
pub(crate) struct Retention {
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    access: Access,
}

impl Retention {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let session = self.access.open()?;
        // A rehearsal needs less of a role.
        let told = match self.dry_run {
            true => session.answer(session.client.retention_view().await).await?,
            false => {
                let run = RetentionRun { dry_run: false };
                session.answer(session.client.retention_run(&run).await).await?
            }
        };
        if session.json {
            output::json(&told);
            return Ok(());
        }
        let mut table = Table::new(&["WHAT", "COUNT", "BYTES"]);
        for one in told.removed {
            table.row(vec![one.kind, one.count.to_string(), size(one.bytes)]);
        }
        output::table(&table, "The server's configuration keeps everything.");
        if told.dry_run {
            output::line("Nothing was removed.");
        }
        Ok(())
    }
}
