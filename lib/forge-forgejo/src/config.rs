//! What has to be known of a server.

use std::time::Duration;

use solstice_forge::{NoSecret, Secret};
use solstice_model::ForgeName;
use url::Url;

/// One Forgejo or Gitea server, as the configuration describes it.
#[derive(Clone, Debug)]
pub struct ForgejoConfig {
    /// Its name in the configuration.
    pub name: ForgeName,
    /// Its address for people, such as `https://forge.example.org/`, with a
    /// path if it is not at the root. The API is below it, at `api/v1/`.
    pub base_url: Url,
    /// An access token of the account that shows the checks.
    pub token: Secret,
    /// What its webhooks are signed with; several while one replaces another.
    pub webhook_secrets: Vec<Secret>,
}

/// How long a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until there is a connection.
    pub connect: Duration,
    /// Until the last byte of the answer.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), total: Duration::from_secs(20) }
    }
}

/// Why a configuration cannot work.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The address is none of a web server's.
    #[error("{url} is no forge's address: {why}")]
    Address {
        /// The address, without anything secret.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The token has characters that no header may have.
    #[error("the forge's token has blanks or other characters that no token has")]
    Token,
    /// There is no webhook secret.
    #[error(transparent)]
    Secrets(#[from] NoSecret),
    /// The HTTP client cannot be made, for instance for want of certificates.
    #[error("cannot make an HTTP client for the forge")]
    Client(#[source] reqwest::Error),
}

/// The root of the API, with a slash at the end.
pub(crate) fn api_root(base_url: &Url) -> Result<Url, ConfigError> {
    let bad = |why| {
        let mut shown = base_url.clone();
        // Neither can fail where there is a host, and without one there is no user.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        Err(ConfigError::Address { url: shown.into(), why })
    };
    if !["http", "https"].contains(&base_url.scheme()) || base_url.host().is_none() {
        return bad("it must start with https:// or http:// and a host");
    }
    if !base_url.username().is_empty() || base_url.password().is_some() {
        return bad("it must not hold a user or a password");
    }
    if base_url.query().is_some() || base_url.fragment().is_some() {
        return bad("it must have neither ? nor #");
    }
    let mut root = base_url.clone();
    root.set_path(&format!("{}/api/v1/", base_url.path().trim_end_matches('/')));
    Ok(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(url: &str) -> Result<String, String> {
        let root = api_root(&url.parse().unwrap());
        root.map(String::from).map_err(|error| error.to_string())
    }

    #[test]
    fn the_api_is_below_the_address_wherever_that_is() {
        let api = "https://f.example/api/v1/";
        assert_eq!(root("https://f.example").as_deref(), Ok(api));
        assert_eq!(root("https://f.example/").as_deref(), Ok(api));
        let api = "http://127.0.0.1:3000/git/api/v1/";
        assert_eq!(root("http://127.0.0.1:3000/git/").as_deref(), Ok(api));
    }

    #[test]
    fn other_addresses_are_refused_without_showing_their_password() {
        for bad in ["ssh://f.example/", "file:///x", "data:x", "http://f.example/?a", "http://f/#a"]
        {
            assert!(root(bad).is_err(), "{bad}");
        }
        let why = root("https://bot:hidden@f.example/").unwrap_err();
        assert!(why.contains("password") && !why.contains("hidden"), "{why}");
    }
}
