//! A host for the agent to talk to: the real contract (`AgentApi` on Dropshot),
//! strict about it, behind a wire that a test can cut.
//!
//! The wire is a TCP proxy. It stays when the server behind it goes away and
//! comes back, as a host's address does.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use dropshot::{
    Body, ClientErrorStatusCode, ConfigDropshot, HttpError, HttpResponseOk,
    HttpResponseUpdatedNoContent, HttpServer, Path as At, Query, RequestContext, ServerBuilder,
    StreamingBody, TypedBody,
};
use futures::{StreamExt as _, TryStreamExt as _};
use http::Response;
use http_body_util::StreamBody;
use hyper::body::Frame;
use solstice_api::agent::{
    AgentApi, ArtifactIndex, ArtifactName, ArtifactStored, DEFAULT_LOG_LIMIT_BYTES, RecordBatch,
    RecordsAccepted, Redeem, Redeemed, agent_api_mod,
};
use solstice_model::record::{MAX_BATCH_BYTES, MAX_BATCH_RECORDS, MAX_CHUNK_BYTES};
use solstice_model::{
    AgentVerdict, ArtifactRule, Exit, JobSpec, Record, RecordBody, Sha256Digest, StepSpec,
    StepWhen, Stream, Token,
};

/// How the server answers the next records.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// With this status, having stored nothing.
    Status(u16),
    /// With 503 and this code.
    Code(&'static str),
    /// With a digest that is not the artifact's.
    Garbled,
    /// As it should, but only after this time.
    Late(Duration),
}

/// What the server keeps over its own restarts.
#[derive(Debug)]
pub(crate) struct Shared {
    spec: JobSpec,
    token: Token,
    source: Mutex<VecDeque<Vec<u8>>>,
    /// The inputs, if there are any.
    pub(crate) inputs: Mutex<Option<Vec<u8>>>,
    /// How many bytes of output are taken.
    pub(crate) log_limit: AtomicU64,
    /// Name and content of each artifact.
    pub(crate) artifacts: Mutex<BTreeMap<u32, (String, Vec<u8>)>>,
    /// Answers to requests for the source, and to artifacts.
    pub(crate) source_answers: Mutex<VecDeque<Answer>>,
    pub(crate) artifact_answers: Mutex<VecDeque<Answer>>,
    /// What a person types who wants a shell, once; nothing if nobody does.
    pub(crate) typed: Mutex<Option<Vec<u8>>>,
    /// What the shell printed.
    pub(crate) printed: Mutex<Vec<u8>>,
    session: Mutex<Option<Token>>,
    durable: Mutex<Vec<Record>>,
    /// Answers to be given before the server behaves again.
    answers: Mutex<VecDeque<Answer>>,
    /// Statuses for redeem requests before the server behaves again.
    redeem_answers: Mutex<VecDeque<u16>>,
    /// How many redundant records arrived: proof that something was resent.
    doubles: AtomicU64,
    /// Whether answers tell the agent to stop.
    stop: std::sync::atomic::AtomicBool,
}

/// The contract, implemented over [`Shared`].
enum Contract {}

impl AgentApi for Contract {
    type Context = Arc<Shared>;

    async fn agent_redeem(
        rqctx: RequestContext<Self::Context>,
        body: TypedBody<Redeem>,
    ) -> Result<HttpResponseOk<Redeemed>, HttpError> {
        let shared = rqctx.context();
        let Redeem { token, session } = body.into_inner();
        if let Some(status) = shared.redeem_answers.lock().unwrap().pop_front() {
            return Err(refusal(status));
        }
        if !shared.token.hash().matches(&token) {
            return Err(refusal(401));
        }
        let mut known = shared.session.lock().unwrap();
        match &*known {
            Some(first) if !first.hash().matches(&session) => return Err(refusal(403)),
            _ => *known = Some(session),
        }
        Ok(HttpResponseOk(Redeemed {
            spec: shared.spec.clone(),
            next_seq: 1,
            has_inputs: shared.inputs.lock().unwrap().is_some(),
            log_limit_bytes: shared.log_limit.load(Ordering::SeqCst),
            shell_on_failure: shared.typed.lock().unwrap().is_some(),
        }))
    }

