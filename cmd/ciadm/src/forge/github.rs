//! `ciadm forge add github`: makes a GitHub App from a manifest.
//!
//! ```text
//! terminal ── prints ──► local page ── posts the manifest ──► GitHub asks its user
//! files ◄── key, secret ── GitHub ◄── code ── ciadm ◄── redirect, code, state ──┘
//! ```

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use solstice_model::ForgeName;
use tokio::sync::mpsc::Receiver;
use url::Url;

use super::conversion::{AddError, Made, exchange};
use super::files::Files;
use super::local::{Local, Redirect};
use super::manifest::{App, MAX_NAME_CHARS, escaped, page};
use crate::failure::Failure;
use crate::output;
use crate::session::address;

/// `ciadm forge add github`.
#[derive(Debug, Args)]
pub(crate) struct GitHub {
    #[allow(rustdoc::bare_urls, reason = "this is the help text")]
    /// Where people reach the server, such as https://ci.example.org
    #[arg(long, value_name = "URL")]
    server_url: String,
    /// Where GitHub reaches its webhooks; by default /webhooks/NAME there
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// The folder for the App's key and its webhook secret
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The organization that is to own the App; by default it is yours
    #[arg(long, value_name = "NAME")]
    organization: Option<String>,
    /// GitHub's own address
    #[arg(long, value_name = "URL", default_value = "https://github.com")]
    github_url: String,
    /// The name of the forge in the server's configuration
    #[arg(long, default_value = "github")]
    name: ForgeName,
    /// The name of the App, which nobody else on GitHub may have; by default
    /// made of the server's
    #[arg(long, value_name = "NAME")]
    app_name: Option<String>,
    /// How long to wait for GitHub
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = humantime::parse_duration)]
    wait: Duration,
}

impl GitHub {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let (server, github) = (address(&self.server_url)?, address(&self.github_url)?);
        let webhook = self.webhook(&server)?;
        let state = state();
        let action = self.action(&github, &state)?;
        let files = Files::prepare(&self.out, &self.name)?;
        let local = Local::bind().await.map_err(Failure::io("listen on 127.0.0.1"))?;
        let app = App { name: self.app_name(&server), redirect: local.redirect(), webhook, server };
        eprintln!("Open {} in a browser on this computer.", local.url());
        eprintln!("It is there for {}.", humantime::format_duration(self.wait));
        let mut served = local.serve(app.page(&action), state);
        let outcome = self.finish(&github, &files, &mut served.redirects).await;
        served.stop().await;
        let made = outcome?;
        self.tell(&github, &files, &made);
        Ok(())
    }

    /// Waits for the browser, and keeps what GitHub gives for its code.
    async fn finish(
        &self,
        github: &Url,
        files: &Files,
        redirects: &mut Receiver<Redirect>,
    ) -> Result<Made, AddError> {
        let Redirect { code, answer } = tokio::select! {
            Some(redirect) = redirects.recv() => redirect,
            () = tokio::time::sleep(self.wait) => return Err(AddError::Late(self.wait)),
            _ = tokio::signal::ctrl_c() => return Err(AddError::Interrupted),
        };
        // Once it is sent, only its answer can be had: it is not broken off.
        let made = exchange(github, &code).await?;
        let secret = made.webhook_secret.as_deref().unwrap_or_default();
        files.write(&made.pem, secret).map_err(|(path, source)| {
            let app = output::harmless(made.html_url.as_str());
            AddError::Lost { app, path, source }
        })?;
        let link = escaped(install(&made).as_str());
        // A browser that is gone has nothing to be told.
        let _ = answer.send(page(
            "GitHub is connected",
            &format!(
                "<p>The App is made, and its key is kept. The terminal says what to add to the \
                 server's configuration.</p>\n<p>Then <a href=\"{link}\">install the App</a> on \
                 the repositories that are to be built.</p>"
            ),
        ));
        Ok(made)
    }

    /// Standard output gets the configuration, people the rest.
    fn tell(&self, github: &Url, files: &Files, made: &Made) {
        let (key, secret) = (files.key.display().to_string(), files.secret.display().to_string());
        eprintln!("The App is made: {}", output::harmless(made.html_url.as_str()));
        eprintln!("Its key is {key}, its webhook secret {secret}.");
        eprintln!("Give both to the user that runs the server, add this to server.kdl, and start");
        eprintln!("the server anew:\n");
        let place = match github.host_str() {
            Some("github.com") => String::new(),
            _ => format!(" url={:?}", github.as_str()),
        };
        output::line(&format!(
            "forge \"{}\" kind=\"github\"{place} {{\n    app id={}\n    private_key_file {key:?}\n    \
             webhook_secret_file {secret:?}\n}}",
            self.name, made.id
        ));
        eprintln!("\nThen install the App on the repositories that are to be built:");
        eprintln!("  {}", output::harmless(install(made).as_str()));
    }

    /// Where webhooks go: not to this computer, which GitHub does not reach.
    fn webhook(&self, server: &Url) -> Result<Url, Failure> {
        let url = match &self.webhook_url {
            Some(given) => address(given)?,
            None => {
                let mut url = server.clone();
                let path = format!("{}/webhooks/{}", url.path().trim_end_matches('/'), self.name);
                url.set_path(&path);
                url
            }
        };
        let here = ["localhost", "127.0.0.1", "[::1]"];
        if url.host_str().is_some_and(|host| here.contains(&host)) {
            eprintln!("ciadm: warning: GitHub will not reach {url}; --webhook-url says another");
        }
        Ok(url)
    }

    /// Where the manifest is posted.
    fn action(&self, github: &Url, state: &str) -> Result<Url, Failure> {
        let mut url = github.clone();
        let mut path = url.path_segments_mut().expect("a web address has a path");
        path.pop_if_empty();
        if let Some(organization) = &self.organization {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            if organization.is_empty() || !organization.chars().all(plain) {
                return Err(Failure::Usage(format!("{organization:?} is no organization's name")));
            }
            path.extend(["organizations", organization]);
        }
        path.extend(["settings", "apps", "new"]);
        drop(path);
        url.query_pairs_mut().append_pair("state", state);
        Ok(url)
    }

    fn app_name(&self, server: &Url) -> String {
        let name = self.app_name.clone();
        let name = name
            .unwrap_or_else(|| format!("Solstice CI {}", server.host_str().unwrap_or_default()));
        name.chars().take(MAX_NAME_CHARS).collect()
    }
}

/// Where the App is installed on repositories.
fn install(made: &Made) -> Url {
    let mut url = made.html_url.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["installations", "new"]);
    }
    url
}

/// What nobody can guess.
fn state() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    hex::encode(bytes)
}
