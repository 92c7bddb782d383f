//! Webhooks per second, beside one bare durable insert per request.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use solstice_model::RepoName;
use solstice_testbed::{Installation, wait_for};

use crate::load::{Webhook, send};
use crate::report::Section;
use crate::stats::Figure;
use crate::{Failure, Run};

const ABOUT: &str = "Push webhooks to the server process, 64 at a time, a tenth of them repeats \
and a tenth with a wrong signature; accepted ones per second, against a loop of inserts of the same \
body into SQLite by one connection, each in a transaction of its own (WAL, synchronous=FULL). The \
server checks signatures, answers HTTP, and commits together what comes together.";

const AT_ONCE: usize = 64;

const WORKFLOW: &str =
    "workflow name=\"CI\" { job id=\"a\" runs_on=\"nowhere\" { step run=\"true\"; }; }\n";

/// How long the server may take to make runs of all.
const LIMIT: Duration = Duration::from_secs(300);

pub(crate) async fn measure(run: &Run) -> Result<Section, Failure> {
    let count = run.pick(1_000, 100);
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..run.pick(3, 1) {
        let body = payload_of(run).await?;
        bare.push(bare_inserts(&body, count)?);
        ours.push(intake(run, count).await?);
    }
    let mut section = Section::new("Webhook intake", ABOUT);
    section.beside(
        format!("{count} webhooks, accepted"),
        Figure::of(&ours, "/s"),
        "bare durable inserts",
        Figure::of(&bare, "/s"),
    );
    Ok(section)
}

/// An installation without a host, and the payload of a push to it.
async fn prepared(run: &Run) -> Result<(Installation, serde_json::Value), Failure> {
    let mut installation = Installation::prepare(run.built()).await?;
    let repository: RepoName = "alice/widgets".parse()?;
    let forge = installation.forge();
    forge.create_repository(&repository).await?;
    let main = "refs/heads/main".parse()?;
    let files = [(".solstice/workflow.kdl", WORKFLOW.into())];
    forge.repositories().commit(&repository, &main, "First\n", &files).await?;
    let pushed = forge.push_payload_of_default_branch(&repository).await?;
    let payload = serde_json::from_slice(&pushed.payload)?;
    installation.start_server().await?;
    Ok((installation, payload))
}

async fn payload_of(run: &Run) -> Result<Vec<u8>, Failure> {
    Ok(prepared(run).await?.1.to_string().into_bytes())
}

/// Durable inserts per second.
fn bare_inserts(body: &[u8], count: usize) -> Result<f64, Failure> {
    let folder = tempfile::tempdir()?;
    let connection = Connection::open(folder.path().join("bare.db"))?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute("CREATE TABLE delivery (id TEXT PRIMARY KEY, body BLOB) STRICT", [])?;
    let begun = Instant::now();
    for number in 0..count {
        let mut statement = connection.prepare_cached("INSERT INTO delivery VALUES (?1, ?2)")?;
        statement.execute(params![number.to_string(), body])?;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

/// Accepted webhooks per second; and each of them has to become its run.
async fn intake(run: &Run, count: usize) -> Result<f64, Failure> {
    let (installation, payload) = prepared(run).await?;
    let secret = installation.webhook_secret();
    let (repeats, forged) = (count / 10, count / 10);
    let genuine = count - repeats - forged;
    let mut requests: Vec<Webhook> =
        (0..genuine).map(|number| Webhook::push(&payload, number, secret)).collect();
    let again: Vec<Webhook> =
        requests.iter().step_by(genuine / repeats).take(repeats).cloned().collect();
    requests.extend(again);
    requests.extend((0..forged).map(|number| Webhook::push(&payload, number, "another secret")));
    let expected = [(202, genuine), (200, repeats), (401, forged)].into();
    let answered = send(&installation.webhook_url(), requests, AT_ONCE).await?;
    if answered.statuses != expected {
        return Err(format!("answered {:?} instead of {expected:?}", answered.statuses).into());
    }
    let api = installation.api();
    let made = || async { Ok((api.health().await?.queued == genuine as u64).then_some(())) };
    wait_for("a run for each webhook", LIMIT, made).await?;
    Ok((genuine + repeats) as f64 / answered.took.as_secs_f64())
}
