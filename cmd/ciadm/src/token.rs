//! `ciadm tokens`: who may do what.

use clap::{Args, Subcommand};
use serde_json::json;
use solstice_api::user::TokenCreate;
use solstice_model::Role;

use crate::describe;
use crate::failure::Failure;
use crate::output::{self, Table};
use crate::session::Access;

/// `ciadm tokens`.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List tokens, without their secrets
    List(Access),
    /// Make a token and print its secret, which is not shown again
    Create(Create),
    /// Make a token useless
    Revoke(Revoke),
}

/// `ciadm tokens create`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its name, unique; for the role host, the host's name
    name: String,
    /// What it opens: reader, submitter, operator, admin or host
    #[arg(long)]
    role: Role,
    #[command(flatten)]
    access: Access,
}

/// `ciadm tokens revoke`.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Its name
    name: String,
    #[command(flatten)]
    access: Access,
}

impl Verb {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self {
            Verb::List(access) => list(&access).await,
            Verb::Create(create) => create.run().await,
            Verb::Revoke(revoke) => revoke.run().await,
        }
    }
}

async fn list(access: &Access) -> Result<(), Failure> {
    let session = access.open()?;
    let tokens = session.all(session.client.token_list_stream(None)).await?;
    if session.json {
        output::json(&tokens);
        return Ok(());
    }
    let mut table = Table::new(&["NAME", "ROLE", "MADE"]);
    for token in &tokens {
        let made = describe::moment(token.created_at);
        table.row(vec![token.name.clone(), token.role.as_str().to_owned(), made]);
    }
    output::table(&table, "There are no tokens.");
    Ok(())
}

impl Create {
    async fn run(self) -> Result<(), Failure> {
        let session = self.access.open()?;
        let wish = TokenCreate { name: self.name, role: self.role };
        let made = session.answer(session.client.token_create(&wish).await).await?;
        if session.json {
            output::json(&made);
        } else {
            output::line(made.token.secret());
        }
        Ok(())
    }
}

impl Revoke {
    async fn run(self) -> Result<(), Failure> {
        let session = self.access.open()?;
        session.answer(session.client.token_revoke(&self.name).await).await?;
        if session.json {
            output::json(&json!({ "revoked": self.name }));
        } else {
            output::line(&format!("{} opens nothing any more", self.name));
        }
        Ok(())
    }
}
