//! The host API, implemented.

mod artifacts;
mod batch;
mod polls;

use std::collections::BTreeSet;
use std::sync::Arc;

use dropshot::{
    Body, HttpError, HttpResponseOk, HttpResponseUpdatedNoContent, Path, Query, RequestContext,
    StreamingBody, TypedBody, UntypedBody,
};
use http::Response;
use slog::info;
use solstice_api::agent::{ArtifactName, ArtifactStored, RecordBatch, RecordsAccepted};
use solstice_api::host::{
    AttemptArtifactPath, AttemptPath, FetchCredential, HostApi, HostReport, MAX_WHY_BYTES,
    SyncRequest, SyncResponse, codes,
};
use solstice_engine::close_logs;
use solstice_forge::Credential;
use solstice_log::keys;
use solstice_model::{Assignment, AttemptId, HostName, Label, Record, RecordBody};
use solstice_store::{AttemptInfo, HostNote, StoreError, Transitioned};
use tokio::time::Instant;

pub(crate) use self::polls::HostPolls;
use crate::auth::require_host;
use crate::context::Context;
use crate::error::{
    attempt_over, bad_request, client_error, from_apply, from_forge, from_log, from_store,
};
use crate::requests;

/// The longest that a poll is kept waiting.
const MAX_WAIT_MS: u32 = 30_000;

/// The most offers, labels and known attempts of one request.
const MAX_LIST: usize = 256;

/// The most characters of a reason or a phase's name.
const MAX_TEXT: usize = 4_000;

/// The host API, implemented.
pub(crate) enum Hosts {}

type Rqctx = RequestContext<Arc<Context>>;

impl HostApi for Hosts {
    type Context = Arc<Context>;

    async fn host_sync(
        rqctx: Rqctx,
        body: TypedBody<SyncRequest>,
    ) -> Result<HttpResponseOk<SyncResponse>, HttpError> {
        let context = rqctx.context();
        let host = require_host(&rqctx).await?;
        let request = body.into_inner();
        if request.host != host {
            let message = format!("the token is that of host {host}");
            return Err(client_error(dropshot::ErrorStatusCode::FORBIDDEN, "forbidden", message));
        }
        check_sync(&request)?;
        let labels: BTreeSet<Label> =
            request.offers.iter().flat_map(|offer| offer.labels.iter().cloned()).collect();
        let note = HostNote {
            labels: labels.into_iter().collect(),
            room: request.room,
            sizes: request.sizes.clone(),
            images: request.images.clone(),
        };
        let noted = context.store.note_host(host, note, context.clock.now()).await;
        noted.map_err(from_store)?;
        let mut wanted = sync(&rqctx, request).await.map_err(from_store)?;
        context.observer.hand_over(&mut wanted).await.map_err(from_store)?;
        Ok(HttpResponseOk(SyncResponse { wanted }))
    }

    async fn host_report(
        rqctx: Rqctx,
        path: Path<AttemptPath>,
        body: TypedBody<HostReport>,
    ) -> Result<HttpResponseUpdatedNoContent, HttpError> {
        let context = rqctx.context();
        let host = require_host(&rqctx).await?;
        let attempt = path.into_inner().attempt;
        let report = body.into_inner();
        check_report(&report)?;
        let (now, max_attempts) = (context.clock.now(), context.max_attempts);
        let reported =
            context.store.report_from_host(host.clone(), attempt, report, now, max_attempts).await;
        if let Transitioned::Moved(state) = reported.map_err(over_if_absent)? {
            info!(requests::log(&rqctx), "job moved by its host"; keys::HOST => %host,
                keys::ATTEMPT => %attempt, keys::STATE => state.name());
            let info = context.store.attempt(attempt).await.map_err(from_store)?;
            close_logs(&context.store, &context.logs, info.job).await;
        }
        Ok(HttpResponseUpdatedNoContent())
    }

