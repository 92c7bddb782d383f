//! The agent API: what a guest gets from its host. Every byte of it is hostile.
//!
//! A guest knows two secrets: its token, redeemed once, and the session key that
//! it made up then. By these it is told apart from other guests; it can name no
//! attempt. Its records are checked before they go on, and it gets its answer
//! when the server has them.

mod body;
mod screen;
mod transfer;

use std::net::SocketAddr;
use std::sync::Arc;

use dropshot::{
    ApiDescription, Body, BuildError, ClientErrorStatusCode, ConfigDropshot, HandlerTaskMode,
    HttpError, HttpResponseOk, HttpResponseUpdatedNoContent, HttpServer, Path, Query,
    RequestContext, ServerBuilder, StreamingBody, TypedBody,
};
use futures::StreamExt as _;
use http::{Response, StatusCode, header};
use slog::{Drain as _, Logger, debug, warn};
use solstice_api::agent::{
    AgentApi, ArtifactIndex, ArtifactName, ArtifactStored, RecordBatch, RecordsAccepted, Redeem,
    Redeemed, agent_api_mod,
};
use solstice_api::host::codes;
use solstice_log::{chain, keys};
use solstice_model::Token;
use tokio::sync::SemaphorePermit;
use tokio::time::{sleep, timeout};

use self::body::Pieces;
use self::screen::{Screened, logged_bytes, most_logged, screen};
use self::transfer::Announced;
use crate::attempt::{Attempt, Redemption, SourceState};
use crate::backoff::Backoff;
use crate::registry::Registry;
use crate::server::{Server, ServerError};
use crate::settings::Limits;
use crate::shell::Visitors;
use crate::source::Prepared;
use crate::stage::Ending;

/// The least characters of a session key: 32 random bytes in any usual notation.
const MIN_SESSION: usize = 40;
/// The most characters of a session key.
const MAX_SESSION: usize = 256;

/// What the handlers share.
pub(crate) struct AgentContext {
    pub(crate) registry: Arc<Registry>,
    pub(crate) server: Server,
    /// Who wants a shell where a step has failed.
    pub(crate) visitors: Option<Visitors>,
    pub(crate) limits: Limits,
    pub(crate) log: Logger,
}

/// The running server; it stops when dropped.
pub(crate) type AgentServer = HttpServer<Arc<AgentContext>>;

/// Starts to serve guests at this address.
///
/// # Errors
///
/// If the address cannot be listened on.
pub(crate) fn serve(context: AgentContext, address: SocketAddr) -> Result<AgentServer, BuildError> {
    // Dropshot has a line for each request; those of guests are too many.
    let quiet = slog::LevelFilter::new(context.log.clone(), slog::Level::Warning);
    let log = Logger::root(quiet.fuse(), slog::o!());
    ServerBuilder::new(description(), Arc::new(context), log)
        .config(ConfigDropshot {
            bind_address: address,
            // Each endpoint states its own.
            default_request_body_max_bytes: 1024,
            // A batch that the server has must be noted even if its guest is gone.
            default_handler_task_mode: HandlerTaskMode::Detached,
            ..ConfigDropshot::default()
        })
        .start()
}

fn description() -> ApiDescription<Arc<AgentContext>> {
    agent_api_mod::api_description::<Guests>().expect("the trait is a valid API")
}

/// The implementation; its state is in the context.
enum Guests {}

impl AgentApi for Guests {
    type Context = Arc<AgentContext>;

    async fn agent_redeem(
        rqctx: RequestContext<Self::Context>,
        body: TypedBody<Redeem>,
    ) -> Result<HttpResponseOk<Redeemed>, HttpError> {
        rqctx.context().redeem(body.into_inner()).await.map(HttpResponseOk)
    }

    async fn agent_source(
        rqctx: RequestContext<Self::Context>,
    ) -> Result<Response<Body>, HttpError> {
        let (context, attempt) = (rqctx.context(), rqctx.context().caller(&rqctx)?);
        let prepared = context.source(&attempt).await?;
        archive(Pieces::of_file(prepared, attempt))
    }

