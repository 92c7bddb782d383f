//! Names of zones.

use std::fmt;
use std::str::FromStr;

use crate::name::NameError;

/// `ZONENAME_MAX` is 64 with the terminating NUL.
const LONGEST: usize = 63;

/// A zone's name: 1 to 63 bytes of letters, digits, `_`, `.` and `-`, the first
/// a letter or digit; neither `global` nor beginning with `SUNW`, nor a number,
/// which pkill and zlogin would take for the id of some running zone.
///
/// Source: illumos-gate usr/src/lib/libzonecfg/common/libzonecfg.c
/// (`zonecfg_validate_zonename`, `zone_get_id`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneName(String);

impl ZoneName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ZoneName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = |why: &str| Err(NameError::new("zone name", text, why));
        if text.is_empty() || text.len() > LONGEST {
            return wrong("it must have 1 to 63 bytes");
        }
        if !text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')) {
            return wrong("only letters, digits, _ . and - may occur");
        }
        if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return wrong("it must begin with a letter or a digit");
        }
        if text == "global" || text.starts_with("SUNW") {
            return wrong("it is reserved");
        }
        if is_number(text) {
            return wrong("it could be mistaken for a zone's id");
        }
        Ok(Self(text.to_owned()))
    }
}

/// As strtol(3C) with base 0 takes it: decimal, octal or hexadecimal.
fn is_number(text: &str) -> bool {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => digits.chars().all(|c| c.is_ascii_hexdigit()),
        None => text.chars().all(|c| c.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_named_as_zonecfg_wants() {
        for good in ["job1", "7up", "a_b.c-d", "Global", "0xyz", &"a".repeat(63)] {
            assert_eq!(good.parse::<ZoneName>().unwrap().to_string(), *good);
        }
        let long = "a".repeat(64);
        for bad in
            ["", "_bad", "-a", ".a", "global", "SUNWx", "a b", "a;b", "é", "7", "0x1f", &long]
        {
            assert!(bad.parse::<ZoneName>().is_err(), "{bad:?}");
        }
    }
}