    async fn host_records(
        rqctx: Rqctx,
        path: Path<AttemptPath>,
        body: TypedBody<RecordBatch>,
    ) -> Result<HttpResponseOk<RecordsAccepted>, HttpError> {
        let context = rqctx.context();
        let info = own_attempt(&rqctx, path.into_inner().attempt).await?;
        let records = body.into_inner().records;
        if records.is_empty() {
            // Only a question: how far did an earlier orchestrator get?
            let durable_seq = context.logs.last_seq(info.id).await.map_err(from_log)?;
            return Ok(HttpResponseOk(RecordsAccepted { durable_seq, stop: info.over }));
        }
        let job = context.store.job(info.job).await.map_err(from_store)?;
        batch::check(&records, job.spec.steps.len()).map_err(bad_request)?;
        // The answer to the last batch may have been lost: the agent waits for it
        // before it powers off, so a repeat is told the same again.
        if info.over {
            let known = records.last().is_some_and(|last| last.seq <= info.applied_seq);
            if !known {
                return Err(attempt_over());
            }
            let durable_seq = context.logs.last_seq(info.id).await.map_err(from_log)?;
            return Ok(HttpResponseOk(RecordsAccepted { durable_seq, stop: true }));
        }
        let durable_seq = context.logs.append(info.id, &records).await.map_err(from_log)?;
        context.metrics.records.inc_by(u64::try_from(records.len()).unwrap_or(u64::MAX));
        context.metrics.log_bytes.inc_by(output_bytes(&records));
        let now = context.clock.now();
        let stop = context.applier.apply(&context.store, &context.logs, &info, now).await;
        let stop = stop.map_err(from_apply)?;
        if stop {
            info!(requests::log(&rqctx), "attempt ended by its agent"; keys::ATTEMPT => %info.id,
                keys::JOB => %info.job, keys::HOST => %info.host);
        }
        Ok(HttpResponseOk(RecordsAccepted { durable_seq, stop }))
    }

    async fn host_credential(
        rqctx: Rqctx,
        path: Path<AttemptPath>,
    ) -> Result<HttpResponseOk<FetchCredential>, HttpError> {
        let info = live_attempt(&rqctx, path.into_inner().attempt).await?;
        credential(rqctx.context(), &info).await.map(HttpResponseOk)
    }

    async fn host_inputs(
        rqctx: Rqctx,
        path: Path<AttemptPath>,
    ) -> Result<Response<Body>, HttpError> {
        let info = live_attempt(&rqctx, path.into_inner().attempt).await?;
        artifacts::inputs(rqctx.context(), &info).await
    }

    async fn host_artifact(
        rqctx: Rqctx,
        path: Path<AttemptArtifactPath>,
        query: Query<ArtifactName>,
        body: StreamingBody,
    ) -> Result<HttpResponseOk<ArtifactStored>, HttpError> {
        let AttemptArtifactPath { attempt, index } = path.into_inner();
        let info = live_attempt(&rqctx, attempt).await?;
        let path = query.into_inner().path;
        artifacts::take(rqctx.context(), &info, index, path, body).await.map(HttpResponseOk)
    }

    async fn host_console(
        rqctx: Rqctx,
        path: Path<AttemptPath>,
        body: UntypedBody,
    ) -> Result<HttpResponseUpdatedNoContent, HttpError> {
        // Also after the attempt is over: it is then that the console is whole.
        let info = own_attempt(&rqctx, path.into_inner().attempt).await?;
        let bytes = body.as_bytes().to_vec();
        rqctx.context().logs.put_console(info.id, bytes).await.map_err(from_log)?;
        Ok(HttpResponseUpdatedNoContent())
    }
}

/// Asks the forge for what a host needs to fetch this attempt's source.
async fn credential(context: &Context, info: &AttemptInfo) -> Result<FetchCredential, HttpError> {
    let run = context.store.run(info.run).await.map_err(from_store)?.run;
    let forge = context.forges.get(&run.forge);
    let given = match forge {
        Some(forge) => forge.fetch_credential(&run.repository).await.map_err(from_forge)?,
        None => None,
    };
    let Some(Credential { username, password }) = given else {
        let message = "nothing is needed, or to be had, to fetch this repository";
        let status = dropshot::ClientErrorStatusCode::NOT_FOUND;
        return Err(HttpError::for_client_error(
            Some(codes::NO_CREDENTIAL.to_owned()),
            status,
            message.to_owned(),
        ));
    };
    let password = String::from_utf8_lossy(password.expose()).into_owned();
    Ok(FetchCredential { username, password })
}

