//! Asking a forge who somebody is: OAuth 2.0's authorization code grant with PKCE
//! (RFC 6749, RFC 7636), as RFC 9700 wants it.
//!
//! The forge's token for the user is used once, to ask for their name, and
//! dropped: what they may do the server asks with its own account. Each forge
//! has a redirect URI of its own, so that one cannot pass its codes off as
//! another's.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use solstice_config::server::{ForgeConfig, ForgeKind, SignIn};
use solstice_model::{ForgeName, Role, Token};
use url::Url;

/// The longest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// How long a forge may take to be reached, and to answer.
const CONNECT: Duration = Duration::from_secs(5);
const TOTAL: Duration = Duration::from_secs(10);

/// The longest name of a user, and the longest token.
const MAX_LOGIN: usize = 100;
const MAX_TOKEN: usize = 4096;

/// Why it is not known who somebody is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OAuthError {
    /// The forge cannot be reached, or broke off.
    #[error("cannot reach the forge for {what}")]
    Unreachable {
        /// What for.
        what: &'static str,
        /// Why not.
        #[source]
        source: reqwest::Error,
    },
    /// The forge does not take the code, or our application's secret.
    #[error("the forge refuses {what}: {why}")]
    Refused {
        /// What it refuses.
        what: &'static str,
        /// Its word for that.
        why: String,
    },
    /// The answer makes no sense, or is larger than it may be.
    #[error("the forge's answer to {what} is unusable: {why}")]
    BadAnswer {
        /// What was asked.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// A forge with which people sign in.
pub(crate) struct Provider {
    /// Its name.
    pub(crate) forge: ForgeName,
    config: SignIn,
    authorize: Url,
    token: Url,
    user: Url,
    scope: Option<&'static str>,
    http: reqwest::Client,
}

/// A forge's answer to a code: a token, or an error (RFC 6749, section 5). GitHub
/// gives both with the status 200.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Option<String>,
    token_type: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct UserAnswer {
    login: String,
}

impl Provider {
    /// Of a forge's configuration; `None` if its users do not sign in.
    pub(crate) fn new(config: &ForgeConfig) -> Option<Self> {
        let sign_in = config.sign_in.clone()?;
        let (api, scope) = match &config.kind {
            // Without a scope GitHub tells what is public anyway.
            ForgeKind::GitHub { api, .. } => (github_api(&config.url, api.as_ref()), None),
            // Gitea heeds it from 1.23 on; to Forgejo a token is for everything.
            ForgeKind::Forgejo { .. } => (below(&config.url, "/api/v1"), Some("read:user")),
        };
        let http = reqwest::Client::builder()
            .user_agent(concat!("solstice-ci/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .build()
            .expect("the forge's own client was made of the same parts");
        Some(Self {
            forge: config.name.clone(),
            config: sign_in,
            authorize: below(&config.url, "/login/oauth/authorize"),
            token: below(&config.url, "/login/oauth/access_token"),
            user: below(&api, "/user"),
            scope,
            http,
        })
    }

    /// What a user may do everywhere.
    pub(crate) fn role_of(&self, login: &str) -> Role {
        self.config.role_of(login)
    }

    /// Where the forge sends people back to.
    pub(crate) fn redirect(&self, base: &Url) -> Url {
        base.join(&format!("/login/{}/callback", self.forge)).expect("a forge's name is plain")
    }

    /// Where the browser goes to be asked.
    pub(crate) fn start(&self, base: &Url, state: &Token, verifier: &Token) -> Url {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.secret()));
        let mut url = self.authorize.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", self.redirect(base).as_str())
            .append_pair("state", state.secret())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if let Some(scope) = self.scope {
            url.query_pairs_mut().append_pair("scope", scope);
        }
        url
    }

    /// Whose code this is.
    ///
    /// # Errors
    ///
    /// [`OAuthError`].
    pub(crate) async fn login(
        &self,
        base: &Url,
        code: &str,
        verifier: &Token,
    ) -> Result<String, OAuthError> {
        let token = self.redeem(base, code, verifier).await?;
        let what = "who somebody is";
        let request = self.http.get(self.user.clone()).bearer_auth(token);
        let (status, body) = send(request, what).await?;
        if status != http::StatusCode::OK {
            return Err(OAuthError::Refused { what, why: format!("status {status}") });
        }
        let UserAnswer { login } = decode(&body, what)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if login.is_empty() || login.len() > MAX_LOGIN || !login.chars().all(plain) {
            let why = "it names nobody".to_owned();
            return Err(OAuthError::BadAnswer { what, why });
        }
        Ok(login)
    }

    /// Gives a code for a token.
    async fn redeem(&self, base: &Url, code: &str, verifier: &Token) -> Result<String, OAuthError> {
        let what = "a code";
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("client_secret", self.config.client_secret.expose())
            .append_pair("code", code)
            .append_pair("redirect_uri", self.redirect(base).as_str())
            .append_pair("code_verifier", verifier.secret())
            .finish();
        let request = self
            .http
            .post(self.token.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        let (status, body) = send(request, what).await?;
        let answer: TokenAnswer = decode(&body, what)?;
        if let Some(error) = answer.error {
            // A word of the standard's, and nothing that a stranger may write into a log.
            let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
            let why = error.chars().filter(plain).take(60).collect();
            return Err(OAuthError::Refused { what, why });
        }
        let bearer = answer.token_type.is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
        let fits = |token: &String| {
            token.len() <= MAX_TOKEN && token.chars().all(|c| c.is_ascii_graphic())
        };
        match answer.access_token.filter(fits) {
            Some(token) if bearer && !token.is_empty() && status.is_success() => Ok(token),
            _ => Err(OAuthError::BadAnswer { what, why: "it holds no token".to_owned() }),
        }
    }
}

/// Sends a request and reads its answer as far as that may go.
async fn send(
    request: reqwest::RequestBuilder,
    what: &'static str,
) -> Result<(http::StatusCode, Vec<u8>), OAuthError> {
    let unreachable =
        |source: reqwest::Error| OAuthError::Unreachable { what, source: source.without_url() };
    let request = request.header(header::ACCEPT, "application/json");
    let mut answer = request.send().await.map_err(unreachable)?;
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&part);
        if body.len() > MAX_ANSWER_BYTES {
            let why = format!("it has more than {MAX_ANSWER_BYTES} bytes");
            return Err(OAuthError::BadAnswer { what, why });
        }
    }
    Ok((answer.status(), body))
}

fn decode<T: serde::de::DeserializeOwned>(
    body: &[u8],
    what: &'static str,
) -> Result<T, OAuthError> {
    serde_json::from_slice(body).map_err(|error| {
        // Not the error's own text, which quotes.
        let why = format!("it is not what was expected, at column {}", error.column());
        OAuthError::BadAnswer { what, why }
    })
}

/// Where the API of a GitHub is, as its adapter finds it.
fn github_api(url: &Url, given: Option<&Url>) -> Url {
    match (given, url.host_str()) {
        (Some(given), _) => given.clone(),
        (None, Some(host)) if host == "github.com" || host.ends_with(".ghe.com") => {
            Url::parse(&format!("https://api.{host}/")).expect("it is an address")
        }
        (None, _) => below(url, "/api/v3"),
    }
}

fn below(url: &Url, path: &str) -> Url {
    let mut all = url.clone();
    all.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
    all
}
