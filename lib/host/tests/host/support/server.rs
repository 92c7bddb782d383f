//! The server, strict: it does what the contract says, and complains about an
//! orchestrator that does not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use dropshot::{
    Body, ClientErrorStatusCode, ConfigDropshot, HttpError, HttpResponseOk,
    HttpResponseUpdatedNoContent, HttpServer, Path, Query, RequestContext, ServerBuilder,
    StreamingBody, TypedBody, UntypedBody,
};
use futures::TryStreamExt as _;
use http::Response;
use slog::{Discard, Logger, o};
use solstice_api::agent::{ArtifactName, ArtifactStored, RecordBatch, RecordsAccepted};
use solstice_api::host::{
    AttemptArtifactPath, AttemptPath, FetchCredential, HostApi, HostReport, SyncRequest,
    SyncResponse, codes, host_api_mod,
};
use solstice_model::{Assignment, AttemptId, HostName, Record, RecordBody, Sha256Digest, Token};
use tokio::sync::watch;
use url::Url;

/// What the server knows of one attempt.
#[derive(Debug, Default)]
pub(crate) struct Attempt {
    pub(crate) reports: Vec<HostReport>,
    pub(crate) records: Vec<Record>,
    pub(crate) console: Option<Vec<u8>>,
    /// Name, size and digest of each artifact.
    pub(crate) artifacts: BTreeMap<u32, (String, ArtifactStored)>,
    pub(crate) over: bool,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) attempts: BTreeMap<AttemptId, Attempt>,
    pub(crate) syncs: Vec<SyncRequest>,
    /// Whether every request is answered with 503.
    pub(crate) away: bool,
    /// Records are refused as if the store were busy, this often.
    pub(crate) busy: u32,
    /// Whether it does not take the question how many records it has.
    pub(crate) refuses_empty_batches: bool,
    /// With what the next artifacts are refused: status and code.
    pub(crate) artifact_refusals: VecDeque<(u16, &'static str)>,
    /// What the needed jobs have left.
    pub(crate) inputs: Vec<u8>,
    /// How many syncs wait for news.
    pub(crate) waiting: u32,
    queue: VecDeque<Assignment>,
    wanted: BTreeMap<AttemptId, Assignment>,
    capacity: u32,
    complaints: Vec<String>,
}

struct Inner {
    /// Guards all that the server knows; never held across an await.
    state: Mutex<State>,
    changes: watch::Sender<u64>,
    host: HostName,
    /// Guards the one token that is taken.
    token: Mutex<Token>,
}

/// Clones are the same server.
#[derive(Clone)]
pub(crate) struct FakeServer {
    inner: Arc<Inner>,
    http: Arc<HttpServer<Arc<Inner>>>,
}

impl State {
    pub(crate) fn of(&self, id: AttemptId) -> Option<&Attempt> {
        self.attempts.get(&id)
    }

    /// Whether the host's last word was that it is empty.
    pub(crate) fn offers_all_of_its_room(&self) -> Option<()> {
        let last = self.syncs.last()?;
        let all = last.room == self.capacity && last.known.is_empty();
        (all && self.waiting > 0).then_some(())
    }

    fn complain(&mut self, what: String) {
        self.complaints.push(what);
    }

    /// Gives out what fits the host's offers.
    fn claim(&mut self, request: &SyncRequest) {
        let known: BTreeSet<_> = request.known.iter().copied().collect();
        let unseen = self.wanted.keys().filter(|id| !known.contains(id)).count();
        let mut room = usize::try_from(request.room).unwrap().saturating_sub(unseen);
        let labels: BTreeSet<_> = request
            .offers
            .iter()
            .filter(|offer| offer.room > 0)
            .flat_map(|offer| offer.labels.clone())
            .collect();
        for _ in 0..self.queue.len() {
            let Some(next) = self.queue.pop_front() else { break };
            if room > 0 && labels.contains(&next.spec.runs_on) {
                room -= 1;
                self.wanted.insert(next.attempt, next);
            } else {
                self.queue.push_back(next);
            }
        }
        let most = usize::try_from(self.capacity).unwrap();
        if self.wanted.len() > most {
            self.complain(format!("the host took {} jobs", self.wanted.len()));
        }
    }