/// The attempt, if it is the asking host's. To a host, another's attempt is one
/// that is over: there is nothing for it to do.
async fn own_attempt(rqctx: &Rqctx, attempt: AttemptId) -> Result<AttemptInfo, HttpError> {
    let host = require_host(rqctx).await?;
    let info = rqctx.context().store.attempt(attempt).await.map_err(over_if_absent)?;
    if info.host == host { Ok(info) } else { Err(attempt_over()) }
}

/// The same, if somebody still waits for it.
async fn live_attempt(rqctx: &Rqctx, attempt: AttemptId) -> Result<AttemptInfo, HttpError> {
    let info = own_attempt(rqctx, attempt).await?;
    if info.over { Err(attempt_over()) } else { Ok(info) }
}

/// How much output these records bring.
fn output_bytes(records: &[Record]) -> u64 {
    let output = records.iter().map(|record| match &record.body {
        RecordBody::Output { chunk, .. } => chunk.0.len(),
        _ => 0,
    });
    u64::try_from(output.sum::<usize>()).unwrap_or(u64::MAX)
}

fn over_if_absent(error: StoreError) -> HttpError {
    match error {
        StoreError::NotFound { .. } => attempt_over(),
        other => from_store(other),
    }
}

fn check_sync(request: &SyncRequest) -> Result<(), HttpError> {
    let labels = request.offers.iter().map(|offer| offer.labels.len()).sum::<usize>();
    let images = request.images.iter().map(|image| image.labels.len()).sum::<usize>();
    let lists = [
        request.offers.len(),
        labels,
        request.known.len(),
        request.sizes.len(),
        request.images.len(),
        images,
    ];
    if lists.into_iter().any(|length| length > MAX_LIST) {
        return Err(bad_request(format!("no list may have more than {MAX_LIST} entries")));
    }
    if request.wait_ms > MAX_WAIT_MS {
        return Err(bad_request(format!("wait_ms may be at most {MAX_WAIT_MS}")));
    }
    Ok(())
}

fn check_report(report: &HostReport) -> Result<(), HttpError> {
    let fits = match report {
        HostReport::Starting | HostReport::TimedOut { .. } => true,
        HostReport::Progress { phases } | HostReport::Running { phases } => {
            phases.len() <= MAX_LIST && phases.iter().all(|phase| phase.name.len() <= MAX_TEXT)
        }
        HostReport::Lost { why } => why.len() <= MAX_WHY_BYTES,
    };
    if fits { Ok(()) } else { Err(bad_request("the report is too long")) }
}

/// Renews, claims and waits until what is wanted differs from what is known.
async fn sync(rqctx: &Rqctx, request: SyncRequest) -> Result<Vec<Assignment>, StoreError> {
    let context = rqctx.context();
    let known: BTreeSet<AttemptId> = request.known.iter().copied().collect();
    let until = Instant::now() + std::time::Duration::from_millis(request.wait_ms.into());
    let poll = context.polls.begin(&request.host).await;
    let mut changes = context.store.changes();
    loop {
        changes.mark_unchanged();
        let wanted = step(rqctx, &request, &poll).await?;
        let set: BTreeSet<AttemptId> = wanted.iter().map(|one| one.attempt).collect();
        if set != known || Instant::now() >= until {
            return Ok(wanted);
        }
        // A lease may be shorter than the wait.
        let renew = Instant::now() + context.lease / 3;
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return Ok(wanted) },
            () = tokio::time::sleep_until(until.min(renew)) => {}
            () = poll.replaced() => return Ok(wanted),
            () = context.stop.cancelled() => return Ok(wanted),
        }
    }
}

async fn step(
    rqctx: &Rqctx,
    request: &SyncRequest,
    poll: &polls::Poll,
) -> Result<Vec<Assignment>, StoreError> {
    let (context, host): (_, &HostName) = (rqctx.context(), &request.host);
    let (store, now) = (&context.store, context.clock.now());
    store.renew_leases(host.clone(), now, context.lease).await?;
    if request.room > 0
        && let Some(_turn) = poll.turn().await
    {
        let (offers, sizes) = (request.offers.clone(), request.sizes.clone());
        let claimed =
            store.claim(host.clone(), offers, sizes, request.room, now, context.lease).await?;
        for attempt in &claimed {
            info!(requests::log(rqctx), "job claimed"; keys::HOST => %host, keys::ATTEMPT => %attempt);
        }
        if !claimed.is_empty() {
            context.leases.raise();
        }
    }
    store.wanted(host.clone()).await
}
