//! What is on a seed, read back by other hands: the FAT library, the checkers
//! of Debian's dosfstools and cpio, and the shells that run the script.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod guest;
mod images;
mod refusals;
mod script;

use solstice_model::Token;
use solstice_seed::{Network, Seed};

/// A seed with a token that everybody may see.
fn seed(token: &Token) -> Seed<'_> {
    Seed {
        instance: "019a2f60-7c1e-7000-8000-000000000001",
        hostname: "solstice",
        endpoint: "http://10.77.0.1:8400",
        token,
        network: Network {
            mac: [0x02, 0x08, 0x20, 0x00, 0x0a, 0x01],
            address: "10.77.0.2".parse().unwrap(),
            prefix: 30,
            gateway: Some("10.77.0.1".parse().unwrap()),
        },
        agent: None,
    }
}

fn token() -> Token {
    Token::from_text("sol_a-b_c")
}

/// The words of [`seed`], as they end up in files.
const WORDS: &str = "solstice.endpoint=http://10.77.0.1:8400 solstice.token=sol_a-b_c \
     solstice.address=10.77.0.2/30 solstice.gateway=10.77.0.1\n";

/// Bytes that do not compress.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..count).map(|_| next()).collect()
}
