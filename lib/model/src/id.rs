//! Typed identifiers: a job's id cannot be passed where a run's is meant.
//!
//! All are UUIDs of version 7, so they sort by the time they were made.

use newtype_uuid::{GenericUuid, TypedUuid, TypedUuidKind, TypedUuidTag};
use schemars::JsonSchema;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $kind:ident, $alias:ident, $tag:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
        pub enum $kind {}

        impl TypedUuidKind for $kind {
            fn tag() -> TypedUuidTag {
                const TAG: TypedUuidTag = TypedUuidTag::new($tag);
                TAG
            }

            fn alias() -> Option<&'static str> {
                Some(stringify!($alias))
            }
        }

        $(#[$doc])*
        pub type $alias = TypedUuid<$kind>;
    )*};
}

ids! {
    /// One workflow file at one commit.
    RunKind, RunId, "run";
    /// One job of a run.
    JobKind, JobId, "job";
    /// One try of a job, and the machine made for it: they share this id.
    AttemptKind, AttemptId, "attempt";
    /// One webhook request, by our own id (the forge's is text of its choosing).
    DeliveryKind, DeliveryId, "delivery";
    /// One entry of the event log.
    EventKind, EventId, "event";
}

/// Makes a new id of any kind, sortable by time (RFC 9562, version 7).
pub fn new_id<K: TypedUuidKind>() -> TypedUuid<K> {
    TypedUuid::from_untyped_uuid(Uuid::now_v7())
}