    async fn agent_source(
        rqctx: RequestContext<Self::Context>,
    ) -> Result<Response<Body>, HttpError> {
        let shared = rqctx.context();
        check_session(&rqctx)?;
        let answer = shared.source_answers.lock().unwrap().pop_front();
        give(answer).await?;
        let mut sources = shared.source.lock().unwrap();
        let source =
            if sources.len() > 1 { sources.pop_front().unwrap() } else { sources[0].clone() };
        Ok(Response::new(Body::from(source)))
    }

    async fn agent_inputs(
        rqctx: RequestContext<Self::Context>,
    ) -> Result<Response<Body>, HttpError> {
        check_session(&rqctx)?;
        let inputs = rqctx.context().inputs.lock().unwrap().clone();
        inputs.map(|inputs| Response::new(Body::from(inputs))).ok_or_else(|| refusal(404))
    }

    async fn agent_artifact(
        rqctx: RequestContext<Self::Context>,
        path: At<ArtifactIndex>,
        query: Query<ArtifactName>,
        body: StreamingBody,
    ) -> Result<HttpResponseOk<ArtifactStored>, HttpError> {
        let shared = rqctx.context();
        check_session(&rqctx)?;
        let answer = shared.artifact_answers.lock().unwrap().pop_front();
        give(answer).await?;
        let mut content = Vec::new();
        let mut pieces = std::pin::pin!(body.into_stream());
        while let Some(piece) = pieces.try_next().await? {
            content.extend_from_slice(&piece);
        }
        let mut stored =
            ArtifactStored { bytes: content.len() as u64, sha256: Sha256Digest::of(&content) };
        if let Some(Answer::Garbled) = answer {
            stored.sha256 = Sha256Digest::of(b"other");
        }
        let (index, name) = (path.into_inner().index, query.into_inner().path);
        shared.artifacts.lock().unwrap().insert(index, (name, content));
        Ok(HttpResponseOk(stored))
    }

    async fn agent_shell_input(
        rqctx: RequestContext<Arc<Shared>>,
    ) -> Result<Response<Body>, HttpError> {
        let typed = rqctx.context().typed.lock().unwrap().take();
        let typed = typed.ok_or_else(|| HttpError::for_not_found(None, "nobody".to_owned()))?;
        // As with a person, the stream goes on when nothing is typed any more.
        let first =
            futures::stream::iter([Ok::<_, std::io::Error>(Frame::data(Bytes::from(typed)))]);
        let body = StreamBody::new(first.chain(futures::stream::pending()));
        Ok(Response::new(Body::wrap(body)))
    }

    async fn agent_shell_output(
        rqctx: RequestContext<Arc<Shared>>,
        body: StreamingBody,
    ) -> Result<HttpResponseUpdatedNoContent, HttpError> {
        let pieces = body.into_stream();
        tokio::pin!(pieces);
        while let Some(piece) = pieces.try_next().await? {
            rqctx.context().printed.lock().unwrap().extend_from_slice(&piece);
        }
        Ok(HttpResponseUpdatedNoContent())
    }

    async fn agent_records(
        rqctx: RequestContext<Self::Context>,
        body: TypedBody<RecordBatch>,
    ) -> Result<HttpResponseOk<RecordsAccepted>, HttpError> {
        let shared = rqctx.context();
        check_session(&rqctx)?;
        let answer = shared.answers.lock().unwrap().pop_front();
        give(answer).await?;
        let records = body.into_inner().records;
        check_batch(&records);
        let durable_seq = shared.store(records)?;
        let stop = shared.stop.load(Ordering::SeqCst);
        Ok(HttpResponseOk(RecordsAccepted { durable_seq, stop }))
    }
}

impl Shared {
    fn store(&self, records: Vec<Record>) -> Result<u64, HttpError> {
        let mut durable = self.durable.lock().unwrap();
        for record in records {
            let have = durable.len() as u64;
            if record.seq > have + 1 {
                return Err(refusal(409));
            }
            if record.seq <= have {
                let index = usize::try_from(record.seq).unwrap() - 1;
                assert_eq!(durable[index], record, "a record changed when it was sent again");
                self.doubles.fetch_add(1, Ordering::SeqCst);
                continue;
            }
            durable.push(record);
        }
        Ok(durable.len() as u64)
    }
}

