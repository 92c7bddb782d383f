//! The forge seam: what the server asks of GitHub, Forgejo or Gitea.
//!
//! A forge is one crate with one `impl Forge`. It says whether a webhook request
//! is genuine and what it means (both pure), reads what decides over runs
//! (workflow files, the policy of the default branch, commit messages, changed
//! files, who may do what), tells where refs are now, and shows checks.
//!
//! ```text
//! bytes ─ authenticate ─► Genuine ─ interpret ─► Event ─ workflow_files ─► text
//!                                                          report ◄─ Check
//! ```
//!
//! What all forges share is here too: [`signature`], [`headers`], [`body`], [`contents`], the rule for
//! [`workflows`] and for names of [`refs`], [`text`] made safe to show. [`fake`] is a forge in memory and
//! [`conformance`] the laws that it and every adapter obey.
//!
//! It does not decide who may start what, and repeats nothing by itself: an
//! error says by [`Retry`] whether its caller should.

pub mod body;
mod check;
pub mod conformance;
pub mod contents;
mod error;
pub mod fake;
pub mod headers;
pub mod refs;
mod seam;
pub mod signature;
pub mod text;
pub mod workflows;

pub use check::{
    Check, CheckDetails, CheckReport, CheckState, MAX_ACTIONS, MAX_CONTEXT_CHARS,
    MAX_DESCRIPTION_CHARS, MAX_DETAIL_BYTES, Pace,
};
pub use error::{ForgeError, MAX_RETRY_AFTER, Retry};
pub use seam::{
    Changed, CheckAction, CheckRequest, Credential, Event, Forge, Genuine, Head, Interpretation,
    MAX_COMMIT_MESSAGE_BYTES, MAX_STANDING, MAX_TITLE_CHARS, MergeGroup, Permission, PullRequest,
    Push, Rejection, Repository, Standing, WorkflowFile, line_url,
};
pub use signature::{EmptySecret, NoSecret, Secret, Secrets};
pub use workflows::Unusable;
