//! Downloading a disk that somebody publishes with its digest.
//!
//! What has arrived lies in a part file beside a record of what it is a part of
//! (`fetch/part.rs`). After a broken connection, or in the next process after
//! this one was killed, the rest is asked for; a server whose file has changed
//! meanwhile sends it whole, and the download starts over (RFC 9110, sections
//! 13.1.5 and 14.2). Nothing counts until the digest of all bytes is the wanted one.

mod answer;
mod part;

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use solstice_model::Sha256Digest;
use ureq::http::{Response, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};
use url::Url;

use answer::{Answer, Plan};
pub use part::Fetched;
use part::Part;

/// The largest download unless told otherwise, in bytes.
pub const MAX_DOWNLOAD_BYTES: u64 = 64 << 30;

/// A file to be downloaded.
#[derive(Clone, Debug)]
pub struct Download {
    /// Where it is: `http://` or `https://`.
    pub url: String,
    /// The digest that its publisher names.
    pub sha256: Sha256Digest,
    /// The folder for it and its parts.
    pub folder: Utf8PathBuf,
    /// The largest file that is taken, in bytes.
    pub max_bytes: u64,
    /// When to give up.
    pub patience: Patience,
}

/// When a download is given up. What has arrived is kept then.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long a server may take to connect, to answer, and between two bytes.
    pub silence: Duration,
    /// How often in a row a connection may bring no new byte.
    pub tries: u32,
    /// The wait after the first of these; each further one is twice as long.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { silence: Duration::from_secs(60), tries: 5, pause: Duration::from_secs(1) }
    }
}

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchProgress {
    /// What has arrived, in bytes.
    pub done: u64,
    /// The size of the file, in bytes, if the server says it.
    pub total: Option<u64>,
}

/// Why a file was not downloaded.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address is of no use.
    #[error("cannot download from {url:?}: {why}")]
    Url {
        /// As it was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file cannot be used.
    #[error("cannot {action} {path}")]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: Utf8PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another process downloads the same file.
    #[error("another process is downloading {0} at this moment; wait for it")]
    Busy(Utf8PathBuf),
    /// The server does not give it.
    #[error("{url}: the server answered {status}")]
    Refused {
        /// The address.
        url: String,
        /// Its answer.
        status: StatusCode,
    },
    /// The server cannot be talked to.
    #[error("cannot ask for {url}")]
    Unreachable {
        /// The address.
        url: String,
        /// Why not.
        #[source]
        source: Box<ureq::Error>,
    },
    /// The file ends early, time and again.
    #[error("{url}: the connection broke after {have} bytes; the same command goes on from there")]
    Broken {
        /// The address.
        url: String,
        /// What has arrived, in bytes.
        have: u64,
        /// Why it ended, if anybody said so.
        #[source]
        source: Option<io::Error>,
    },
    /// The server's answer contradicts itself or the request.
    #[error("{url}: the server's answer makes no sense: {why}")]
    Answer {
        /// The address.
        url: String,
        /// Which part of it.
        why: String,
    },
    /// The file is too large.
    #[error("{url} has more than {most} bytes, which is the limit")]
    TooLarge {
        /// The address.
        url: String,
        /// The limit.
        most: u64,
    },
    /// The file is another one.
    #[error(
        "{url} is not the wanted file: its digest is {found}, wanted is {wanted}; nothing was \
         kept. Compare the digest with what the publisher names"
    )]
    Differs {
        /// The address.
        url: String,
        /// What it is.
        found: Sha256Digest,
        /// What it should be.
        wanted: Sha256Digest,
    },
}

impl FetchError {
    /// Whether the same request may succeed in a moment.
    fn retry(&self) -> bool {
        match self {
            FetchError::Broken { .. } => true,
            FetchError::Refused { status, .. } => {
                status.is_server_error() || [408, 429].contains(&status.as_u16())
            }
            FetchError::Unreachable { source, .. } => match &**source {
                // A certificate that nobody trusts, among others.
                ureq::Error::Io(error) => error.kind() != io::ErrorKind::InvalidData,
                ureq::Error::Timeout(_)
                | ureq::Error::ConnectionFailed
                | ureq::Error::HostNotFound
                | ureq::Error::Protocol(_) => true,
                _ => false,
            },
            _ => false,
        }
    }
}

impl Download {
    /// Downloads the file, from where an earlier call got to, and tells how far
    /// it is after each piece. Takes as long as it takes; may be killed at any time.
    ///
    /// # Errors
    ///
    /// [`FetchError`]. What has arrived is kept for the next call, unless it is
    /// the wrong file.
    pub fn run(&self, progress: &mut dyn FnMut(FetchProgress)) -> Result<Fetched, FetchError> {
        let url = self.checked_url()?;
        let agent = self.agent();
        let mut part = Part::open(&self.folder, self.sha256, url.as_str())?;
        self.fill(&agent, &mut part, progress)?;
        let mut found = part.digest()?;
        if found != self.sha256 && part.is_pieced() {
            // Pieces of several files, or one that suffered when the computer's
            // power failed: once more, from the beginning.
            part.start_over(None, None)?;
            self.fill(&agent, &mut part, progress)?;
            found = part.digest()?;
        }
        if found == self.sha256 {
            return part.finish();
        }
        part.discard()?;
        Err(FetchError::Differs { url: self.url.clone(), found, wanted: self.sha256 })
    }

