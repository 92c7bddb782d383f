//! Secrets in files that nobody else can read.

use std::fmt;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use solstice_kdl::{Refusal, Value, value};

/// More than any secret has.
const MAX_BYTES: u64 = 4096;

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
    /// 4 KiB or not plain text, and says how to mend it.
    pub fn from_value(base: &Path, given: &Value) -> Result<Self, Refusal> {
        let path = base.join(value::string(given)?);
        Self::from_file(&path)
    }

    fn from_file(path: &Path) -> Result<Self, Refusal> {
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
        let secret = text.strip_suffix('\n').unwrap_or(&text);
        let secret = secret.strip_suffix('\r').unwrap_or(secret);
        if secret.is_empty() {
            return Err(Refusal::because(format!("{shown} is empty")));
        }
        if text.len() as u64 > MAX_BYTES {
            return Err(Refusal::because(format!("{shown} is longer than {MAX_BYTES} bytes")));
        }
        if secret.contains(char::is_control) {
            return Err(Refusal::because(format!("{shown} has more than one line")));
        }
        Ok(Self(secret.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}
