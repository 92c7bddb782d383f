//! The forge seam: what the server asks of GitHub, Forgejo or Gitea.
//!
//! A forge is one crate with one `impl Forge`. It does four things: it says
//! whether a webhook request is genuine, what it means (both pure), which
//! workflow files a commit holds, and it shows a job's state on a commit.
//!
//! ```text
//! bytes ─ authenticate ─► Genuine ─ interpret ─► Event ─ workflow_files ─► text
//!                                                          report ◄─ CheckReport
//! ```
//!
//! What all forges share is here too: [`signature`], [`headers`], the rule for
//! [`workflows`], [`text`] made safe to show. [`fake`] is a forge in memory and
//! [`conformance`] the laws that it and every adapter obey.
//!
//! It does not decide who may start what, and repeats nothing by itself: an
//! error says by [`Retry`] whether its caller should.

pub mod conformance;
mod error;
pub mod fake;
pub mod headers;
mod seam;
pub mod signature;
pub mod text;
pub mod workflows;

pub use error::{ForgeError, MAX_RETRY_AFTER, Retry};
pub use seam::{
    CheckReport, CheckState, Event, Forge, Genuine, Interpretation, MAX_CONTEXT_CHARS,
    MAX_DESCRIPTION_CHARS, MAX_TITLE_CHARS, PullRequest, Push, Rejection, Repository, WorkflowFile,
};
pub use signature::{EmptySecret, NoSecret, Secret, Secrets};