/// Gives an answer that is not as it should be.
async fn give(answer: Option<Answer>) -> Result<(), HttpError> {
    match answer {
        Some(Answer::Status(status)) => Err(refusal(status)),
        Some(Answer::Code(code)) => {
            Err(HttpError::for_unavail(Some(code.to_owned()), "not yet".to_owned()))
        }
        Some(Answer::Late(time)) => {
            tokio::time::sleep(time).await;
            Ok(())
        }
        Some(Answer::Garbled) | None => Ok(()),
    }
}

fn check_session(rqctx: &RequestContext<Arc<Shared>>) -> Result<(), HttpError> {
    let header = rqctx.request.headers().get("authorization");
    let given = header.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let known = rqctx.context().session.lock().unwrap();
    match (&*known, given) {
        (Some(known), Some(given)) if known.hash().matches(&Token::from_text(given)) => Ok(()),
        _ => Err(refusal(401)),
    }
}

/// The contract's bounds; a breach fails the test through the agent's 400.
fn check_batch(records: &[Record]) {
    let bytes: usize = records
        .iter()
        .map(|record| match &record.body {
            RecordBody::Output { chunk, .. } => {
                assert!(chunk.0.len() <= MAX_CHUNK_BYTES);
                assert!(!chunk.0.contains(&b'\n'));
                chunk.0.len()
            }
            _ => 0,
        })
        .sum();
    assert!(!records.is_empty() && records.len() <= MAX_BATCH_RECORDS && bytes <= MAX_BATCH_BYTES);
}

fn refusal(status: u16) -> HttpError {
    match ClientErrorStatusCode::from_u16(status) {
        Ok(status) => HttpError::for_client_error(None, status, "refused by the test".to_owned()),
        Err(_) => HttpError::for_unavail(None, "refused by the test".to_owned()),
    }
}

/// The proxy between agent and server.
struct Wire {
    address: SocketAddr,
    /// Where connections go; none while the server is down.
    target: Mutex<Option<SocketAddr>>,
    /// Of so many answers, one is read and thrown away with its connection; 0 is never.
    cut_one_in: AtomicU32,
    answers: AtomicU32,
}

impl Wire {
    fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let wire = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            target: Mutex::new(None),
            cut_one_in: AtomicU32::new(0),
            answers: AtomicU32::new(0),
        });
        let accepting = Arc::clone(&wire);
        std::thread::spawn(move || {
            for agent in listener.incoming().flatten() {
                let wire = Arc::clone(&accepting);
                std::thread::spawn(move || wire.connect(agent));
            }
        });
        wire
    }

    fn connect(&self, agent: TcpStream) {
        let target = *self.target.lock().unwrap();
        // Dropping the agent's end is what a dead host looks like.
        let Some(Ok(server)) = target.map(TcpStream::connect) else { return };
        std::thread::scope(|scope| {
            scope.spawn(|| pass(&agent, &server, || false));
            pass(&server, &agent, || self.cuts());
            let _ = agent.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        });
    }

    fn cuts(&self) -> bool {
        let one_in = self.cut_one_in.load(Ordering::SeqCst);
        one_in != 0 && self.answers.fetch_add(1, Ordering::SeqCst) % one_in == one_in - 1
    }
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, cuts: impl Fn() -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read) = from.read(&mut buffer) {
        if read == 0 || cuts() || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// A host with one job.
pub(crate) struct Host {
    runtime: tokio::runtime::Runtime,
    pub(crate) shared: Arc<Shared>,
    wire: Arc<Wire>,
    server: Option<HttpServer<Arc<Shared>>>,
    pub(crate) work: tempfile::TempDir,
}

/// How an agent ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) success: bool,
    pub(crate) console: String,
    pub(crate) took: Duration,
}

