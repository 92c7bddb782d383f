//! GitHub's code, exchanged for the App that was made.
//!
//! <https://docs.github.com/en/rest/apps/apps#create-a-github-app-from-a-manifest>

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use crate::output;

/// The largest answer; one takes about four KiB.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Why no forge was added.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddError {
    /// Nobody pressed the button in time.
    #[error("GitHub sent no browser back within {}; nothing was written", humantime::format_duration(*.0))]
    Late(Duration),
    /// Somebody had enough.
    #[error("interrupted; nothing was written")]
    Interrupted,
    /// GitHub could not be reached, or broke off.
    #[error("cannot exchange the code at {url}; nothing was written")]
    Unreachable {
        /// The address.
        url: Url,
        /// Why not.
        #[source]
        source: reqwest::Error,
    },
    /// GitHub refused.
    #[error("GitHub did not take the code: {status} {message}; nothing was written")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// GitHub's words.
        message: String,
    },
    /// GitHub's answer makes no sense.
    #[error("GitHub's answer is unusable: {0}; nothing was written")]
    Strange(&'static str),
    /// The App is made, and its key is lost.
    #[error("the App {app} is made, but {} cannot be written", path.display())]
    Lost {
        /// The App's page.
        app: String,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// The App, as GitHub tells it once.
#[derive(Deserialize)]
pub(super) struct Made {
    pub(super) id: u64,
    pub(super) html_url: Url,
    pub(super) pem: String,
    pub(super) webhook_secret: Option<String>,
}

/// The root of the API of a GitHub, with a slash at the end.
pub(super) fn api_root(github: &Url) -> Url {
    if github.host_str() == Some("github.com") {
        return "https://api.github.com/".parse().expect("it is an address");
    }
    let mut root = github.clone();
    root.set_path(&format!("{}/api/v3/", github.path().trim_end_matches('/')));
    root
}

/// Exchanges the code; works once.
pub(super) async fn exchange(github: &Url, code: &str) -> Result<Made, AddError> {
    let path = format!("app-manifests/{code}/conversions");
    let url = api_root(github).join(&path).expect("a code is plain characters");
    let unreachable = |source: reqwest::Error| AddError::Unreachable {
        // The code is as good as a password for a while.
        url: api_root(github),
        source: source.without_url(),
    };
    let client = reqwest::Client::builder()
        .user_agent(concat!("solstice-ci/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30))
        .build()
        .map_err(unreachable)?;
    let request = client
        .post(url)
        .header("accept", "application/vnd.github+json")
        .header("x-github-api-version", "2022-11-28");
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(AddError::Strange("it is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    if status != 201 {
        return Err(AddError::Refused { status, message: message(&body) });
    }
    let made: Made = serde_json::from_slice(&body)
        .map_err(|_| AddError::Strange("it does not describe an App with its key"))?;
    checked(made)
}

/// The App, if its key and its secret are what they are called.
fn checked(made: Made) -> Result<Made, AddError> {
    let pem = made.pem.trim();
    if !pem.starts_with("-----BEGIN ") || !pem.ends_with("PRIVATE KEY-----") {
        return Err(AddError::Strange("its key is no private key in PEM"));
    }
    if !["http", "https"].contains(&made.html_url.scheme()) {
        return Err(AddError::Strange("its page is none of the web"));
    }
    let one_line = |secret: &String| !secret.is_empty() && !secret.contains(char::is_control);
    if !made.webhook_secret.as_ref().is_some_and(one_line) {
        return Err(AddError::Strange("it has no webhook secret"));
    }
    Ok(made)
}

/// GitHub's words for an error.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    let told = serde_json::from_slice::<Refusal>(body).map(|refusal| refusal.message);
    let told = told.unwrap_or_default();
    output::harmless(&told).chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_of_an_enterprise_server_is_below_its_address() {
        let root = |url: &str| api_root(&url.parse().unwrap()).to_string();
        assert_eq!(root("https://github.com"), "https://api.github.com/");
        assert_eq!(root("https://git.example.org/"), "https://git.example.org/api/v3/");
        assert_eq!(root("http://127.0.0.1:1/x"), "http://127.0.0.1:1/x/api/v3/");
    }
}