    fn end(&mut self, id: AttemptId) {
        self.wanted.remove(&id);
        self.attempts.entry(id).or_default().over = true;
    }
}

impl FakeServer {
    pub(crate) fn start(host: &HostName, capacity: u32) -> Self {
        let inner = Arc::new(Inner {
            state: Mutex::new(State { capacity, ..State::default() }),
            changes: watch::Sender::new(0),
            host: host.clone(),
            token: Mutex::new(Token::generate()),
        });
        let api = host_api_mod::api_description::<Server>().unwrap();
        let http = ServerBuilder::new(api, inner.clone(), Logger::root(Discard, o!()))
            .config(ConfigDropshot::default())
            .start()
            .unwrap();
        Self { inner, http: Arc::new(http) }
    }

    pub(crate) fn url(&self) -> Url {
        format!("http://{}", self.http.local_addr()).parse().unwrap()
    }

    pub(crate) fn token(&self) -> Token {
        self.inner.token.lock().unwrap().clone()
    }

    /// Takes the host's token no longer; returns it.
    pub(crate) fn forget_token(&self) -> Token {
        std::mem::replace(&mut *self.inner.token.lock().unwrap(), Token::generate())
    }

    pub(crate) fn remember_token(&self, token: Token) {
        *self.inner.token.lock().unwrap() = token;
    }

    /// Changes what the server knows, and wakes who waits.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.inner.state());
        self.inner.changed();
        changed
    }

    pub(crate) fn submit(&self, assignment: Assignment) {
        self.change(|state| state.queue.push_back(assignment));
    }

    /// Claims a job without the host having heard of it, as a lost answer does.
    pub(crate) fn claim_silently(&self, assignment: Assignment) {
        self.change(|state| state.wanted.insert(assignment.attempt, assignment));
    }

    pub(crate) fn cancel(&self, id: AttemptId) {
        self.change(|state| state.end(id));
    }

    /// Goes away, or comes back.
    pub(crate) fn set_away(&self, away: bool) {
        self.change(|state| state.away = away);
    }

    /// Waits until `look` finds something.
    pub(crate) async fn until<T>(&self, what: &str, look: impl Fn(&State) -> Option<T>) -> T {
        let mut changes = self.inner.changes.subscribe();
        let found = async {
            loop {
                changes.mark_unchanged();
                if let Some(found) = look(&self.inner.state()) {
                    return found;
                }
                changes.changed().await.unwrap();
            }
        };
        match tokio::time::timeout(super::BOUND, found).await {
            Ok(found) => found,
            Err(_) => panic!("{what} did not come; the server knows {:#?}", self.inner.state()),
        }
    }

    /// Waits until the attempt is over, and returns what was reported.
    pub(crate) async fn until_over(&self, id: AttemptId) -> Vec<HostReport> {
        let look = |state: &State| {
            state.of(id).filter(|attempt| attempt.over).map(|attempt| attempt.reports.clone())
        };
        self.until("the end of the attempt", look).await
    }

    /// Waits for a report of this kind.
    pub(crate) async fn until_reported(
        &self,
        id: AttemptId,
        is: impl Fn(&HostReport) -> bool,
    ) -> HostReport {
        let look = |state: &State| state.of(id)?.reports.iter().find(|it| is(it)).cloned();
        self.until("a report", look).await
    }

    pub(crate) async fn until_console(&self, id: AttemptId) -> String {
        let bytes = self.until("the console", |state| state.of(id)?.console.clone()).await;
        String::from_utf8(bytes).unwrap()
    }

    pub(crate) fn records(&self, id: AttemptId) -> Vec<RecordBody> {
        let state = self.inner.state();
        let records = state.of(id).map(|attempt| attempt.records.as_slice()).unwrap_or_default();
        assert!(records.iter().map(|it| it.seq).eq(1..=records.len() as u64), "{records:?}");
        records.iter().map(|record| record.body.clone()).collect()
    }

    pub(crate) fn assert_well_used(&self) {
        let complaints = self.inner.state().complaints.clone();
        assert!(complaints.is_empty(), "the fake server complains: {complaints:#?}");
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn enter(&self, rqctx: &RequestContext<Arc<Inner>>) -> Result<(), HttpError> {
        if self.state().away {
            return Err(HttpError::for_unavail(None, "away".to_owned()));
        }
        let expected = format!("Bearer {}", self.token.lock().unwrap().secret());
        let given = rqctx.request.headers().get("authorization");
        if given.is_some_and(|given| given.as_bytes() == expected.as_bytes()) {
            return Ok(());
        }
        let message = "no such token".to_owned();
        Err(HttpError::for_client_error(None, ClientErrorStatusCode::UNAUTHORIZED, message))
    }
}

