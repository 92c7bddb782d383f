//! Where the agent learns its endpoint and its token: the kernel command line
//! or a seed in a machine, flags for an ordinary process.
//!
//! A seed is a file of the same words that a kernel command line holds,
//! `solstice.endpoint=… solstice.token=…`. The image's first program, or the
//! script on the seed disk, put it there.

use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use solstice_model::Token;

/// Where the initial RAM disk puts what it found on a seed disk.
const MACHINE_SEED: &str = "/run/solstice/seed";

/// Where a machine's jobs find what the jobs before them left.
const MACHINE_INPUT: &str = "/input";

/// The largest seed that is read, in bytes: some words.
const MAX_SEED_BYTES: u64 = 16 * 1024;

/// What has to be known before anything can be asked.
#[derive(Debug)]
pub(crate) struct Bootstrap {
    /// The host's agent endpoint, `http://ADDRESS:PORT`.
    pub(crate) endpoint: String,
    /// The single-use token.
    pub(crate) token: Token,
    /// The directory for the source and the scripts.
    pub(crate) work: PathBuf,
    /// Where the artifacts of the jobs that this one needs go.
    pub(crate) input: PathBuf,
}

/// Why the parameters are of no use. None of them shows the token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BootstrapError {
    #[error("cannot read /proc/cmdline")]
    CommandLine(#[source] std::io::Error),
    #[error("cannot read the seed {}", path.display())]
    Seed { path: PathBuf, source: std::io::Error },
    #[error("the seed {} has more than {MAX_SEED_BYTES} bytes", .0.display())]
    SeedTooLarge(PathBuf),
    #[error("cannot delete the seed {}", path.display())]
    Undeleted { path: PathBuf, source: std::io::Error },
    #[error(
        "neither the kernel command line nor a seed disk (FAT, labelled cidata) has solstice.endpoint="
    )]
    Nowhere,
    #[error("{place} has no {word}=")]
    Missing { place: String, word: &'static str },
    #[error(
        "usage: solstice-agent --endpoint http://ADDRESS:PORT --token TOKEN --work DIR [--input DIR]\n       \
         solstice-agent --seed FILE [--delete-seed] --work DIR [--input DIR]"
    )]
    Usage,
    #[error("the endpoint {0:?} is not http:// and a numeric address")]
    Endpoint(String),
}

impl Bootstrap {
    /// Reads the kernel command line, or the machine's seed if that does not name an endpoint.
    pub(crate) fn from_machine() -> Result<Self, BootstrapError> {
        let text = std::fs::read_to_string("/proc/cmdline").map_err(BootstrapError::CommandLine)?;
        Self::from_line_or_seed(&text, Path::new(MACHINE_SEED))
    }

    fn from_line_or_seed(line: &str, seed: &Path) -> Result<Self, BootstrapError> {
        let folders = Folders { work: "/work".into(), input: MACHINE_INPUT.into() };
        if value(line, "solstice.endpoint").is_some() {
            Self::from_words(line, "the kernel command line", folders)
        } else if seed.exists() {
            Self::from_seed(seed, true, folders)
        } else {
            Err(BootstrapError::Nowhere)
        }
    }