impl Host {
    /// A host that has this job with this source.
    pub(crate) fn new(spec: JobSpec, source: Vec<u8>) -> Self {
        let shared = Arc::new(Shared {
            spec,
            token: Token::generate(),
            source: Mutex::new([source].into()),
            inputs: Mutex::default(),
            log_limit: DEFAULT_LOG_LIMIT_BYTES.into(),
            artifacts: Mutex::default(),
            source_answers: Mutex::default(),
            artifact_answers: Mutex::default(),
            typed: Mutex::default(),
            printed: Mutex::default(),
            session: Mutex::default(),
            durable: Mutex::default(),
            answers: Mutex::default(),
            redeem_answers: Mutex::default(),
            doubles: AtomicU64::new(0),
            stop: false.into(),
        });
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let work = tempfile::tempdir().unwrap();
        let mut host = Self { runtime, shared, wire: Wire::start(), server: None, work };
        host.up();
        host
    }

    /// Starts the server again.
    pub(crate) fn up(&mut self) {
        let config = ConfigDropshot {
            bind_address: "127.0.0.1:0".parse().unwrap(),
            ..ConfigDropshot::default()
        };
        let log = slog::Logger::root(slog::Discard, slog::o!());
        let api = agent_api_mod::api_description::<Contract>().unwrap();
        let _inside = self.runtime.enter();
        let server =
            ServerBuilder::new(api, Arc::clone(&self.shared), log).config(config).start().unwrap();
        *self.wire.target.lock().unwrap() = Some(server.local_addr());
        self.server = Some(server);
    }

    /// Takes the server down, connections and all.
    pub(crate) fn down(&mut self) {
        *self.wire.target.lock().unwrap() = None;
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.close()).unwrap();
        }
    }

    /// Throws away one answer in so many, together with its connection.
    pub(crate) fn cut_one_answer_in(&self, answers: u32) {
        self.wire.cut_one_in.store(answers, Ordering::SeqCst);
    }

    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.answers.lock().unwrap().extend(answers);
    }

    pub(crate) fn answer_redeem(&self, answers: impl IntoIterator<Item = u16>) {
        self.shared.redeem_answers.lock().unwrap().extend(answers);
    }

    /// Serves this once, before the right source.
    pub(crate) fn serve_first(&self, source: Vec<u8>) {
        self.shared.source.lock().unwrap().push_front(source);
    }

    pub(crate) fn tell_stop(&self) {
        self.shared.stop.store(true, Ordering::SeqCst);
    }

    /// Forgets the session: from now on every request is answered 401.
    pub(crate) fn revoke(&self) {
        *self.shared.session.lock().unwrap() = None;
    }

    pub(crate) fn doubles(&self) -> u64 {
        self.shared.doubles.load(Ordering::SeqCst)
    }

    pub(crate) fn durable(&self) -> Vec<Record> {
        self.shared.durable.lock().unwrap().clone()
    }

    /// Waits until a step has printed this line.
    pub(crate) fn wait_for_line(&self, line: &str) {
        let started = Instant::now();
        while !self.lines(Stream::Stdout).iter().any(|found| found == line) {
            assert!(started.elapsed() < Duration::from_secs(60), "never saw {line:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Where the host listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.wire.address
    }

    /// The job's single-use token.
    pub(crate) fn token(&self) -> &str {
        self.shared.token.secret()
    }

    /// Starts the agent with the right token.
    pub(crate) fn start_agent(&self) -> Agent {
        self.start_agent_with(self.token())
    }

    pub(crate) fn start_agent_with(&self, token: &str) -> Agent {
        let child = Command::new(env!("CARGO_BIN_EXE_solstice-agent"))
            .args(["--endpoint", &format!("http://{}", self.wire.address)])
            .args(["--token", token, "--work"])
            .arg(self.work.path().join("w"))
            .arg("--input")
            .arg(self.work.path().join("input"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Agent { child, started: Instant::now() }
    }

    /// Runs the agent to its end.
    pub(crate) fn run_agent(&self) -> Finished {
        self.start_agent().wait()
    }

    /// What the step printed on one stream, put together.
    pub(crate) fn output(&self, of: Stream) -> Vec<u8> {
        let mut bytes = Vec::new();
        for record in self.durable() {
            if let RecordBody::Output { stream, chunk, newline, .. } = record.body
                && stream == of
            {
                bytes.extend_from_slice(&chunk.0);
                bytes.extend(newline.then_some(b'\n'));
            }
        }
        bytes
    }

    pub(crate) fn lines(&self, of: Stream) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.output(of)).into_owned();
        text.lines().map(str::to_owned).collect()
    }

    /// The artifacts, by name; they are numbered without holes.
    pub(crate) fn artifacts(&self) -> BTreeMap<String, Vec<u8>> {
        let artifacts = self.shared.artifacts.lock().unwrap();
        assert!(artifacts.keys().copied().eq(0..u32::try_from(artifacts.len()).unwrap()));
        artifacts.values().cloned().collect()
    }

    /// What the agent had to say of its own.
    pub(crate) fn notes(&self) -> Vec<String> {
        let note = |record: Record| match record.body {
            RecordBody::Note { text } => Some(text),
            _ => None,
        };
        self.durable().into_iter().filter_map(note).collect()
    }

    /// The verdict, which must be the last record and the only one of its kind.
    pub(crate) fn verdict(&self) -> AgentVerdict {
        let records = self.durable();
        let verdicts = records.iter().filter(|r| matches!(r.body, RecordBody::Finished { .. }));
        assert_eq!(verdicts.count(), 1, "one verdict");
        match &records.last().unwrap().body {
            RecordBody::Finished { verdict } => verdict.clone(),
            other => panic!("the last record is {other:?}"),
        }
    }

    /// How a step ended.
    pub(crate) fn exit_of(&self, of: u32) -> Exit {
        let mut exits = self.durable().into_iter().filter_map(|record| match record.body {
            RecordBody::StepFinished { step, exit } if step == of => Some(exit),
            _ => None,
        });
        let exit = exits.next().expect("the step ended");
        assert_eq!(exits.next(), None, "a step ends once");
        exit
    }
}

/// A running agent; killed if the test forgets it.
pub(crate) struct Agent {
    child: Child,
    started: Instant,
}

impl Agent {
    /// Waits for its end, but not for ever.
    pub(crate) fn wait(mut self) -> Finished {
        let deadline = self.started + Duration::from_secs(120);
        let mut pipe = self.child.stdout.take().unwrap();
        let console = std::thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).map(|_| text)
        });
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > deadline => panic!("the agent does not end"),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let took = self.started.elapsed();
        let console = console.join().unwrap().unwrap();
        Finished { success: status.success(), console, took }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A job of these scripts.
