//! Clients of the server's APIs, generated from `docs/openapi/*.json`.
//!
//! The methods come from the documents, the types from `solstice-model` and
//! `solstice-api`: an answer is the very type that the server wrote, and no
//! type exists twice. What is not generated: how a connection is made
//! ([`Connect`]) and how a token is read from its file ([`read_token`]).
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use solstice_client::{Connect, read_token};
//!
//! let token = read_token("/etc/solstice/host.token".as_ref())?;
//! let server = "http://127.0.0.1:8082".parse()?;
//! let client = Connect::to(&server).token(&token).host()?;
//! let request = solstice_api::host::SyncRequest {
//!     host: "laptop".parse()?,
//!     offers: Vec::new(),
//!     room: 0,
//!     known: Vec::new(),
//!     wait_ms: 0,
//!     sizes: Vec::new(),
//!     images: Vec::new(),
//! };
//! println!("{} attempts", client.host_sync(&request).await?.wanted.len());
//! # Ok(())
//! # }
//! ```

mod connect;
pub mod host;
#[cfg(test)]
mod tests;
mod token_file;
pub mod user;

pub use connect::{Connect, ConnectError};
pub use progenitor::progenitor_client::{ByteStream, Error, ResponseValue};
pub use token_file::{TokenFileError, read_token};
