//! Which trace, which span.

use std::fmt;
use std::str::FromStr;

use newtype_uuid::GenericUuid;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// A trace. Never all zeros, since no id of ours is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId([u8; 16]);

impl TraceId {
    /// The trace of what this began, usually a delivery.
    pub fn of(origin: impl GenericUuid) -> Self {
        Self(origin.into_untyped_uuid().into_bytes())
    }
}

/// A span within a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId([u8; 8]);

impl SpanId {
    /// The span of this kind that tells about this object.
    pub fn of(kind: &str, object: impl GenericUuid) -> Self {
        Self::nth(kind, object, 0)
    }

    /// The same, where an object has several of a kind.
    pub fn nth(kind: &str, object: impl GenericUuid, number: u64) -> Self {
        let mut digest = Sha256::new();
        digest.update(kind.as_bytes());
        digest.update([0]);
        digest.update(object.into_untyped_uuid().as_bytes());
        digest.update(number.to_be_bytes());
        let digest = digest.finalize();
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        Self(id)
    }
}

/// The span that others belong to: in text the `traceparent` of W3C's Trace Context
/// (<https://www.w3.org/TR/trace-context/#traceparent-header>), always sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its trace.
    pub trace: TraceId,
    /// The span.
    pub span: SpanId,
}

/// Text that is no `traceparent` of version 00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no traceparent of W3C's Trace Context, version 00")]
pub struct BadParent;

impl FromStr for Parent {
    type Err = BadParent;

    fn from_str(text: &str) -> Result<Self, BadParent> {
        let mut parts = text.split('-');
        let (version, trace, span, flags) =
            (parts.next(), parts.next(), parts.next(), parts.next());
        let flags_fit = flags.is_some_and(|it| matches!(it, "00" | "01"));
        if version != Some("00") || !flags_fit || parts.next().is_some() {
            return Err(BadParent);
        }
        let (mut trace_id, mut span_id) = ([0; 16], [0; 8]);
        decode(trace, &mut trace_id)?;
        decode(span, &mut span_id)?;
        Ok(Self { trace: TraceId(trace_id), span: SpanId(span_id) })
    }
}

/// Lower-case digits alone, and not all zeros.
fn decode(text: Option<&str>, id: &mut [u8]) -> Result<(), BadParent> {
    let text = text.filter(|it| !it.bytes().any(|byte| byte.is_ascii_uppercase()));
    hex::decode_to_slice(text.ok_or(BadParent)?, id).map_err(|_| BadParent)?;
    if id.iter().all(|byte| *byte == 0) { Err(BadParent) } else { Ok(()) }
}

impl fmt::Display for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-01", self.trace, self.span)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Serialize for TraceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for SpanId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_parent_is_a_traceparent() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let parent: Parent = text.parse().unwrap();
        assert_eq!(parent.to_string(), text);
        for wrong in [
            "",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b71692033-01",
        ] {
            assert_eq!(wrong.parse::<Parent>(), Err(BadParent), "{wrong}");
        }
    }

    #[test]
    fn every_kind_and_object_and_number_has_a_span_of_its_own() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let ids = [
            SpanId::of("job", a),
            SpanId::of("job", b),
            SpanId::of("run", a),
            SpanId::nth("job", a, 1),
        ];
        let different: std::collections::BTreeSet<_> = ids.into_iter().collect();
        assert_eq!(different.len(), ids.len());
        assert_eq!(SpanId::of("job", a), SpanId::nth("job", a, 0), "and each always the same");
    }
}
