//! How a client reaches its server.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use solstice_model::Token;
use url::{Host, Url};

/// How long the making of a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a server may be silent within an answer: more than the longest
/// poll of the host API.
const SILENCE_LIMIT: Duration = Duration::from_secs(60);

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The token cannot be sent in a header.
    #[error("the token for {server} has characters that no token has; make a new one")]
    BadToken {
        /// The server that it is for.
        server: Url,
    },
    /// The HTTP client could not be set up (no root certificates, usually).
    #[error("cannot set up the HTTP client for {server}")]
    Setup {
        /// The server that it is for.
        server: Url,
        /// Why not.
        #[source]
        source: reqwest::Error,
    },
}

/// A client in the making. Nothing is sent before its first call.
#[derive(Clone, Debug)]
pub struct Connect {
    server: Url,
    token: Option<Token>,
    silence: Option<Duration>,
}

impl Connect {
    /// A client of the server at this address.
    pub fn to(server: &Url) -> Self {
        Self { server: server.clone(), token: None, silence: Some(SILENCE_LIMIT) }
    }

    /// Sends this token with every request.
    pub fn token(mut self, token: &Token) -> Self {
        self.token = Some(token.clone());
        self
    }

    /// Waits for ever where an answer goes on for ever, such as a job's events.
    pub fn patient(mut self) -> Self {
        self.silence = None;
        self
    }

    /// A client of the host API.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the token is no token or TLS cannot be set up.
    pub fn host(&self) -> Result<crate::host::Client, ConnectError> {
        Ok(crate::host::Client::new_with_client(self.base(), self.http()?))
    }

    /// A client of the user API.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the token is no token or TLS cannot be set up.
    pub fn user(&self) -> Result<crate::user::Client, ConnectError> {
        Ok(crate::user::Client::new_with_client(self.base(), self.http()?))
    }

    /// The address as the generated code wants it: it appends paths that begin with `/`.
    pub(crate) fn base(&self) -> &str {
        self.server.as_str().trim_end_matches('/')
    }

    pub(crate) fn http(&self) -> Result<reqwest::Client, ConnectError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("solstice/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            // An API of ours never redirects; a token must not follow one.
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(self.headers()?);
        if let Some(silence) = self.silence {
            builder = builder.read_timeout(silence);
        }
        if is_loopback(&self.server) {
            builder = builder.no_proxy();
        }
        builder
            .build()
            .map_err(|source| ConnectError::Setup { server: self.server.clone(), source })
    }

    fn headers(&self) -> Result<HeaderMap, ConnectError> {
        let mut headers = HeaderMap::new();
        if let Some(token) = &self.token {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.secret()))
                .map_err(|_| ConnectError::BadToken { server: self.server.clone() })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }
}

/// Whether the server is this computer, which no proxy leads to.
fn is_loopback(server: &Url) -> bool {
    match server.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_path_keeps_it_and_loses_the_last_slash() {
        for (given, base) in [
            ("http://127.0.0.1:8082", "http://127.0.0.1:8082"),
            ("https://ci.example.org/solstice/", "https://ci.example.org/solstice"),
        ] {
            assert_eq!(Connect::to(&given.parse().unwrap()).base(), base);
        }
    }

    #[test]
    fn this_computer_is_reached_without_a_proxy() {
        for (server, yes) in [
            ("http://localhost:1", true),
            ("http://127.8.0.1", true),
            ("http://[::1]:80", true),
            ("http://10.0.0.1", false),
            ("https://localhost.example.org", false),
        ] {
            assert_eq!(is_loopback(&server.parse().unwrap()), yes, "{server}");
        }
    }

    #[test]
    fn a_token_with_a_newline_is_refused_without_showing_it() {
        let server: Url = "http://127.0.0.1:1".parse().unwrap();
        let refused = Connect::to(&server).token(&Token::from_text("sol_a\nb")).host().unwrap_err();
        assert!(!refused.to_string().contains("sol_a"));
        assert!(!format!("{refused:?}").contains("sol_a"));
    }
}
