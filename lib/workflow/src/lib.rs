//! The workflow language: from a file under `.solstice/` to jobs.
//!
//! A workflow file is KDL. [`parse`] checks all of it before anything runs and
//! gives either a [`Workflow`], whose jobs have nothing left to resolve, or
//! diagnostics with a place, a reason and a suggestion, ready for a terminal or
//! for an annotation on the commit. [`Workflow::triggered_by`] decides whether
//! an event starts it. `docs/workflow.md` is the reference of the language.
//!
//! The file comes from whoever could push, so every length and count is bounded
//! (see [`limits`]) and nothing in it is executed, opened or expanded here.
//!
//! What it does not do: read files, talk to a forge, or decide who may start
//! what; that is policy and comes from elsewhere (invariant I10).
//!
//! ```
//! use solstice_workflow::{Decision, TriggerEvent, parse};
//!
//! let file = br#"
//!     workflow name="Solstice CI" {
//!         on "push" branches="main" "release/*"
//!         job id="build" runs_on="illumos-stable" {
//!             step name="Test" run="cargo test --workspace"
//!         }
//!     }
//! "#;
//! let workflow = parse(".solstice/workflow.kdl", file)?;
//! assert_eq!(workflow.expanded[0].spec.steps[0].run, "cargo test --workspace");
//!
//! let git_ref = "refs/heads/release/1.2".parse()?;
//! assert_eq!(workflow.triggered_by(&TriggerEvent::Push { git_ref: &git_ref }), Decision::Start);
//!
//! let wrong = parse("typo.kdl", b"workflow { jbo id=\"a\" }").unwrap_err();
//! assert_eq!(wrong.list()[0].help(), Some("did you mean `job`?"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod artifact;
mod cell_name;
mod condition;
mod env;
mod expand;
mod graph;
mod interpolate;
mod job;
pub mod limits;
mod lines;
mod matrix;
mod needs;
mod paths;
mod pattern;
mod plan;
mod rules;
mod step;
mod trigger;
mod workflow;

pub use condition::Condition;
pub use paths::PathFilter;
pub use pattern::Pattern;
pub use plan::{Job, RunContext};
pub use solstice_kdl::{Diagnostic, Diagnostics};
pub use trigger::{Decision, Trigger, TriggerEvent};
pub use workflow::{Workflow, parse};
