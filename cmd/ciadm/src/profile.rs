//! What is kept of servers: a file per profile with an address and a token.
//!
//! `$XDG_CONFIG_HOME/solstice/NAME.profile`, or below `~/.config`; JSON. It
//! holds a secret: it is made with mode 0600, and one that others can read is
//! refused.

use std::fs::{DirBuilder, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use solstice_model::Token;
use url::Url;

/// More than any profile has.
const MAX_BYTES: u64 = 16 * 1024;

/// The profile that is used unless another one is named.
pub(crate) const USUAL: &str = "default";

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProfileError {
    /// There is no home to keep it in.
    #[error("neither XDG_CONFIG_HOME nor HOME is set: set one, or SOLSTICE_URL and SOLSTICE_TOKEN")]
    NoHome,
    /// Its name could leave the folder.
    #[error("{0:?} is not a profile's name: use letters, digits, `-`, `_` and `.`, a letter first")]
    Name(String),
    /// There is none.
    #[error("there is no profile {name:?}: `ciadm login URL` makes it, or set SOLSTICE_URL")]
    Absent {
        /// Its name.
        name: String,
    },
    /// Others can read it, so the token in it is no longer a secret.
    #[error(
        "{} can be read by others (mode {mode:o}): `chmod 600` it, and have its token revoked",
        path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is not what was written there.
    #[error("{} is not a profile of ciadm's; `ciadm login URL` writes it anew", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// It cannot be read or written.
    #[error("cannot {verb} the profile {}", path.display())]
    Io {
        /// What was being done.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// A server and the token for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Profile {
    /// Where people reach the server.
    pub(crate) url: Url,
    /// The token; none where strangers may read.
    pub(crate) token: Option<Token>,
}

/// The folder of the profiles.
#[derive(Clone, Debug)]
pub(crate) struct Profiles {
    folder: PathBuf,
}

impl Profiles {
    /// The folder of whoever runs this (XDG Base Directory Specification).
    pub(crate) fn of_user() -> Result<Self, ProfileError> {
        let set =
            |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let config = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")));
        Ok(Self { folder: config.ok_or(ProfileError::NoHome)?.join("solstice") })
    }

    fn path(&self, name: &str) -> Result<PathBuf, ProfileError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if !first || name.len() > 64 || !name.bytes().all(plain) {
            return Err(ProfileError::Name(name.to_owned()));
        }
        Ok(self.folder.join(format!("{name}.profile")))
    }

    /// Reads a profile.
    pub(crate) fn read(&self, name: &str) -> Result<Profile, ProfileError> {
        let path = self.path(name)?;
        let failed = |source| ProfileError::Io { verb: "read", path: path.clone(), source };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ProfileError::Absent { name: name.to_owned() });
            }
            Err(error) => return Err(failed(error)),
        };
        // Of the opened file, so that nobody can exchange it in between.
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(ProfileError::Open { path, mode });
        }
        let mut text = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut text).map_err(failed)?;
        serde_json::from_slice(&text).map_err(|source| ProfileError::Broken { path, source })
    }

    /// Writes a profile; gives its file. Whoever reads meanwhile sees the old
    /// one or the new one.
    pub(crate) fn write(&self, name: &str, profile: &Profile) -> Result<PathBuf, ProfileError> {
        let path = self.path(name)?;
        let failed = |source| ProfileError::Io { verb: "write", path: path.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(failed)?;
        let text = serde_json::to_vec_pretty(profile).expect("an address and a token are text");
        let new = self.folder.join(format!(".{name}.{}.new", std::process::id()));
        write_private(&new, &text).and_then(|()| std::fs::rename(&new, &path)).map_err(failed)?;
        Ok(path)
    }

    /// Removes a profile; says whether there was one.
    pub(crate) fn remove(&self, name: &str) -> Result<bool, ProfileError> {
        let path = self.path(name)?;
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(ProfileError::Io { verb: "remove", path, source }),
        }
    }
}

/// Writes a file that nobody else can read; one that is there is replaced.
pub(crate) fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let _ = std::fs::remove_file(path);
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profiles() -> (tempfile::TempDir, Profiles) {
        let home = tempfile::tempdir().unwrap();
        let profiles = Profiles { folder: home.path().join("solstice") };
        (home, profiles)
    }

    fn profile() -> Profile {
        let token = Some(Token::from_text("sol_secret"));
        Profile { url: "https://ci.example.org/".parse().unwrap(), token }
    }

    #[test]
    fn what_was_written_is_read_and_nobody_else_s_to_read() {
        let (_home, profiles) = profiles();
        let path = profiles.write("work", &profile()).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        assert_eq!(profiles.read("work").unwrap().token.unwrap().secret(), "sol_secret");
        assert!(profiles.remove("work").unwrap());
        assert!(!profiles.remove("work").unwrap());
        assert!(matches!(profiles.read("work"), Err(ProfileError::Absent { .. })));
    }

    #[test]
    fn a_profile_that_others_can_read_is_refused() {
        let (_home, profiles) = profiles();
        let path = profiles.write(USUAL, &profile()).unwrap();
        for mode in [0o640, 0o604, 0o644] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let refused = profiles.read(USUAL).unwrap_err().to_string();
            assert!(refused.contains("chmod 600") && !refused.contains("sol_secret"), "{refused}");
        }
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        let (_home, profiles) = profiles();
        for name in ["", "../x", "a/b", ".hidden", "a\n"] {
            assert!(matches!(profiles.read(name), Err(ProfileError::Name(_))), "{name:?}");
        }
    }
}
