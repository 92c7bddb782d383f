//! A forge that records what it is told: a small HTTP server that plays
//! Forgejo (or Gitea) over real bare Git repositories in a directory.
//!
//! It serves clones and fetches by git-http-backend(1), the calls of the API
//! that a CI system uses, and it makes webhooks from what Git says. Every
//! API request is judged by the forge's own published description, so a client
//! that leaves it gets an error instead of a lenient answer.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use solstice_testbed::forge::{Entry, RecordingForge};
//! use std::time::Duration;
//!
//! let forge = RecordingForge::start("/tmp/forge".into()).await?;
//! let widgets = "alice/widgets".parse()?;
//! forge.create_repository(&widgets).await?;
//! let main = "refs/heads/main".parse()?;
//! let files = [(".solstice/ci.kdl", Entry::from("workflow { }"))];
//! let commit = forge.repositories().commit(&widgets, &main, "First\n", &files).await?;
//! let payload = forge.push_payload(&widgets, &main, None, Some(&commit), "alice").await?;
//! let url = "http://127.0.0.1:8080/webhooks/forgejo";
//! assert_eq!(forge.deliver(url, "secret", "push", &payload).await?, 202);
//! let limit = Duration::from_secs(10);
//! forge.wait_for_status("solstice/CI/build", |s| s.state == "success", limit).await?;
//! # Ok(())
//! # }
//! ```
//!
//! It does not play: pull requests beyond their webhooks and their list, users
//! beyond one token and what they may do, pushes over HTTP (push to the bare
//! repository instead), web pages.

mod answer;
mod api;
mod community;
mod delivery;
mod description;
mod fault;
mod git;
mod handle;
mod lists;
mod payload;
mod repositories;
mod server;
mod smart_http;
mod status;
mod submodules;

pub use self::delivery::{Answer, delivery_headers};
pub use self::description::Flavour;
pub use self::fault::Fault;
pub use self::handle::{Options, RecordingForge};
pub use self::payload::{PullRequestAction, PullRequestFrom, Pushed};
pub use self::repositories::{Entry, Repositories};
pub use self::server::RecordedRequest;
pub use self::status::RecordedStatus;
pub use self::submodules::{Imported, Submodule, SubmoduleFate};
