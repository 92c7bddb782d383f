//! Ethernet addresses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An Ethernet address; as text without leading zeros, as illumos writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Mac(pub [u8; 6]);

/// What is wrong with a text that should be an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMac {
    /// It is no row of octets.
    #[error("invalid MAC address")]
    Syntax,
    /// It has not six of them.
    #[error("invalid MAC address length")]
    Length,
}

impl Mac {
    /// An address made up for a VNIC: `2:8:20`, which says that it is local,
    /// and three octets that depend on how many were made before.
    pub(super) fn made(count: u32) -> Self {
        let [_, a, b, c] = fnv(&count.to_be_bytes()).to_be_bytes();
        Self([0x02, 0x08, 0x20, a, b, c])
    }

    /// Whether one interface can have it: no group address, and not zero.
    pub(super) fn is_unicast(self) -> bool {
        self.0[0] & 1 == 0 && self.0 != [0; 6]
    }

    /// As everybody but illumos writes it, each octet with two digits.
    pub fn padded(self) -> String {
        let [a, b, c, d, e, f] = self.0;
        format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

/// FNV-1a, 32 bits.
pub(super) fn fnv(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:x}:{b:x}:{c:x}:{d:x}:{e:x}:{g:x}")
    }
}

impl FromStr for Mac {
    type Err = BadMac;

    /// As `_link_aton` of libnsl reads it: hexadecimal octets of one or two
    /// digits with `:` between them.
    fn from_str(text: &str) -> Result<Self, BadMac> {
        let octet = |text: &str| match text.len() {
            1 | 2 if text.bytes().all(|b| b.is_ascii_hexdigit()) => {
                u8::from_str_radix(text, 16).ok()
            }
            _ => None,
        };
        let octets: Option<Vec<u8>> = text.split(':').map(octet).collect();
        let octets = octets.ok_or(BadMac::Syntax)?;
        octets.try_into().map(Self).map_err(|_| BadMac::Length)
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> Self {
        mac.to_string()
    }
}

impl TryFrom<String> for Mac {
    type Error = BadMac;

    fn try_from(text: String) -> Result<Self, BadMac> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_without_leading_zeros() {
        let mac: Mac = "02:08:20:0A:b:c".parse().unwrap();
        assert_eq!(mac.to_string(), "2:8:20:a:b:c");
        assert_eq!(mac.padded(), "02:08:20:0a:0b:0c");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "x", "2:8:20:a:b:", "2-8-20-a-b-c", "2:8:20:a:b:100", "2:8:20:a:b:-1"] {
            assert_eq!(text.parse::<Mac>(), Err(BadMac::Syntax), "{text}");
        }
        assert_eq!("2:8:20".parse::<Mac>(), Err(BadMac::Length));
    }

    #[test]
    fn made_addresses_differ_and_are_local() {
        let made: std::collections::BTreeSet<_> = (0..1000).map(|n| Mac::made(n).0).collect();
        assert_eq!(made.len(), 1000);
        assert!(made.iter().all(|octets| octets.starts_with(&[2, 8, 0x20])));
    }
}
