//! Policy: who may start what (invariant I10).
//!
//! A [`Policy`] is put together from layers, each node by itself: what is built
//! in, what the operator says for a forge, what `.solstice/policy.kdl` of the
//! repository's default branch says, and what the operator says for this
//! repository, which is final. [`Policy::rule`] then decides on an event; it is
//! pure, and whoever calls it finds out who the strangers are.
//! [`skip_marker`] says whether a commit's message asks for no run.
//! `docs/policy.md` is the reference of the language.
//!
//! What it does not do: ask a forge, or know which change is under test: a policy
//! never comes from that.
//!
//! ```
//! use solstice_policy::{Layer, OperatorPolicy, Ruling, Subject, parse};
//!
//! let file = br#"policy { approval "outside"; user "dependabot[bot]"; }"#;
//! let layer: Layer = parse(".solstice/policy.kdl", file)?;
//! let policy = OperatorPolicy::default().policy(&"ada/engine".parse()?, Some(&layer));
//!
//! let fork = Subject::PullRequest { outside: true };
//! assert!(policy.asks_for_members(&fork) && policy.is_named("Dependabot[bot]"));
//! assert_eq!(policy.rule(&fork, &["mallory"]), Ruling::Approval);
//! assert_eq!(policy.rule(&fork, &[]), Ruling::Start);
//!
//! let wrong = parse("policy.kdl", b"policy { aproval \"never\"; }").unwrap_err();
//! assert_eq!(wrong.list()[0].help(), Some("did you mean `approval`?"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod layer;
mod marker;
mod operator;
mod policy;

pub use layer::{Approval, Layer, MAX_FILE_BYTES, MAX_PATTERNS, MAX_USERS, Start, parse};
pub use marker::skip_marker;
pub use operator::OperatorPolicy;
pub use policy::{Policy, Ruling, Subject};
pub use solstice_kdl::Diagnostics;

/// Where a repository has its policy, in its default branch.
pub const PATH: &str = ".solstice/policy.kdl";
