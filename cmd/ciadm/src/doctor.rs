//! `ciadm doctor`: is this computer, and the server it talks to, as they should be?
//!
//! Every check gives one finding with its remedy; none changes anything. What
//! is not set up on this computer (no server here, no orchestrator) is not
//! looked at and not held against it.

mod disk;
mod local;
mod remote;

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use solstice_config::{orchestrator, server};

use crate::failure::Failure;
use crate::output;
use crate::session::Access;

/// `ciadm doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The server's configuration, if a server is on this computer
    #[arg(long, value_name = "PATH", default_value = server::DEFAULT_PATH)]
    server_config: PathBuf,
    /// The orchestrator's configuration, if one is on this computer
    #[arg(long, value_name = "PATH", default_value = orchestrator::DEFAULT_PATH)]
    orchestrator_config: PathBuf,
    #[command(flatten)]
    access: Access,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// As it should be.
    Ok,
    /// Good enough for now.
    Warn,
    /// Something will not work.
    Fail,
    /// There is nothing of the kind here.
    Skip,
}

/// What a check found.
#[derive(Debug, Serialize)]
struct Finding {
    /// What was looked at.
    check: String,
    verdict: Verdict,
    /// What was seen.
    text: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// The findings so far, told as they come.
struct Findings {
    all: Vec<Finding>,
    json: bool,
}

impl Findings {
    fn ok(&mut self, check: &str, text: impl Into<String>) {
        self.add(check, Verdict::Ok, text.into(), None);
    }

    fn skip(&mut self, check: &str, text: impl Into<String>) {
        self.add(check, Verdict::Skip, text.into(), None);
    }

    fn warn(&mut self, check: &str, text: impl Into<String>, remedy: impl Into<String>) {
        self.add(check, Verdict::Warn, text.into(), Some(remedy.into()));
    }

    fn fail(&mut self, check: &str, text: impl Into<String>, remedy: impl Into<String>) {
        self.add(check, Verdict::Fail, text.into(), Some(remedy.into()));
    }

    fn add(&mut self, check: &str, verdict: Verdict, text: String, remedy: Option<String>) {
        if !self.json {
            let word = match verdict {
                Verdict::Ok => "ok",
                Verdict::Warn => "warn",
                Verdict::Fail => "FAIL",
                Verdict::Skip => "-",
            };
            output::line(&format!("{word:<5} {check:<26} {}", output::harmless(&text)));
            if let Some(remedy) = &remedy {
                output::line(&format!("{:32} {}", "", output::harmless(&format!("→ {remedy}"))));
            }
        }
        self.all.push(Finding { check: check.to_owned(), verdict, text, remedy });
    }
}

impl Doctor {
    /// Looks at everything.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let mut findings = Findings { all: Vec::new(), json: self.access.json };
        local::server(&self.server_config, &mut findings).await;
        local::orchestrator(&self.orchestrator_config, &mut findings).await;
        remote::look(&self.access, &mut findings).await;
        let failed = findings.all.iter().any(|one| one.verdict == Verdict::Fail);
        if self.access.json {
            output::json(&serde_json::json!({ "ok": !failed, "findings": findings.all }));
        }
        if failed { Err(Failure::Found) } else { Ok(()) }
    }
}
