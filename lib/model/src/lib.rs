//! The words of Solstice CI: ids, names, the job and machine state machines,
//! the records that an agent sends and the specification of a job.
//!
//! Everything here is data and pure functions. There is no IO, no clock and no
//! lock: whoever needs the time passes it in. All other crates speak in these
//! types, so that the same word means the same thing in a database column, an
//! API field, a log key and a page.
//!
//! ```
//! use solstice_model::{JobEvent, JobState, Transition, SkipReason};
//!
//! let skipped = JobEvent::Skip { why: SkipReason::NeedNotMet { need: "build".parse()? } };
//! let Transition::Moved(state) = JobState::Queued.apply(&skipped)? else { panic!() };
//! assert!(state.is_finished());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod annotation;
pub mod digest;
pub mod event;
pub mod grounds;
pub mod id;
pub mod job;
pub mod machine;
pub mod name;
pub mod record;
pub mod role;
pub mod spec;
pub mod terminal;
pub mod token;

pub use annotation::{Annotation, AnnotationCounts, AnnotationLevel};
pub use digest::Sha256Digest;
pub use event::EventKind;
pub use grounds::{Grounds, JobLines, StepLines};
pub use id::{AttemptId, DeliveryId, EventId, JobId, RunId};
pub use job::{
    AgentVerdict, Exit, IllegalTransition, JobEvent, JobState, Outcome, SkipReason, TimeLimit,
    Transition,
};
pub use machine::{MachineStep, Observed, Wanted, next_step};
pub use name::{
    BadName, CommitPrefix, CommitSha, ForgeName, GitRef, HostName, ImageName, JobName, Label,
    RepoName, SizeName,
};
pub use record::{Chunk, Record, RecordBody, Stream};
pub use role::Role;
pub use spec::{
    ArtifactRule, Assignment, JobSpec, MatrixCell, Need, NeededOutcome, Source, StepSpec, StepWhen,
};
pub use token::{Token, TokenHash};
