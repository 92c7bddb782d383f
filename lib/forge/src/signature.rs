//! HMAC-SHA256 signatures of webhook bodies (RFC 2104).
//!
//! GitHub, Forgejo and Gitea all sign the raw body with a shared secret and
//! send the MAC as 64 lower-case hex digits. This module is the only place that
//! compares them, in constant time, and it knows no empty secret: a MAC with an
//! empty key is one that anybody can make.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

/// Bytes of a MAC.
const MAC_BYTES: usize = 32;

/// A secret shared with a forge. Never empty; its `Debug` is redacted and it
/// has no `Display`.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// A secret was empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is empty")]
pub struct EmptySecret;

impl Secret {
    /// Takes the bytes of a secret as they are; nothing is trimmed.
    ///
    /// # Errors
    ///
    /// [`EmptySecret`] if there are none.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, EmptySecret> {
        let bytes = bytes.into();
        if bytes.is_empty() { Err(EmptySecret) } else { Ok(Self(bytes)) }
    }

    /// The secret itself, for code that signs in another way.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The signature of a body: 64 lower-case hex digits.
    pub fn sign(&self, body: &[u8]) -> String {
        hex::encode(self.mac(body))
    }

    fn mac(&self, body: &[u8]) -> [u8; MAC_BYTES] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(body);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// The secrets of one forge: at least one, several while one replaces another.
#[derive(Clone, Debug)]
pub struct Secrets(Vec<Secret>);

/// No secret was given where one is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a forge needs at least one webhook secret")]
pub struct NoSecret;

impl Secrets {
    /// Takes all secrets that are valid now.
    ///
    /// # Errors
    ///
    /// [`NoSecret`] if there is none.
    pub fn new(secrets: Vec<Secret>) -> Result<Self, NoSecret> {
        if secrets.is_empty() { Err(NoSecret) } else { Ok(Self(secrets)) }
    }

    /// Computes what a signature of this body has to be, once for all headers
    /// that carry one.
    pub fn expect(&self, body: &[u8]) -> Expected {
        Expected(self.0.iter().map(|secret| secret.mac(body)).collect())
    }
}

impl From<Secret> for Secrets {
    fn from(secret: Secret) -> Self {
        Self(vec![secret])
    }
}

/// The signatures that are right for one body. Has no `Debug`: a right
/// signature must not reach a log.
pub struct Expected(Vec<[u8; MAC_BYTES]>);

impl Expected {
    /// Whether `digits` are one of them, written as exactly 64 lower-case hex
    /// digits. Takes the same time whichever secret is right and wherever the
    /// digits differ; only a malformed text is turned away sooner.
    pub fn accepts(&self, digits: &[u8]) -> bool {
        let Some(given) = decode(digits) else { return false };
        let right = self.0.iter().fold(Choice::from(0), |found, mac| found | mac.ct_eq(&given));
        right.into()
    }
}

fn decode(digits: &[u8]) -> Option<[u8; MAC_BYTES]> {
    // hex::decode_to_slice takes upper case too; no forge writes it.
    if digits.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut bytes = [0; MAC_BYTES];
    hex::decode_to_slice(digits, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"Hello, World!";
    const DIGITS: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn secrets(texts: &[&str]) -> Secrets {
        Secrets::new(texts.iter().map(|text| Secret::new(*text).unwrap()).collect()).unwrap()
    }

    fn known() -> Secrets {
        secrets(&["It's a Secret to Everybody"])
    }

    #[test]
    fn the_published_test_vector_is_accepted() {
        assert!(known().expect(BODY).accepts(DIGITS.as_bytes()));
        assert_eq!(Secret::new("It's a Secret to Everybody").unwrap().sign(BODY), DIGITS);
    }

    #[test]
    fn an_empty_secret_is_refused_and_what_it_would_sign_too() {
        assert_eq!(Secret::new("").unwrap_err(), EmptySecret);
        assert!(Secrets::new(vec![]).is_err());
        // HMAC-SHA256 of the body with the empty key.
        let empty = "2bbcfa9524f3218c7a34b30e6936f8b1a4516cb097f1a85a1c7d98b5977ec769";
        assert!(!known().expect(BODY).accepts(empty.as_bytes()));
    }

    #[test]
    fn old_and_new_secret_are_both_valid_during_a_rotation() {
        let both = secrets(&["new", "It's a Secret to Everybody"]);
        assert!(both.expect(BODY).accepts(DIGITS.as_bytes()));
        assert!(both.expect(BODY).accepts(Secret::new("new").unwrap().sign(BODY).as_bytes()));
        assert!(!both.expect(BODY).accepts(Secret::new("other").unwrap().sign(BODY).as_bytes()));
    }

    #[test]
    fn other_spellings_of_a_right_signature_are_refused() {
        let cut = &DIGITS[..63];
        for bad in [
            DIGITS.to_uppercase(),
            format!(" {DIGITS}"),
            format!("{DIGITS} "),
            format!("{DIGITS}00"),
            format!("sha256={DIGITS}"),
            cut.to_owned(),
            format!("{cut}g"),
            String::new(),
        ] {
            assert!(!known().expect(BODY).accepts(bad.as_bytes()), "{bad:?}");
        }
        assert!(!known().expect(BODY).accepts(&[0xff; 64]));
    }

    #[test]
    fn each_bit_of_the_body_counts() {
        for bit in 0..BODY.len() * 8 {
            let mut body = BODY.to_vec();
            body[bit / 8] ^= 1 << (bit % 8);
            assert!(!known().expect(&body).accepts(DIGITS.as_bytes()), "bit {bit}");
        }
    }

    #[test]
    fn a_secret_never_shows_itself() {
        assert_eq!(format!("{:?}", secrets(&["hidden"])), "Secrets([Secret(redacted)])");
    }
}
