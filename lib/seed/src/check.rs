//! What a seed's values may look like. Everything that passes can stand in
//! single quotes of a shell and in plain YAML; nothing else is let through.

use std::net::SocketAddrV4;

use crate::{MAX_AGENT_BYTES, Seed};

/// Why no seed can be made.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// A value that a guest would not take, or would take for something else.
    #[error("{field} {given:?} of a seed: {why}")]
    Refused {
        /// Which value.
        field: &'static str,
        /// As it was given, cut to 80 characters.
        given: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// The token has other characters than tokens have; it is not shown.
    #[error("the token of a seed is not 1 to 256 letters, digits, `_`, `-` and `=`")]
    Token,
    /// The agent's program does not fit.
    #[error("the agent has {bytes} bytes; a seed carries at most {MAX_AGENT_BYTES}")]
    AgentTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The file system could not be made.
    #[error("cannot make the seed's FAT file system")]
    Fat(#[source] std::io::Error),
}

/// Checks all values of a seed.
pub(crate) fn all(seed: &Seed<'_>) -> Result<(), SeedError> {
    let instance = is_made_of(seed.instance, 64, b"._-");
    let why = "1 to 64 letters, digits, `.`, `_` and `-` are wanted";
    require(instance, "the instance", seed.instance, why)?;

    let hostname = is_made_of(seed.hostname, 63, b"-") && !seed.hostname.starts_with('-');
    let why = "1 to 63 letters, digits and `-`, not at the beginning, are wanted";
    require(hostname, "the host name", seed.hostname, why)?;

    // The address is taken as it is written only if that is how we would write it.
    let address = seed.endpoint.strip_prefix("http://").unwrap_or_default();
    let parsed = address.parse::<SocketAddrV4>().map(|parsed| parsed.to_string());
    let why = "http://A.B.C.D:PORT is wanted";
    require(parsed.is_ok_and(|text| text == address), "the endpoint", seed.endpoint, why)?;

    let prefix = seed.network.prefix;
    let why = "1 to 32 bits are wanted";
    require((1..=32).contains(&prefix), "the prefix length", &prefix.to_string(), why)?;

    if !is_made_of(seed.token.secret(), 256, b"_-=") {
        return Err(SeedError::Token);
    }
    match seed.agent {
        Some(agent) if agent.len() > MAX_AGENT_BYTES => {
            Err(SeedError::AgentTooLarge { bytes: agent.len() })
        }
        _ => Ok(()),
    }
}

fn require(
    holds: bool,
    field: &'static str,
    given: &str,
    why: &'static str,
) -> Result<(), SeedError> {
    if holds {
        return Ok(());
    }
    Err(SeedError::Refused { field, given: given.chars().take(80).collect(), why })
}

/// Whether a text has 1 to `most` characters, all of them letters or digits of
/// ASCII or among `others`.
fn is_made_of(text: &str, most: usize, others: &[u8]) -> bool {
    (1..=most).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
}

/// The serial number of a seed's volume: any, but always the same for an instance (FNV-1a).
pub(crate) fn volume_id(seed: &Seed<'_>) -> u32 {
    seed.instance
        .bytes()
        .fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
