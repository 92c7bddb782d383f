//! Secrets in files that nobody else can read.

use std::fmt;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use solstice_kdl::{Refusal, Value, value};

/// More than any secret has, a key of 16,384 bits included.
const MAX_BYTES: u64 = 16 * 1024;

/// A secret that an operator put into a file. Its `Debug` is redacted and it
/// has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself, for the one place that uses it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Reads the file that a configuration value names, relative to `base`.
    ///
    /// One newline at the end is not part of the secret.
    ///
    /// # Errors
    ///
    /// Refuses a file that is absent, readable by others, empty, longer than
    /// 16 KiB or not plain text of one line, and says how to mend it.
    pub fn from_value(base: &Path, given: &Value) -> Result<Self, Refusal> {
        let path = base.join(value::string(given)?);
        let text = read(&path)?;
        let secret = text.strip_suffix('\n').unwrap_or(&text);
        let secret = secret.strip_suffix('\r').unwrap_or(secret);
        let shown = path.display();
        if secret.is_empty() {
            return Err(Refusal::because(format!("{shown} is empty")));
        }
        if secret.contains(char::is_control) {
            return Err(Refusal::because(format!("{shown} has more than one line")));
        }
        Ok(Self(secret.to_owned()))
    }

    /// Likewise for a key in PEM, which has many lines (RFC 7468).
    ///
    /// # Errors
    ///
    /// As [`Secret::from_value`], and refuses what is no private key.
    pub fn pem_from_value(base: &Path, given: &Value) -> Result<Self, Refusal> {
        let path = base.join(value::string(given)?);
        let text = read(&path)?;
        let (first, last) = (text.trim_start().lines().next(), text.trim_end().lines().last());
        let is = |line: Option<&str>, what| {
            line.is_some_and(|line| line.starts_with(what) && line.ends_with("PRIVATE KEY-----"))
        };
        if !is(first, "-----BEGIN ") || !is(last, "-----END ") {
            let refusal = Refusal::because(format!("{} is no private key in PEM", path.display()));
            return Err(refusal.help("it begins with -----BEGIN RSA PRIVATE KEY-----"));
        }
        Ok(Self(text))
    }
}

/// Reads a file that nobody else can read.
fn read(path: &Path) -> Result<String, Refusal> {
    let shown = path.display();
    let unreadable = |error| Refusal::because(format!("cannot read {shown}: {error}"));
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let about = file.metadata().map_err(unreadable)?;
    if !about.is_file() {
        return Err(Refusal::because(format!("{shown} is not a file")));
    }
    if about.permissions().mode() & 0o077 != 0 {
        return Err(Refusal::because(format!("others may read or change {shown}"))
            .help(format!("chmod 600 {shown}")));
    }
    let mut text = String::new();
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(Refusal::because(format!("{shown} is longer than {MAX_BYTES} bytes")));
    }
    Ok(text)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}
