//! Tokens on the command line, also beside a running server.
//!
//! They are written to the database directly: whoever may write that file needs
//! no further proof, and the first token of all has to come from somewhere.
//! While a server runs it holds the database's lock, and the store is opened
//! beside it; SQLite keeps the two apart, and the server looks tokens up anew
//! for every request.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use chrono::Utc;
use solstice_api::user::AuditVia;
use solstice_config::ServerConfig;
use solstice_engine::Checks;
use solstice_model::{BadName, HostName, Role, Token};
use solstice_store::{Actor, Store, StoreError};

use crate::server::database;

/// Why a token was not made, listed or revoked.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum TokenError {
    /// The name is not one.
    #[error("a token cannot have this name")]
    Name(#[source] BadName),
    /// The database refused, or cannot be used.
    #[error("cannot use the tokens in {}", path.display())]
    #[diagnostic(help("run it as the user that runs the server"))]
    Store {
        /// The database.
        path: std::path::PathBuf,
        /// Why not.
        #[source]
        source: StoreError,
    },
    /// The answer could not be written.
    #[error("cannot write the answer")]
    Output(#[from] std::io::Error),
}

/// The database of a configuration, open for tokens.
pub struct Tokens {
    store: Store,
    path: std::path::PathBuf,
}

impl Tokens {
    /// Opens the database; makes it if there is none yet.
    ///
    /// # Errors
    ///
    /// [`TokenError::Store`].
    pub fn open(config: &ServerConfig) -> Result<Self, TokenError> {
        let path = database(&config.data);
        match open(&path, Arc::new(Checks::new(config.base_url.clone()))) {
            Ok(store) => Ok(Self { store, path }),
            Err(source) => Err(TokenError::Store { path, source }),
        }
    }

    /// Makes a token and writes its secret, a line, to `out`.
    ///
    /// # Errors
    ///
    /// [`TokenError`]; the name may be taken.
    pub async fn create(
        &self,
        name: String,
        role: Role,
        out: &mut dyn Write,
    ) -> Result<(), TokenError> {
        // A host's token bears the host's name, and others follow the same rule.
        name.parse::<HostName>().map_err(TokenError::Name)?;
        let token = Token::generate();
        let made = self.store.create_token_by(actor(), name, role, token.hash(), Utc::now()).await;
        made.map_err(|source| self.failed(source))?;
        Ok(writeln!(out, "{}", token.secret())?)
    }

    /// Writes a line for each token: name, role, when it was made.
    ///
    /// # Errors
    ///
    /// [`TokenError`].
    pub async fn list(&self, out: &mut dyn Write) -> Result<(), TokenError> {
        let tokens = self.store.tokens().await.map_err(|source| self.failed(source))?;
        let width = tokens.iter().map(|token| token.name.len()).max().unwrap_or(0);
        for token in tokens {
            let made = token.created_at.format("%Y-%m-%d %H:%M:%SZ");
            writeln!(out, "{:width$}  {:9}  {made}", token.name, token.role.as_str())?;
        }
        Ok(())
    }

    /// Revokes a token; it opens nothing from the next request on.
    ///
    /// # Errors
    ///
    /// [`TokenError`]; there may be no such token.
    pub async fn revoke(&self, name: String) -> Result<(), TokenError> {
        self.store
            .revoke_token(name, actor(), Utc::now())
            .await
            .map_err(|source| self.failed(source))
    }

    fn failed(&self, source: StoreError) -> TokenError {
        TokenError::Store { path: self.path.clone(), source }
    }
}

/// Whoever may write the database; the system knows them by a number.
fn actor() -> Actor {
    let uid = rustix::process::getuid().as_raw();
    Actor::new(format!("uid {uid}"), AuditVia::CommandLine)
}

fn open(path: &Path, checks: Arc<Checks>) -> Result<Store, StoreError> {
    if let Some(data) = path.parent() {
        let io = |source| StoreError::Io { path: data.to_owned(), source: Arc::new(source) };
        crate::server::make_data_directory(data).map_err(io)?;
    }
    match Store::open(path, checks.clone()) {
        Err(StoreError::Locked { .. }) => Store::open_beside(path, checks),
        other => other,
    }
}