pub(crate) fn job(scripts: &[&str]) -> JobSpec {
    JobSpec {
        name: "build".parse().unwrap(),
        runs_on: "linux".parse().unwrap(),
        needs: Vec::new(),
        env: BTreeMap::from([("CI".to_owned(), "true".to_owned())]),
        timeout_s: 60,
        steps: scripts.iter().map(|script| step(script)).collect(),
        matrix: None,
        size: None,
        unmet: None,
        retries: 0,
        continue_on_error: false,
        priority: 0,
        artifacts: Vec::new(),
    }
}

pub(crate) fn step(script: &str) -> StepSpec {
    StepSpec {
        name: "step".to_owned(),
        run: script.to_owned(),
        shell: vec!["/bin/sh".to_owned(), "-e".to_owned()],
        working_dir: None,
        env: BTreeMap::new(),
        timeout_s: None,
        when: StepWhen::OnSuccess,
        continue_on_error: false,
        retries: 0,
    }
}

/// A rule for this pattern.
pub(crate) fn rule(pattern: &str) -> ArtifactRule {
    let pattern = pattern.to_owned();
    ArtifactRule { pattern, exclude: Vec::new(), required: false, may_change: false, junit: false }
}

/// A packed source of these files.
pub(crate) fn source(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, data) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o755);
        archive.append_data(&mut header, Path::new(name), *data).unwrap();
    }
    zstd::encode_all(&archive.into_inner().unwrap()[..], 1).unwrap()
}

/// A source with nothing of interest in it.
pub(crate) fn no_source() -> Vec<u8> {
    source(&[("README", b"nothing\n")])
}

/// Runs one job of these scripts to its end.
pub(crate) fn run(scripts: &[&str]) -> Host {
    let host = Host::new(job(scripts), no_source());
    let end = host.run_agent();
    assert!(end.success, "{}", end.console);
    host
}
