//! The digest by which golden images are locked (invariant I11).

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::name::BadName;

/// A SHA-256 digest, written as `sha256:` and 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256Digest([u8; 32]);

impl Sha256Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Takes the 32 bytes that a hasher gave.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 64 hex digits alone.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl FromStr for Sha256Digest {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad =
            |why| BadName { kind: "SHA-256 digest", given: text.chars().take(80).collect(), why };
        let digits = text.strip_prefix("sha256:").ok_or(bad("it must start with sha256:"))?;
        if digits.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(bad("its hex digits must be lower case"));
        }
        let bytes = hex::decode(digits).map_err(|_| bad("it must have 64 hex digits"))?;
        Ok(Self(bytes.try_into().map_err(|_| bad("it must have 64 hex digits"))?))
    }
}

impl TryFrom<String> for Sha256Digest {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<Sha256Digest> for String {
    fn from(digest: Sha256Digest) -> String {
        digest.to_string()
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl JsonSchema for Sha256Digest {
    fn schema_name() -> String {
        "Sha256Digest".to_owned()
    }

    fn json_schema(generator: &mut schemars::r#gen::SchemaGenerator) -> schemars::schema::Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_what_it_wrote() {
        let digest = Sha256Digest::of(b"abc");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!(digest.hex().starts_with("ba7816bf"));
    }

    #[test]
    fn other_spellings_are_refused() {
        let digest = Sha256Digest::of(b"abc");
        for bad in [digest.hex(), digest.to_string().to_uppercase(), "sha256:12".to_owned()] {
            assert!(bad.parse::<Sha256Digest>().is_err(), "{bad}");
        }
    }
}
