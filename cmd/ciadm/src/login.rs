//! `ciadm login`, `logout`, `whoami`: which server, and as whom.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use solstice_api::user::WhoAmI;
use solstice_client::read_token;
use solstice_model::Token;

use crate::failure::Failure;
use crate::output;
use crate::profile::{Profile, Profiles};
use crate::session::{Access, Session, address};

/// More than any token.
const MAX_TOKEN_BYTES: u64 = 4096;

/// `ciadm login`.
#[derive(Debug, Args)]
pub(crate) struct Login {
    #[allow(rustdoc::bare_urls, reason = "this is the help text")]
    /// Where people reach the server, such as https://ci.example.org
    url: String,
    /// Read the token from this file; otherwise from standard input
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    access: Access,
}

impl Login {
    /// Keeps server and token, once the server has taken the token.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let url = address(&self.url)?;
        let token = match &self.token_file {
            Some(path) => read_token(path)?,
            None => token_from_input()?,
        };
        if url.scheme() == "http" && !is_loopback(&url) {
            eprintln!(
                "ciadm: warning: {url} is not encrypted: others on the way can read the token"
            );
        }
        let profile = Profile { url, token: Some(token) };
        let session = Session::new(&profile, self.access.json)?;
        let who = session.answer(session.client.whoami().await).await?;
        let path = Profiles::of_user()?.write(self.access.name(), &profile)?;
        if session.json {
            output::json(&json!({ "profile": self.access.name(), "server": profile.url,
                "name": who.name, "role": who.role }));
        } else {
            output::line(&described(&session, &who));
            output::line(&format!("Kept in {}", path.display()));
        }
        Ok(())
    }
}

/// Forgets a profile.
pub(crate) fn logout(access: &Access) -> Result<(), Failure> {
    let removed = Profiles::of_user()?.remove(access.name())?;
    let name = access.name();
    if access.json {
        output::json(&json!({ "profile": name, "removed": removed }));
    } else if removed {
        output::line(&format!("The profile {name} is forgotten; its token is still valid"));
    } else {
        output::line(&format!("There was no profile {name}"));
    }
    Ok(())
}

/// Tells whose token it is.
pub(crate) async fn whoami(access: &Access) -> Result<(), Failure> {
    let session = access.open()?;
    let who = session.answer(session.client.whoami().await).await?;
    if session.json {
        output::json(&json!({ "server": session.server(), "name": who.name, "role": who.role }));
    } else {
        output::line(&described(&session, &who));
    }
    Ok(())
}

fn described(session: &Session, who: &WhoAmI) -> String {
    let (server, role) = (session.server(), who.role.as_str());
    match &who.name {
        Some(name) => format!("{name} at {server}, role {role}"),
        None => format!("nobody in particular at {server}, role {role}"),
    }
}

fn is_loopback(url: &url::Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// Reads a line; asks for it if somebody sits there, without showing it.
fn token_from_input() -> Result<Token, Failure> {
    let failed = || Failure::io("read the token");
    let mut text = String::new();
    if std::io::stdin().is_terminal() {
        let _ = write!(std::io::stderr(), "Token: ");
        let _hidden = Hidden::new();
        std::io::stdin().read_line(&mut text).map_err(failed())?;
        eprintln!();
    } else {
        let input = std::io::stdin().lock();
        input.take(MAX_TOKEN_BYTES).read_to_string(&mut text).map_err(failed())?;
    }
    let word = text.trim();
    if word.is_empty() || !word.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Failure::Usage(
            "a token is one word: pipe it in, type it, or name its file with --token-file"
                .to_owned(),
        ));
    }
    Ok(Token::from_text(word))
}

/// Turns the terminal's echo off for as long as it lives.
struct Hidden(Option<rustix::termios::Termios>);

impl Hidden {
    fn new() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let Ok(before) = tcgetattr(std::io::stdin()) else { return Self(None) };
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent);
        Self(Some(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some(before) = &self.0 {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}