    async fn agent_inputs(
        rqctx: RequestContext<Self::Context>,
    ) -> Result<Response<Body>, HttpError> {
        let attempt = rqctx.context().caller(&rqctx)?;
        archive(rqctx.context().inputs(attempt).await?)
    }

    async fn agent_artifact(
        rqctx: RequestContext<Self::Context>,
        path: Path<ArtifactIndex>,
        query: Query<ArtifactName>,
        body: StreamingBody,
    ) -> Result<HttpResponseOk<ArtifactStored>, HttpError> {
        let attempt = rqctx.context().caller(&rqctx)?;
        let headers = rqctx.request.headers();
        let bytes = match headers.get(header::CONTENT_LENGTH) {
            Some(length) => length.to_str().ok().and_then(|length| length.parse().ok()),
            // Without either header there is no body (RFC 9112, section 6.3).
            None => (!headers.contains_key(header::TRANSFER_ENCODING)).then_some(0),
        };
        let (index, path) = (path.into_inner().index, query.into_inner().path);
        let announced = Announced { index, path, bytes };
        rqctx.context().artifact(&attempt, announced, body).await.map(HttpResponseOk)
    }

    async fn agent_shell_input(
        rqctx: RequestContext<Self::Context>,
    ) -> Result<Response<Body>, HttpError> {
        let (context, attempt) = (rqctx.context(), rqctx.context().caller(&rqctx)?);
        let visitors = context.visitors.as_ref().ok_or_else(nobody)?;
        let job = attempt.assignment.spec.name.clone();
        let typed = visitors.begin(attempt.id(), job).await.ok_or_else(nobody)?;
        Ok(Response::new(Body::wrap(typed)))
    }

    async fn agent_shell_output(
        rqctx: RequestContext<Self::Context>,
        body: StreamingBody,
    ) -> Result<HttpResponseUpdatedNoContent, HttpError> {
        let (context, attempt) = (rqctx.context(), rqctx.context().caller(&rqctx)?);
        let output = context.visitors.as_ref().and_then(|it| it.output(attempt.id()));
        let output = output.ok_or_else(nobody)?;
        let pieces = body.into_stream();
        tokio::pin!(pieces);
        while let Some(piece) = pieces.next().await {
            if output.send(piece?).await.is_err() {
                break;
            }
        }
        Ok(HttpResponseUpdatedNoContent())
    }

    async fn agent_records(
        rqctx: RequestContext<Self::Context>,
        body: TypedBody<RecordBatch>,
    ) -> Result<HttpResponseOk<RecordsAccepted>, HttpError> {
        let attempt = rqctx.context().caller(&rqctx)?;
        rqctx.context().records(&attempt, body.into_inner()).await.map(HttpResponseOk)
    }
}

impl AgentContext {
    /// The attempt whose agent calls.
    fn caller(&self, rqctx: &RequestContext<Arc<Self>>) -> Result<Arc<Attempt>, HttpError> {
        let value = rqctx.request.headers().get(header::AUTHORIZATION);
        let secret = value.and_then(|it| it.to_str().ok()?.strip_prefix("Bearer "));
        let session = Token::from_text(secret.unwrap_or_default());
        self.registry.by_session(&session).ok_or_else(|| {
            refusal(ClientErrorStatusCode::UNAUTHORIZED, "unknown_session", "no such session")
        })
    }

    async fn redeem(&self, body: Redeem) -> Result<Redeemed, HttpError> {
        let Redeem { token, session } = body;
        check_session(&session)?;
        let attempt = self.registry.by_token(&token).ok_or_else(|| {
            refusal(ClientErrorStatusCode::UNAUTHORIZED, "unknown_token", "no such token")
        })?;
        let redeemed = attempt.redeem(&session).await.map_err(|error| {
            warn!(self.log, "cannot write the ledger"; keys::ERROR => chain(&error));
            HttpError::for_unavail(None, "the session cannot be written down".to_owned())
        })?;
        let next_seq = match redeemed {
            Redemption::First => 1,
            Redemption::Again => self.next_seq(&attempt).await?,
            Redemption::Over => return Err(over()),
            Redemption::Refused => {
                let message = "the token has been redeemed";
                return Err(refusal(ClientErrorStatusCode::FORBIDDEN, "token_used", message));
            }
        };
        Ok(Redeemed {
            spec: attempt.assignment.spec.clone(),
            next_seq,
            has_inputs: attempt.assignment.has_inputs,
            log_limit_bytes: self.limits.log_bytes,
            shell_on_failure: self.visitors.is_some(),
        })
    }

