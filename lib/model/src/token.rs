//! Bearer tokens: shown once, stored as a digest, compared in constant time.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A secret of 256 random bits. Its `Debug` is redacted and it has no `Display`.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// The prefix by which a token of ours is known to secret scanners.
    pub const PREFIX: &'static str = "sol_";

    /// Makes a new token from the system's random source.
    ///
    /// # Panics
    ///
    /// If the system has no random source; there is nothing sensible to do then.
    pub fn generate() -> Self {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the operating system provides random bytes");
        Self(format!("{}{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Takes a token as a caller sent it.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one place that sends it.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// What may be stored of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash(hex::encode(Sha256::digest(self.0.as_bytes())))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// The SHA-256 of a token in hex. A token has 256 random bits, so no salt or
/// slow hash is needed to keep it from being guessed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenHash(String);

impl TokenHash {
    /// The hex digits, for the database.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the hash of that token; takes the same time whatever the answer.
    pub fn matches(&self, token: &Token) -> bool {
        self.0.as_bytes().ct_eq(token.hash().0.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_shows_itself() {
        let token = Token::generate();
        assert!(!format!("{token:?}").contains(token.secret()));
    }

    #[test]
    fn only_the_token_itself_matches_its_hash() {
        let token = Token::generate();
        assert!(token.hash().matches(&token));
        assert!(!token.hash().matches(&Token::generate()));
        assert!(!token.hash().matches(&Token::from_text("")));
    }
}
