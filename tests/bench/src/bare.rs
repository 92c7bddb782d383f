//! The same machine bare: QEMU as the product starts it, and an endpoint that
//! has one job for its agent, in this process.

use std::sync::Arc;
use std::time::Instant;

use camino::Utf8Path;
use dropshot::{
    Body, ConfigDropshot, HttpError, HttpResponseOk, HttpResponseUpdatedNoContent, HttpServer,
    Path, Query, RequestContext, ServerBuilder, StreamingBody, TypedBody,
};
use http::Response;
use slog::Logger;
use solstice_api::agent::{
    AgentApi, ArtifactIndex, ArtifactName, ArtifactStored, DEFAULT_LOG_LIMIT_BYTES, RecordBatch,
    RecordsAccepted, Redeem, Redeemed, agent_api_mod,
};
use solstice_host::ENDPOINT_FILE;
use solstice_hypervisor::{Hypervisor as _, MachineSpec};
use solstice_hypervisor_qemu::{QemuConfig, QemuHypervisor};
use solstice_image::{Lock, VerifiedImage};
use solstice_model::{JobSpec, RecordBody, Token, id::new_id};
use tokio::sync::watch;

use crate::{Failure, Run};

/// What the endpoint knows.
struct Endpoint {
    spec: JobSpec,
    source: Vec<u8>,
    /// When the first output came.
    output: watch::Sender<Option<Instant>>,
}

/// The bare machine's hypervisor and endpoint.
pub(crate) struct Bare {
    pub(crate) hypervisor: QemuHypervisor,
    pub(crate) image: VerifiedImage,
    output: watch::Receiver<Option<Instant>>,
    _endpoint: HttpServer<Arc<Endpoint>>,
}

impl Bare {
    /// Opens everything below a folder; no machine is started.
    pub(crate) async fn open(run: &Run, folder: &Utf8Path, spec: JobSpec) -> Result<Self, Failure> {
        let image = Lock::read(run.image.join("image.lock"))?.verify()?;
        let (output, seen) = watch::channel(None);
        let source = empty_archive()?;
        let api =
            agent_api_mod::api_description::<Agents>().map_err(|error| format!("{error:?}"))?;
        let log = Logger::root(slog::Discard, slog::o!());
        let config =
            ConfigDropshot { bind_address: "127.0.0.1:0".parse()?, ..ConfigDropshot::default() };
        let context = Arc::new(Endpoint { spec, source, output });
        let endpoint = ServerBuilder::new(api, context, log).config(config).start()?;
        let file = folder.join(ENDPOINT_FILE);
        std::fs::write(&file, format!("{}\n", endpoint.local_addr()))?;
        let relay = run.programs.join("solstice-orchestrator").into_string();
        let relay = [relay, "guest-relay".to_owned(), file.into_string()];
        let config = QemuConfig::new(folder.join("qemu"), "bare".parse()?, relay);
        let hypervisor = QemuHypervisor::open(config, std::slice::from_ref(&image)).await?;
        Ok(Self { hypervisor, image, output: seen, _endpoint: endpoint })
    }

    /// A machine as `linux-mini` has it in the testbed.
    pub(crate) fn machine(&self) -> MachineSpec {
        MachineSpec {
            id: new_id(),
            image: self.image.clone(),
            cpus: 1,
            memory_mib: 512,
            disk_mib: 4096,
            token: Token::generate(),
        }
    }

    /// From the wish for a machine to the first output of its job.
    pub(crate) async fn first_output(&mut self) -> Result<std::time::Duration, Failure> {
        let machine = self.machine();
        self.output.mark_unchanged();
        let begun = Instant::now();
        self.hypervisor.ensure(&machine).await?;
        self.output.changed().await?;
        let at = self.output.borrow().ok_or("there was no output")?;
        self.hypervisor.destroy(machine.id).await?;
        Ok(at - begun)
    }
}

/// A source without a file.
fn empty_archive() -> Result<Vec<u8>, Failure> {
    let archive = tar::Builder::new(Vec::new()).into_inner()?;
    Ok(zstd::encode_all(archive.as_slice(), 1)?)
}

/// The implementation; its state is in the context.
enum Agents {}

type Rqctx = RequestContext<Arc<Endpoint>>;

impl AgentApi for Agents {
    type Context = Arc<Endpoint>;

    async fn agent_redeem(
        rqctx: Rqctx,
        _: TypedBody<Redeem>,
    ) -> Result<HttpResponseOk<Redeemed>, HttpError> {
        Ok(HttpResponseOk(Redeemed {
            spec: rqctx.context().spec.clone(),
            next_seq: 1,
            has_inputs: false,
            log_limit_bytes: DEFAULT_LOG_LIMIT_BYTES,
            shell_on_failure: false,
        }))
    }

    async fn agent_source(rqctx: Rqctx) -> Result<Response<Body>, HttpError> {
        Ok(Response::new(rqctx.context().source.clone().into()))
    }

    async fn agent_inputs(_: Rqctx) -> Result<Response<Body>, HttpError> {
        Err(HttpError::for_internal_error("there are none".to_owned()))
    }

    async fn agent_artifact(
        _: Rqctx,
        _: Path<ArtifactIndex>,
        _: Query<ArtifactName>,
        _: StreamingBody,
    ) -> Result<HttpResponseOk<ArtifactStored>, HttpError> {
        Err(HttpError::for_internal_error("none is asked for".to_owned()))
    }

    async fn agent_shell_input(_: Rqctx) -> Result<Response<Body>, HttpError> {
        Err(HttpError::for_internal_error("nobody is there".to_owned()))
    }

    async fn agent_shell_output(
        _: Rqctx,
        _: StreamingBody,
    ) -> Result<HttpResponseUpdatedNoContent, HttpError> {
        Err(HttpError::for_internal_error("nobody is there".to_owned()))
    }

    async fn agent_records(
        rqctx: Rqctx,
        body: TypedBody<RecordBatch>,
    ) -> Result<HttpResponseOk<RecordsAccepted>, HttpError> {
        let records = body.into_inner().records;
        let output =
            |record: &solstice_model::Record| matches!(record.body, RecordBody::Output { .. });
        if records.iter().any(output) {
            rqctx.context().output.send_replace(Some(Instant::now()));
        }
        let durable_seq = records.last().map_or(0, |record| record.seq);
        Ok(HttpResponseOk(RecordsAccepted { durable_seq, stop: false }))
    }
}