    /// The first number that the server lacks. Asked for anew, by an empty
    /// batch: what an earlier orchestrator forwarded is known only there.
    async fn next_seq(&self, attempt: &Attempt) -> Result<u64, HttpError> {
        let empty = RecordBatch { records: Vec::new() };
        let asking = self.until_durable(attempt, &empty, None);
        let accepted = match timeout(self.limits.forward, asking).await {
            Err(_) => return Err(server_away()),
            // A server that does not take the question: what was forwarded here
            // is right for an agent whose first answer was lost.
            Ok(Err(ServerError::Refused { .. })) => {
                return Ok(attempt.forward.lock().await.unwrap_or(0) + 1);
            }
            Ok(Err(error)) => self.translate(attempt, error).await?,
            Ok(Ok(accepted)) => accepted,
        };
        if accepted.stop { Err(over()) } else { Ok(accepted.durable_seq + 1) }
    }

    async fn source(&self, attempt: &Attempt) -> Result<Arc<Prepared>, HttpError> {
        let _permit = permit(attempt)?;
        attempt.ask_for_source();
        let mut states = attempt.source.subscribe();
        let ready = async {
            let state = states.wait_for(|state| match state {
                SourceState::Ready(_) | SourceState::Failed => true,
                SourceState::Idle | SourceState::Asked | SourceState::Fetched(_) => false,
            });
            state.await.expect("the attempt holds the sender").clone()
        };
        let waited = tokio::select! {
            waited = timeout(self.limits.source_wait, ready) => waited,
            () = attempt.over() => return Err(over()),
        };
        match waited {
            Ok(SourceState::Ready(prepared)) => Ok(prepared),
            Ok(_) => Err(over()),
            Err(_) => Err(HttpError::for_unavail(
                Some("source_not_ready".to_owned()),
                "the source is being fetched".to_owned(),
            )),
        }
    }

    async fn records(
        &self,
        attempt: &Attempt,
        batch: RecordBatch,
    ) -> Result<RecordsAccepted, HttpError> {
        let _permit = permit(attempt)?;
        let screened = screen(&attempt.assignment.spec, &batch).map_err(|refused| {
            debug!(self.log, "an agent's records are refused";
                keys::ATTEMPT => attempt.id().to_string(), keys::ERROR => chain(&refused));
            HttpError::for_bad_request(Some("bad_records".to_owned()), refused.to_string())
        })?;
        self.forward(attempt, &batch, screened).await
    }

    /// Hands a batch to the server, and tries again for as long as a request may wait.
    async fn forward(
        &self,
        attempt: &Attempt,
        batch: &RecordBatch,
        screened: Option<Screened>,
    ) -> Result<RecordsAccepted, HttpError> {
        let durable = self.until_durable(attempt, batch, screened);
        match timeout(self.limits.forward, durable).await {
            Ok(Ok(accepted)) => Ok(accepted),
            Ok(Err(error)) => self.translate(attempt, error).await,
            Err(_) => {
                attempt.heard(false);
                Err(server_away())
            }
        }
    }

