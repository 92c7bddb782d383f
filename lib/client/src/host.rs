//! The host API's client: what an orchestrator asks of the server.

#![allow(missing_docs, unreachable_pub, clippy::missing_errors_doc, reason = "generated code")]

progenitor::generate_api!(
    spec = "../../docs/openapi/host.json",
    interface = Positional,
    replace = {
        Assignment = solstice_model::Assignment,
        AgentVerdict = solstice_model::AgentVerdict,
        AttemptId = solstice_model::AttemptId,
        Chunk = solstice_model::Chunk,
        CommitSha = solstice_model::CommitSha,
        Exit = solstice_model::Exit,
        GitRef = solstice_model::GitRef,
        HostName = solstice_model::HostName,
        HostReport = solstice_api::host::HostReport,
        JobId = solstice_model::JobId,
        JobName = solstice_model::JobName,
        JobSpec = solstice_model::JobSpec,
        Label = solstice_model::Label,
        Offer = solstice_api::host::Offer,
        Phase = solstice_api::host::Phase,
        Record = solstice_model::Record,
        RecordBatch = solstice_api::agent::RecordBatch,
        RecordsAccepted = solstice_api::agent::RecordsAccepted,
        RepoName = solstice_model::RepoName,
        RunId = solstice_model::RunId,
        Source = solstice_model::Source,
        StepSpec = solstice_model::StepSpec,
        Stream = solstice_model::Stream,
        SyncRequest = solstice_api::host::SyncRequest,
        SyncResponse = solstice_api::host::SyncResponse,
        TimeLimit = solstice_model::TimeLimit,
        AttemptKind = solstice_model::id::AttemptKind,
        JobKind = solstice_model::id::JobKind,
        RunKind = solstice_model::id::RunKind,
    },
);
