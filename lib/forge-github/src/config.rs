//! What has to be known of a GitHub App.

use std::time::Duration;

use solstice_forge::{NoSecret, Secret};
use solstice_model::ForgeName;
use url::Url;

/// One GitHub App on github.com or a GitHub Enterprise Server, as the
/// configuration describes it.
#[derive(Clone, Debug)]
pub struct GitHubConfig {
    /// Its name in the configuration.
    pub name: ForgeName,
    /// The address for people: `https://github.com/`, or that of an Enterprise
    /// Server. The API is on the host `api.github.com` for the first (likewise
    /// for `*.ghe.com`) and at `api/v3/` below any other.
    pub base_url: Url,
    /// Where the API is, if it is elsewhere.
    pub api_url: Option<Url>,
    /// The App's id, a number.
    pub app_id: u64,
    /// The App's private key as it is downloaded: RSA, in PEM (PKCS #1 or #8).
    pub private_key_pem: Secret,
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
    /// An address is none of a web server's.
    #[error("{url} is no forge's address: {why}")]
    Address {
        /// The address, without anything secret.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The App's id is zero.
    #[error("the App's id is a positive number, shown on its settings page as App ID")]
    AppId,
    /// The private key is none, or cannot sign.
    #[error(
        "the App's private key is no RSA private key in PEM: download one from the App's settings \
         page; it begins with -----BEGIN RSA PRIVATE KEY-----"
    )]
    PrivateKey,
    /// There is no webhook secret.
    #[error(transparent)]
    Secrets(#[from] NoSecret),
    /// The HTTP client cannot be made, for instance for want of certificates.
    #[error("cannot make an HTTP client for the forge")]
    Client(#[source] reqwest::Error),
}

/// The root of the API, with a slash at the end.
pub(crate) fn api_root(config: &GitHubConfig) -> Result<Url, ConfigError> {
    check(&config.base_url)?;
    if let Some(given) = &config.api_url {
        check(given)?;
        return Ok(below(given, "/"));
    }
    match config.base_url.host_str() {
        // github.com, and its tenants with data residency.
        Some(host) if host == "github.com" || host.ends_with(".ghe.com") => {
            Ok(Url::parse(&format!("https://api.{host}/")).expect("it is an address"))
        }
        _ => Ok(below(&config.base_url, "/api/v3/")),
    }
}

fn below(url: &Url, path: &str) -> Url {
    let mut root = url.clone();
    root.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
    root
}

fn check(url: &Url) -> Result<(), ConfigError> {
    let bad = |why| {
        let mut shown = url.clone();
        // Neither can fail where there is a host, and without one there is no user.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        Err(ConfigError::Address { url: shown.into(), why })
    };
    if !["http", "https"].contains(&url.scheme()) || url.host().is_none() {
        return bad("it must start with https:// or http:// and a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return bad("it must not hold a user or a password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return bad("it must have neither ? nor #");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(base_url: &str, api_url: Option<&str>) -> Result<String, String> {
        let config = GitHubConfig {
            name: "github".parse().unwrap(),
            base_url: base_url.parse().unwrap(),
            api_url: api_url.map(|url| url.parse().unwrap()),
            app_id: 7,
            private_key_pem: Secret::new("k").unwrap(),
            webhook_secrets: Vec::new(),
        };
        api_root(&config).map(String::from).map_err(|error| error.to_string())
    }

    #[test]
    fn the_api_of_github_is_on_a_host_of_its_own_and_others_below_theirs() {
        let github = "https://api.github.com/";
        assert_eq!(root("https://github.com", None).as_deref(), Ok(github));
        assert_eq!(root("https://github.com/", None).as_deref(), Ok(github));
        let tenant = root("https://octo.ghe.com/", None);
        assert_eq!(tenant.as_deref(), Ok("https://api.octo.ghe.com/"));
        let own = "https://git.example/api/v3/";
        assert_eq!(root("https://git.example/", None).as_deref(), Ok(own));
        let elsewhere = Some("http://127.0.0.1:4010");
        assert_eq!(root("https://github.com", elsewhere).as_deref(), Ok("http://127.0.0.1:4010/"));
        let elsewhere = Some("http://127.0.0.1:4010/a/");
        assert_eq!(
            root("https://github.com", elsewhere).as_deref(),
            Ok("http://127.0.0.1:4010/a/")
        );
    }

    #[test]
    fn other_addresses_are_refused_without_showing_their_password() {
        for bad in ["ssh://f.example/", "file:///x", "data:x", "http://f.example/?a", "http://f/#a"]
        {
            assert!(root(bad, None).is_err(), "{bad}");
            assert!(root("https://github.com", Some(bad)).is_err(), "{bad}");
        }
        let why = root("https://bot:hidden@f.example/", None).unwrap_err();
        assert!(why.contains("password") && !why.contains("hidden"), "{why}");
    }
}