    async fn until_durable(
        &self,
        attempt: &Attempt,
        batch: &RecordBatch,
        screened: Option<Screened>,
    ) -> Result<RecordsAccepted, ServerError> {
        attempt.informed().await;
        if screened.is_some_and(|it| it.steps) {
            attempt.stepped().await;
        }
        let mut durable = attempt.forward.lock().await;
        let mut backoff = Backoff::new(self.limits.retry_min, self.limits.retry_max);
        loop {
            if attempt.stage().is_over() {
                return Ok(RecordsAccepted { durable_seq: durable.unwrap_or(0), stop: true });
            }
            match self.server.records(attempt.id(), batch).await {
                Ok(mut accepted) => {
                    attempt.heard(true);
                    let before = durable.replace(accepted.durable_seq).unwrap_or(0);
                    let new = logged_bytes(&batch.records, before, accepted.durable_seq);
                    let logged = attempt.note_output(new);
                    attempt.note_records(&batch.records, before, accepted.durable_seq);
                    // Before the lock is let go: whoever waits for it sees the end.
                    self.conclude(attempt, &accepted, screened, logged).await;
                    accepted.stop |= attempt.stage().is_over();
                    return Ok(accepted);
                }
                Err(ServerError::Away { .. } | ServerError::Unauthorized { .. }) => {
                    attempt.heard(false);
                    sleep(backoff.pause()).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Notes the end of an attempt, if this was it.
    async fn conclude(
        &self,
        attempt: &Attempt,
        accepted: &RecordsAccepted,
        screened: Option<Screened>,
        logged: u64,
    ) {
        let limit = self.limits.log_bytes;
        match screened.and_then(|it| it.finished) {
            Some(seq) if seq <= accepted.durable_seq => attempt.end(Ending::Finished).await,
            _ if accepted.stop => attempt.end(Ending::Unwanted).await,
            _ if logged > most_logged(limit) => {
                let why = format!(
                    "the agent sent {logged} bytes of output, though {limit} is the limit that it \
                     was told"
                );
                attempt.end(Ending::Lost { why }).await;
            }
            _ => {}
        }
    }

    async fn translate(
        &self,
        attempt: &Attempt,
        error: ServerError,
    ) -> Result<RecordsAccepted, HttpError> {
        match error {
            ServerError::Over => {
                attempt.end(Ending::Unwanted).await;
                let durable_seq = attempt.forward.lock().await.unwrap_or(0);
                Ok(RecordsAccepted { durable_seq, stop: true })
            }
            ServerError::Gap { why } => {
                Err(refusal(ClientErrorStatusCode::CONFLICT, codes::RECORD_GAP, &why))
            }
            error => {
                warn!(self.log, "the server refuses records";
                    keys::ATTEMPT => attempt.id().to_string(), keys::ERROR => chain(&error));
                let why = "the server does not take these records".to_owned();
                Err(HttpError::for_bad_request(Some("bad_records".to_owned()), why))
            }
        }
    }
}

/// An answer with an archive.
fn archive(body: Pieces) -> Result<Response<Body>, HttpError> {
    Response::builder()
        .status(StatusCode::OK)
        .header(header::CONTENT_TYPE, "application/zstd")
        .body(Body::wrap(body))
        .map_err(|error| HttpError::for_internal_error(error.to_string()))
}

fn check_session(session: &Token) -> Result<(), HttpError> {
    let secret = session.secret();
    let fits = (MIN_SESSION..=MAX_SESSION).contains(&secret.len());
    if fits && secret.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    let message =
        format!("a session key has {MIN_SESSION} to {MAX_SESSION} printable ASCII characters");
    Err(HttpError::for_bad_request(Some("bad_session".to_owned()), message))
}

/// One of the requests that a guest may have under way.
fn permit(attempt: &Attempt) -> Result<SemaphorePermit<'_>, HttpError> {
    attempt.requests.try_acquire().map_err(|_| {
        let message = "too many requests at once";
        refusal(ClientErrorStatusCode::TOO_MANY_REQUESTS, "too_many_requests", message)
    })
}

/// There is no person who wants a shell.
fn nobody() -> HttpError {
    refusal(ClientErrorStatusCode::NOT_FOUND, "nobody", "nobody asked for a shell")
}

/// The agent tries again.
fn server_away() -> HttpError {
    let why = "the server has not answered in time".to_owned();
    HttpError::for_unavail(Some("server_away".to_owned()), why)
}

fn over() -> HttpError {
    refusal(ClientErrorStatusCode::GONE, codes::ATTEMPT_OVER, "the attempt is over")
}

fn refusal(status: ClientErrorStatusCode, code: &str, message: &str) -> HttpError {
    HttpError::for_client_error(Some(code.to_owned()), status, message.to_owned())
}
