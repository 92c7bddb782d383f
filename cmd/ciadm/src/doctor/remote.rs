//! The server that this computer's user talks to.

use chrono::{DateTime, Utc};
use solstice_client::Refusal;

use super::Findings;
use crate::failure::Failure;
use crate::session::{Access, Session};

/// Clocks that differ by this much make times in logs misleading.
const WARN_SECONDS: i64 = 5;

/// Clocks that differ by this much break certificates and leases.
const FAIL_SECONDS: i64 = 120;

/// Looks at server, clock and token.
pub(super) async fn look(access: &Access, findings: &mut Findings) {
    let session = match access.open() {
        Ok(session) => session,
        Err(why @ Failure::Profile(_)) => {
            findings.skip("server", solstice_log::chain(&why));
            return;
        }
        Err(why) => {
            findings.fail("server", solstice_log::chain(&why), "ciadm login URL");
            return;
        }
    };
    if health(&session, findings).await {
        ready(&session, findings).await;
        token(&session, findings).await;
    }
}

/// Whether the server answers, which version it is, and what its clock says.
async fn health(session: &Session, findings: &mut Findings) -> bool {
    let check = "server";
    let answer = match session.client.health().await {
        Ok(answer) => answer,
        Err(error) => {
            let refusal = Refusal::of(error).await;
            let text = format!("{}: {}", session.server(), solstice_log::chain(&refusal));
            let remedy = "is it running, and is this where people reach it? `ciadm login URL`";
            findings.fail(check, text, remedy);
            return false;
        }
    };
    let date =
        answer.headers().get("date").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let health = answer.into_inner();
    let (theirs, ours) = (&health.version, env!("CARGO_PKG_VERSION"));
    let text = format!("{} is version {theirs}", session.server());
    if theirs == ours {
        findings.ok(check, text);
    } else {
        findings.warn(check, format!("{text}, this is {ours}"), "install both from one release");
    }
    clock(date.as_deref(), findings);
    true
}

fn clock(date: Option<&str>, findings: &mut Findings) {
    let check = "clock";
    let Some(theirs) = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()) else {
        return findings.skip(check, "the server does not say what time it is");
    };
    let apart = (Utc::now() - theirs.to_utc()).num_seconds();
    let text = format!("{} s apart from the server's", apart.abs());
    let remedy = "let ntpd or chronyd keep the time on both computers";
    match apart.abs() {
        ..WARN_SECONDS => findings.ok(check, text),
        WARN_SECONDS..FAIL_SECONDS => findings.warn(check, text, remedy),
        _ => findings.fail(check, text, remedy),
    }
}

/// Whether the server says that it can do its work.
async fn ready(session: &Session, findings: &mut Findings) {
    let check = "server ready";
    match session.client.ready().await {
        Ok(_) => findings.ok(check, "it takes work"),
        Err(error) => {
            let text = Refusal::of(error).await.to_string();
            findings.fail(check, text, "see the server's log, and docs/operating.md");
        }
    }
}

async fn token(session: &Session, findings: &mut Findings) {
    let check = "token";
    match session.client.whoami().await {
        Ok(who) => {
            let name = who.name.as_deref().unwrap_or("nobody in particular");
            findings.ok(check, format!("{name}, role {}", who.role.as_str()));
        }
        Err(error) => {
            let text = Refusal::of(error).await.to_string();
            findings.fail(check, text, "ciadm login URL, with a token that the server knows");
        }
    }
}
