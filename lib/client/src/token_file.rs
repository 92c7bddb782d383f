//! A bearer token in a file that nobody else can read.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use solstice_model::Token;

/// More than any token file has.
const MAX_BYTES: u64 = 4096;

/// Why a token file is not used.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// It cannot be read.
    #[error("cannot read the token file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Others can read it, so the token is no longer a secret.
    #[error(
        "the token file {} can be read by others (mode {mode:o}): chmod 600 {}",
        path.display(), path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It holds no token.
    #[error("the token file {} {problem}; put the token of `solstice-server token create` there", path.display())]
    NoToken {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        problem: &'static str,
    },
}

/// Reads a token; space and newlines around it are not part of it.
///
/// # Errors
///
/// [`TokenFileError`] if the file cannot be read, is open to group or others,
/// or does not hold one word.
pub fn read_token(path: &Path) -> Result<Token, TokenFileError> {
    let failed = |source| TokenFileError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    // Of the opened file, so that nobody can exchange it in between.
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(TokenFileError::Open { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    let no_token = |problem| TokenFileError::NoToken { path: path.to_owned(), problem };
    match text.trim() {
        "" => Err(no_token("is empty")),
        _ if text.len() as u64 > MAX_BYTES => Err(no_token("is too long for a token")),
        word if !word.bytes().all(|b| b.is_ascii_graphic()) => {
            Err(no_token("holds more than one word"))
        }
        word => Ok(Token::from_text(word)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    fn file(content: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("host.token");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[test]
    fn a_private_file_gives_its_word() {
        for mode in [0o600, 0o400, 0o700] {
            let (_keep, path) = file("  sol_abc\n", mode);
            assert_eq!(read_token(&path).unwrap().secret(), "sol_abc");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_remedy() {
        for mode in [0o644, 0o640, 0o604, 0o620] {
            let (_keep, path) = file("sol_abc", mode);
            let refused = read_token(&path).unwrap_err().to_string();
            assert!(refused.contains("chmod 600"), "{refused}");
            assert!(!refused.contains("sol_abc"), "{refused}");
        }
    }

    #[test]
    fn a_file_without_a_token_says_so() {
        for (content, problem) in [("\n", "empty"), ("sol_a sol_b", "more than one word")] {
            let (_keep, path) = file(content, 0o600);
            assert!(read_token(&path).unwrap_err().to_string().contains(problem));
        }
        let (_keep, path) = file(&"x".repeat(5000), 0o600);
        assert!(read_token(&path).unwrap_err().to_string().contains("too long"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let refused = read_token("/nonexistent/host.token".as_ref()).unwrap_err();
        assert!(refused.to_string().contains("/nonexistent/host.token"));
    }
}