    /// Reads a seed, and deletes it if that is wanted: its token is good for one use.
    fn from_seed(path: &Path, delete: bool, folders: Folders) -> Result<Self, BootstrapError> {
        let failed = |source| BootstrapError::Seed { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(failed)?;
        let mut text = String::new();
        let read = file.take(MAX_SEED_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
        if read as u64 > MAX_SEED_BYTES {
            return Err(BootstrapError::SeedTooLarge(path.to_owned()));
        }
        if delete {
            std::fs::remove_file(path)
                .map_err(|source| BootstrapError::Undeleted { path: path.to_owned(), source })?;
        }
        Self::from_words(&text, &format!("the seed {}", path.display()), folders)
    }

    /// Takes the parameters out of the words found at a place.
    fn from_words(text: &str, place: &str, folders: Folders) -> Result<Self, BootstrapError> {
        let find = |word| {
            let missing = || BootstrapError::Missing { place: place.to_owned(), word };
            value(text, word).ok_or_else(missing)
        };
        Ok(Self {
            endpoint: endpoint(find("solstice.endpoint")?)?,
            token: Token::from_text(find("solstice.token")?),
            work: folders.work,
            input: folders.input,
        })
    }

    /// Takes the parameters from the program's own arguments.
    pub(crate) fn from_flags(
        arguments: impl Iterator<Item = String>,
    ) -> Result<Self, BootstrapError> {
        let flags = Flags::parse(arguments)?;
        let folders = Folders::new(flags.work.ok_or(BootstrapError::Usage)?, flags.input);
        match (flags.endpoint, flags.token, flags.seed) {
            (Some(address), Some(token), None) if !flags.delete_seed => {
                let (endpoint, token) = (endpoint(&address)?, Token::from_text(token));
                Ok(Self { endpoint, token, work: folders.work, input: folders.input })
            }
            (None, None, Some(seed)) => {
                Self::from_seed(Path::new(&seed), flags.delete_seed, folders)
            }
            _ => Err(BootstrapError::Usage),
        }
    }
}

/// The program's arguments, taken apart.
#[derive(Default)]
struct Flags {
    endpoint: Option<String>,
    token: Option<String>,
    seed: Option<String>,
    delete_seed: bool,
    work: Option<String>,
    input: Option<String>,
}

/// Where things go.
struct Folders {
    work: PathBuf,
    input: PathBuf,
}

impl Folders {
    /// Without a place of their own, inputs go where workflows expect them, if
    /// this process may write there.
    fn new(work: String, input: Option<String>) -> Self {
        let work = PathBuf::from(work);
        let usual = || match rustix::process::geteuid().is_root() {
            true => PathBuf::from(MACHINE_INPUT),
            false => work.join("input"),
        };
        let input = input.map_or_else(usual, PathBuf::from);
        Self { work, input }
    }
}

impl Flags {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, BootstrapError> {
        let mut flags = Self::default();
        while let Some(flag) = arguments.next() {
            let place = match flag.as_str() {
                "--endpoint" => &mut flags.endpoint,
                "--token" => &mut flags.token,
                "--seed" => &mut flags.seed,
                "--work" => &mut flags.work,
                "--input" => &mut flags.input,
                "--delete-seed" => {
                    flags.delete_seed = true;
                    continue;
                }
                _ => return Err(BootstrapError::Usage),
            };
            *place = Some(arguments.next().ok_or(BootstrapError::Usage)?);
        }
        Ok(flags)
    }
}

/// The value of a word `NAME=VALUE` in a text; the last one of a name wins.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut values = text
        .split_ascii_whitespace()
        .filter_map(|word| word.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')));
    values.next_back()
}

/// Checks an endpoint and writes it the one way. Names are refused: a static
/// program cannot rely on the resolver, and a guest has none anyway.
fn endpoint(text: &str) -> Result<String, BootstrapError> {
    let address = text.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    let parsed = address.and_then(|address| {
        address
            .parse::<SocketAddr>()
            .or_else(|_| address.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 80)))
            .ok()
    });
    let parsed = parsed.ok_or_else(|| BootstrapError::Endpoint(text.to_owned()))?;
    Ok(format!("http://{parsed}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &str = "solstice.endpoint=http://10.0.2.100:80 solstice.token=sol_a=b\n";

    /// A seed of this text, in a folder that lives as long as it is held.
    fn seed(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seed");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn flags(text: &str) -> Result<Bootstrap, BootstrapError> {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        Bootstrap::from_flags(words.into_iter())
    }

    #[test]
    fn parameters_are_found_among_the_kernel_s_own() {
        let line = format!("console=ttyS0 quiet {WORDS}");
        let found = Bootstrap::from_line_or_seed(&line, Path::new("/no/such/seed")).unwrap();
        assert_eq!(found.endpoint, "http://10.0.2.100:80");
        assert_eq!(found.token.secret(), "sol_a=b");
    }

    #[test]
    fn a_missing_parameter_is_named() {
        let find = |text| Bootstrap::from_line_or_seed(text, Path::new("/no/such/seed"));
        let error = find("solstice.endpoint=http://10.0.2.100").unwrap_err();
        assert_eq!(error.to_string(), "the kernel command line has no solstice.token=");
        let misspelt = find("xsolstice.endpoint=http://10.0.2.100 solstice.token=sol_a");
        assert!(matches!(misspelt, Err(BootstrapError::Nowhere)), "{misspelt:?}");
    }

    #[test]
    fn a_machine_without_an_endpoint_reads_its_seed_once() {
        let (_folder, path) = seed(WORDS);
        let found = Bootstrap::from_line_or_seed("console=ttyS0 quiet\n", &path).unwrap();
        assert_eq!(found.token.secret(), "sol_a=b");
        assert!(!path.exists());
        let again = Bootstrap::from_line_or_seed("console=ttyS0 quiet\n", &path);
        assert!(matches!(again, Err(BootstrapError::Nowhere)), "{again:?}");
    }

    #[test]
    fn the_kernel_command_line_is_asked_before_the_seed() {
        let (_folder, path) = seed(WORDS);
        let line = "solstice.endpoint=http://10.0.2.101:80 solstice.token=sol_c";
        let found = Bootstrap::from_line_or_seed(line, &path).unwrap();
        assert_eq!(found.endpoint, "http://10.0.2.101:80");
        assert!(path.exists());
    }

    #[test]
    fn a_seed_stays_unless_told_otherwise() {
        let (_folder, path) = seed(WORDS);
        let found = flags(&format!("--seed {} --work /w", path.display())).unwrap();
        assert_eq!((found.token.secret(), found.work.as_path()), ("sol_a=b", Path::new("/w")));
        assert!(path.exists());
        assert!(flags(&format!("--delete-seed --seed {} --work /w", path.display())).is_ok());
        assert!(!path.exists());
    }

    #[test]
    fn a_seed_of_no_use_is_named_and_its_token_is_not() {
        let find = |path: &Path| flags(&format!("--seed {} --work /w", path.display()));
        let (_folder, path) = seed("solstice.token=sol_secret");
        let name = path.display().to_string();
        let error = find(&path).unwrap_err().to_string();
        assert_eq!(error, format!("the seed {name} has no solstice.endpoint="));
        std::fs::write(&path, vec![b' '; 16 * 1024 + 1]).unwrap();
        let error = find(&path).unwrap_err().to_string();
        assert_eq!(error, format!("the seed {name} has more than 16384 bytes"));
        std::fs::remove_file(&path).unwrap();
        let error = find(&path).unwrap_err().to_string();
        assert_eq!(error, format!("cannot read the seed {name}"));
    }

    #[test]
    fn an_endpoint_is_a_numeric_address_over_plain_http() {
        assert_eq!(endpoint("http://10.0.2.100/").unwrap(), "http://10.0.2.100:80");
        assert_eq!(endpoint("http://[::1]:8080").unwrap(), "http://[::1]:8080");
        for bad in ["10.0.2.100:80", "https://10.0.2.100", "http://host:80", "http://", ""] {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn flags_are_endpoint_and_token_or_a_seed() {
        assert!(flags("--endpoint http://127.0.0.1:1 --token t --work /w").is_ok());
        let placed = flags("--endpoint http://127.0.0.1:1 --token t --work /w --input /i");
        assert_eq!(placed.unwrap().input, Path::new("/i"));
        for bad in [
            "--endpoint http://127.0.0.1:1 --token t",
            "--endpoint http://127.0.0.1:1 --token t --work",
            "--endpoint http://127.0.0.1:1 --token t --work /w --delete-seed",
            "--endpoint http://127.0.0.1:1 --token t --work /w --seed /s",
            "--seed /s",
            "--help",
        ] {
            assert!(matches!(flags(bad), Err(BootstrapError::Usage)), "{bad}");
        }
    }
}