fn over() -> HttpError {
    let code = Some(codes::ATTEMPT_OVER.to_owned());
    HttpError::for_client_error(code, ClientErrorStatusCode::GONE, "over".to_owned())
}

enum Server {}

impl HostApi for Server {
    type Context = Arc<Inner>;

    async fn host_sync(
        rqctx: RequestContext<Self::Context>,
        body: TypedBody<SyncRequest>,
    ) -> Result<HttpResponseOk<SyncResponse>, HttpError> {
        let (inner, request) = (rqctx.context(), body.into_inner());
        inner.enter(&rqctx)?;
        {
            let mut state = inner.state();
            if request.host != inner.host || request.wait_ms > 30_000 {
                state.complain(format!("a wrong sync: {request:?}"));
            }
            if request.offers.iter().any(|offer| offer.room > request.room) {
                state.complain(format!("an offer larger than the room: {request:?}"));
            }
            state.syncs.push(request.clone());
        }
        let round = inner.state().syncs.len();
        inner.changed();
        /// Counts a sync as waiting until it ends.
        struct Waiting<'a>(&'a Inner);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.state().waiting -= 1;
            }
        }
        inner.state().waiting += 1;
        let _counted = Waiting(inner);
        inner.changed();
        let known: BTreeSet<_> = request.known.iter().copied().collect();
        let mut changes = inner.changes.subscribe();
        let news = async {
            loop {
                changes.mark_unchanged();
                {
                    let mut state = inner.state();
                    // A newer sync of the host makes this one's offers stale.
                    if state.away || state.syncs.len() > round {
                        return;
                    }
                    state.claim(&request);
                    if !state.wanted.keys().eq(known.iter()) {
                        return;
                    }
                }
                changes.changed().await.unwrap();
            }
        };
        let _quiet =
            tokio::time::timeout(Duration::from_millis(request.wait_ms.into()), news).await;
        inner.enter(&rqctx)?;
        let wanted = inner.state().wanted.values().cloned().collect();
        Ok(HttpResponseOk(SyncResponse { wanted }))
    }

    async fn host_credential(
        rqctx: RequestContext<Self::Context>,
        _path: Path<AttemptPath>,
    ) -> Result<HttpResponseOk<FetchCredential>, HttpError> {
        let inner = rqctx.context();
        inner.enter(&rqctx)?;
        let code = Some(codes::NO_CREDENTIAL.to_owned());
        Err(HttpError::for_client_error(code, ClientErrorStatusCode::NOT_FOUND, "none".to_owned()))
    }

    async fn host_report(
        rqctx: RequestContext<Self::Context>,
        path: Path<AttemptPath>,
        body: TypedBody<HostReport>,
    ) -> Result<HttpResponseUpdatedNoContent, HttpError> {
        let (inner, id, report) = (rqctx.context(), path.into_inner().attempt, body.into_inner());
        inner.enter(&rqctx)?;
        let result = {
            let mut state = inner.state();
            if !state.wanted.contains_key(&id) {
                Err(over())
            } else {
                if matches!(report, HostReport::TimedOut { .. } | HostReport::Lost { .. }) {
                    state.end(id);
                }
                state.attempts.entry(id).or_default().reports.push(report);
                Ok(HttpResponseUpdatedNoContent())
            }
        };
        inner.changed();
        result
    }

    async fn host_records(
        rqctx: RequestContext<Self::Context>,
        path: Path<AttemptPath>,
        body: TypedBody<RecordBatch>,
    ) -> Result<HttpResponseOk<RecordsAccepted>, HttpError> {
        let (inner, id, batch) = (rqctx.context(), path.into_inner().attempt, body.into_inner());
        inner.enter(&rqctx)?;
        let result = {
            let mut state = inner.state();
            if state.busy > 0 {
                state.busy -= 1;
                return Err(HttpError::for_unavail(None, "busy".to_owned()));
            }
            take_records(&mut state, id, batch)
        };
        inner.changed();
        result.map(HttpResponseOk)
    }

    async fn host_inputs(
        rqctx: RequestContext<Self::Context>,
        _path: Path<AttemptPath>,
    ) -> Result<Response<Body>, HttpError> {
        rqctx.context().enter(&rqctx)?;
        let inputs = rqctx.context().state().inputs.clone();
        Ok(Response::new(Body::from(inputs)))
    }

    async fn host_artifact(
        rqctx: RequestContext<Self::Context>,
        path: Path<AttemptArtifactPath>,
        query: Query<ArtifactName>,
        body: StreamingBody,
    ) -> Result<HttpResponseOk<ArtifactStored>, HttpError> {
        use sha2::Digest as _;

        let inner = rqctx.context();
        inner.enter(&rqctx)?;
        let AttemptArtifactPath { attempt, index } = path.into_inner();
        let refusal = inner.state().artifact_refusals.pop_front();
        let (mut bytes, mut hash) = (0, sha2::Sha256::new());
        let mut pieces = std::pin::pin!(body.into_stream());
        while let Some(piece) = pieces.try_next().await? {
            bytes += piece.len() as u64;
            hash.update(&piece);
        }
        if let Some((status, code)) = refusal {
            return Err(HttpError {
                status_code: dropshot::ErrorStatusCode::from_u16(status).unwrap(),
                error_code: Some(code.to_owned()),
                external_message: "no more than a byte".to_owned(),
                internal_message: "no more than a byte".to_owned(),
                headers: None,
            });
        }
        if !inner.state().wanted.contains_key(&attempt) {
            return Err(over());
        }
        let sha256 = Sha256Digest::from_bytes(hash.finalize().into());
        let stored = ArtifactStored { bytes, sha256 };
        let name = query.into_inner().path;
        let mut state = inner.state();
        let artifacts = &mut state.attempts.entry(attempt).or_default().artifacts;
        artifacts.insert(index, (name, stored.clone()));
        drop(state);
        inner.changed();
        Ok(HttpResponseOk(stored))
    }

    async fn host_console(
        rqctx: RequestContext<Self::Context>,
        path: Path<AttemptPath>,
        body: UntypedBody,
    ) -> Result<HttpResponseUpdatedNoContent, HttpError> {
        let (inner, id) = (rqctx.context(), path.into_inner().attempt);
        inner.enter(&rqctx)?;
        inner.state().attempts.entry(id).or_default().console = Some(body.as_bytes().to_vec());
        inner.changed();
        Ok(HttpResponseUpdatedNoContent())
    }
}

fn take_records(
    state: &mut State,
    id: AttemptId,
    batch: RecordBatch,
) -> Result<RecordsAccepted, HttpError> {
    if !state.wanted.contains_key(&id) {
        return Err(over());
    }
    if batch.records.is_empty() && state.refuses_empty_batches {
        return Err(HttpError::for_bad_request(None, "no records".to_owned()));
    }
    let attempt = state.attempts.entry(id).or_default();
    for record in batch.records {
        let durable = attempt.records.len() as u64;
        if record.seq > durable + 1 {
            let code = Some(codes::RECORD_GAP.to_owned());
            let message = format!("{} after {durable}", record.seq);
            let status = ClientErrorStatusCode::CONFLICT;
            return Err(HttpError::for_client_error(code, status, message));
        }
        if record.seq == durable + 1 {
            attempt.records.push(record);
        }
    }
    let durable_seq = attempt.records.len() as u64;
    let last = attempt.records.last().map(|record| &record.body);
    let stop = matches!(last, Some(RecordBody::Finished { .. }));
    if stop {
        state.end(id);
    }
    Ok(RecordsAccepted { durable_seq, stop })
}
