//! Names of links, and Ethernet addresses.

use std::fmt;
use std::str::FromStr;

use crate::name::NameError;

/// `MAXLINKNAMELEN` is 32 with the terminating NUL.
const LONGEST: usize = 31;

/// A link's name: at most 31 bytes of letters, digits, `_` and `.`, not
/// beginning with a digit, ending in a number without leading zeros.
///
/// Source: illumos-gate usr/src/lib/libdladm/common/libdladm.c#dladm_valid_linkname.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkName(String);

/// An Ethernet address, written as illumos does: `2:8:20:a:b:c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(pub [u8; 6]);

impl LinkName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LinkName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = |why: &str| Err(NameError::new("link name", text, why));
        let number = &text[text.trim_end_matches(|c: char| c.is_ascii_digit()).len()..];
        if text.len() > LONGEST {
            return wrong("it is longer than 31 bytes");
        }
        if !text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.')) {
            return wrong("only letters, digits, _ and . may occur");
        }
        if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) {
            return wrong("it must not begin with a digit");
        }
        if number.is_empty() || (number.len() > 1 && number.starts_with('0')) {
            return wrong("it must end in a number without leading zeros");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:x}:{b:x}:{c:x}:{d:x}:{e:x}:{g:x}")
    }
}

impl FromStr for MacAddress {
    type Err = NameError;

    /// Takes octets with and without leading zeros.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = || NameError::new("Ethernet address", text, "it is not six hexadecimal octets");
        let octet = |text: &str| match text.len() {
            1 | 2 if text.chars().all(|c| c.is_ascii_hexdigit()) => {
                u8::from_str_radix(text, 16).ok()
            }
            _ => None,
        };
        let octets: Option<Vec<u8>> = text.split(':').map(octet).collect();
        octets.and_then(|octets| octets.try_into().ok()).map(Self).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_what_dladm_takes() {
        for good in ["net0", "solstub0", "job12", "a.b_c10", "x0", &format!("{}1", "a".repeat(30))]
        {
            assert_eq!(good.parse::<LinkName>().unwrap().to_string(), *good);
        }
        let long = format!("{}1", "a".repeat(31));
        for bad in ["", "job", "job-1", "vnic007", "1a0", "a b0", "é0", "7", "a0\n", &long] {
            assert!(bad.parse::<LinkName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn addresses_are_written_without_leading_zeros() {
        let address = MacAddress([2, 8, 0x20, 0x5a, 1, 0xc]);
        assert_eq!(address.to_string(), "2:8:20:5a:1:c");
        assert_eq!("02:08:20:5A:01:0c".parse(), Ok(address));
        for bad in ["", "2:8:20:5a:1", "2:8:20:5a:1:c:d", "2:8:20:5a:1:+c", "2:8:20:5a:1:100"] {
            assert!(bad.parse::<MacAddress>().is_err(), "{bad:?}");
        }
    }
}
