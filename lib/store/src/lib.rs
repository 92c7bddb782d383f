//! The store: the only SQL of Solstice CI.
//!
//! One SQLite file holds deliveries, runs, jobs, attempts, the event log, the
//! outbox of reports to the forges, hosts and tokens. [`Store`] offers one
//! method per use-case, each of them one transaction, and each answered only
//! when what it wrote is on disk (invariant I1). One thread writes and commits
//! together what is queued; readers have connections of their own.
//!
//! One function, behind [`Store::transition`], changes a job's state: it loads
//! the row, applies the event, writes the row, the event log and the outbox, and
//! skips the jobs whose needs can no longer be met (invariant I3).
//!
//! The clock is the caller's: whatever needs the time takes it as `now`. A
//! dropped future of a writing method takes nothing back: the write may still
//! happen. Logs of attempts are not here, see `solstice-joblog`.

mod annotation;
mod approve;
mod artifact;
mod audit;
mod claim;
mod column;
mod delivery;
mod describe;
mod environment;
mod error;
mod green;
mod head;
mod history;
mod host;
mod image;
mod lease;
mod ledger;
mod make_run;
mod migrate;
mod new_job;
mod once;
mod queue;
mod readers;
mod records;
mod report;
mod request;
mod rerun;
mod retention;
mod select;
mod session;
mod sight;
mod status;
mod store;
mod token;
mod transition;
mod verdict;
mod view;
mod why;
mod withdraw;
mod work;
mod writer;

pub use annotation::{RunAnnotation, UnannotatedAttempt};
pub use artifact::{InputFile, NewArtifact};
pub use audit::Actor;
pub use delivery::{MAX_HEADER_BYTES, MAX_HEADERS, NewDelivery, Taken, WaitingDelivery};
pub use describe::{Describe, JobView, PullRequestView, RunView};
pub use environment::{RunFacts, environment};
pub use error::StoreError;
pub use green::{LastGreen, WorkflowAt};
pub use history::RecentRun;
pub use host::{HostNote, HostPhases};
pub use image::ImageUse;
pub use lease::AttemptInfo;
pub use ledger::DeliveryQuery;
pub use make_run::{Hold, NewRun, NewRuns, RunMade};
pub use once::{Claimed, KeyId, KeyedRequest};
pub use records::Applied;
pub use report::{DueReport, Heed, ReportFailure, ReportId};
pub use request::Obeyed;
pub use rerun::RerunJobs;
pub use retention::EndedAttempt;
pub use session::{MAX_SESSIONS_OF_ONE, Session, SessionOf};
pub use sight::{PrivateRepository, RepositoryId, Sight};
pub use status::run_status;
pub use store::Store;
pub use transition::Transitioned;
pub use verdict::Verdict;
pub use view::{Counts, LoggedEvent, MAX_PAGE, RunQuery, WholeRun};

pub use why::{JobFacts, NeedFact, QueueFacts, Story};
