//! Traces: what happened to one push across the programs, for a collector that
//! speaks OpenTelemetry's protocol.
//!
//! A program that is told of no collector has [`Tracer::off`], which costs a look at
//! an `Option`. Otherwise spans go into a bounded queue and from there, several at a
//! time, as JSON over HTTP to `<endpoint>/v1/traces`
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>). Nothing waits for that: what
//! the queue does not take, and what the collector does not take after a few tries,
//! is counted and forgotten.
//!
//! Ids are not drawn but made of the ids of what a span tells about: the trace of a
//! push is the id of its delivery, a span the digest of its kind and its object
//! ([`SpanId::of`]). So nothing need be remembered, every program comes to the same
//! ids by itself, and after a crash the same trace goes on.
//!
//! ```
//! use solstice_trace::{Parent, SpanId, TraceId};
//! use uuid::Uuid;
//!
//! let (delivery, job) = (Uuid::from_u128(1), Uuid::from_u128(2));
//! let parent = Parent { trace: TraceId::of(delivery), span: SpanId::of("job", job) };
//! assert_eq!(parent.to_string().parse(), Ok(parent));
//! ```

#[cfg(feature = "collector")]
pub mod collector;
mod export;
mod id;
mod otlp;
mod span;

pub use export::{Meters, SetupError, Target, Tracer};
pub use id::{BadParent, Parent, SpanId, TraceId};
pub use span::{Attribute, Kind, Span};