    /// Removes what has arrived of the file, if anything has.
    ///
    /// # Errors
    ///
    /// [`FetchError::Busy`] if it is being downloaded; [`FetchError::File`].
    pub fn forget(&self) -> Result<(), FetchError> {
        Part::open(&self.folder, self.sha256, &self.url)?.discard()
    }

    fn checked_url(&self) -> Result<Url, FetchError> {
        let refused = |why: &str| FetchError::Url { url: self.url.clone(), why: why.to_owned() };
        let url = Url::parse(&self.url).map_err(|error| refused(&error.to_string()))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(refused("http:// or https:// is wanted"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            // Not even the error shows it.
            let why = "a name or a password in it would end up in records and messages";
            return Err(FetchError::Url { url: "…".to_owned(), why: why.to_owned() });
        }
        Ok(url)
    }

    fn agent(&self) -> Agent {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let silence = Some(self.patience.silence);
        Agent::new_with_config(
            Agent::config_builder()
                .http_status_as_error(false)
                .user_agent(concat!("solstice-ci/", env!("CARGO_PKG_VERSION")))
                .tls_config(tls)
                .timeout_connect(silence)
                .timeout_recv_response(silence)
                .timeout_per_read(silence)
                .build(),
        )
    }

    /// Asks until the part is the whole.
    fn fill(
        &self,
        agent: &Agent,
        part: &mut Part,
        progress: &mut dyn FnMut(FetchProgress),
    ) -> Result<(), FetchError> {
        let mut failures = 0;
        while !part.is_whole() {
            let before = part.furthest();
            match self.ask(agent, part, progress) {
                Err(error) if error.retry() => {
                    failures = if part.furthest() > before { 0 } else { failures + 1 };
                    if failures >= self.patience.tries {
                        return Err(error);
                    }
                    std::thread::sleep(self.patience.pause * 2_u32.pow(failures.saturating_sub(1)));
                }
                answer => return answer,
            }
        }
        Ok(())
    }

    /// Asks once for what is missing, and takes what comes.
    fn ask(
        &self,
        agent: &Agent,
        part: &mut Part,
        progress: &mut dyn FnMut(FetchProgress),
    ) -> Result<(), FetchError> {
        // Compressed on the way it could not be continued.
        let mut request = agent.get(&self.url).header("Accept-Encoding", "identity");
        let asked = part.continuation();
        if let Some((offset, validator)) = &asked {
            request =
                request.header("Range", format!("bytes={offset}-")).header("If-Range", validator);
        }
        let answer = request.call().map_err(|source| {
            let url = self.url.clone();
            FetchError::Unreachable { url, source: Box::new(source) }
        })?;
        let read = Answer::of(&answer).plan(asked.map(|(offset, _)| offset), part.total());
        match read.map_err(|why| self.senseless(&answer, why))? {
            Plan::Whole { total, validator } => part.start_over(total, validator)?,
            Plan::Rest => part.go_on(),
            Plan::Again => {
                part.start_over(None, None)?;
                return Err(self.broken(part, None));
            }
        }
        self.take(answer, part, progress)
    }

    /// Takes the bytes of an answer until it ends.
    fn take(
        &self,
        answer: Response<Body>,
        part: &mut Part,
        progress: &mut dyn FnMut(FetchProgress),
    ) -> Result<(), FetchError> {
        let too_large = || FetchError::TooLarge { url: self.url.clone(), most: self.max_bytes };
        if part.total().is_some_and(|total| total > self.max_bytes) {
            part.start_over(None, None)?;
            return Err(too_large());
        }
        let mut body = answer.into_body().into_reader();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            progress(FetchProgress { done: part.have(), total: part.total() });
            match body.read(&mut buffer) {
                Ok(0) if part.total().is_none_or(|total| part.have() == total) => return Ok(()),
                Ok(0) => return Err(self.broken(part, None)),
                Ok(n) => part.append(&buffer[..n])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(part, Some(error))),
            }
            if part.have() > self.max_bytes {
                part.start_over(None, None)?;
                return Err(too_large());
            }
        }
    }

    fn broken(&self, part: &Part, source: Option<io::Error>) -> FetchError {
        FetchError::Broken { url: self.url.clone(), have: part.have(), source }
    }

    /// What a refusal is called.
    fn senseless(&self, answer: &Response<Body>, why: Option<String>) -> FetchError {
        let url = self.url.clone();
        match why {
            Some(why) => FetchError::Answer { url, why },
            None => FetchError::Refused { url, status: answer.status() },
        }
    }
}
