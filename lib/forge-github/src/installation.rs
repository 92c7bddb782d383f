//! Which installation of the App a repository belongs to, and its token.
//!
//! All calls of an installation share one token: who needs one while it is
//! made waits for it. A token is renewed before it runs out, and dropped when
//! the forge no longer takes it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, StatusCode};
use octocrab::EncodingKey;
use octocrab::auth::create_jwt;
use serde::{Deserialize, Serialize};
use solstice_forge::{ForgeError, Retry, Secret};
use solstice_model::RepoName;

use crate::client::{Answer, Bearer, Body, Call, Client, below};
use crate::config::ConfigError;

/// How long before its end a token is renewed.
const RENEWED_BEFORE: TimeDelta = TimeDelta::minutes(5);

/// The largest answer about an installation that is read.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// The most repositories whose installation is remembered.
const MAX_REPOSITORIES: usize = 10_000;

/// The most installations whose token is remembered.
const MAX_INSTALLATIONS: usize = 1_000;

/// The App, which signs for itself.
pub(crate) struct App {
    id: u64,
    key: EncodingKey,
}

/// The installations of an App.
pub(crate) struct Installations {
    app: App,
    /// The longest that anybody waits for a token that somebody else asks for.
    patience: Duration,
    /// Guards both maps; held for no more than a look.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    repositories: HashMap<RepoName, u64>,
    tokens: HashMap<u64, Arc<Slot>>,
}

/// The token of one installation; locked while it is asked for.
type Slot = tokio::sync::Mutex<Option<Token>>;

#[derive(Clone)]
struct Token {
    bearer: Bearer,
    expires_at: DateTime<Utc>,
}

/// What may be done with a token, out of what the App may do.
#[derive(Serialize)]
struct TokenRequest<'r> {
    permissions: &'static Permissions,
    /// Names without their owner's; all of the installation's if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    repositories: Option<[&'r str; 1]>,
}

#[derive(Serialize)]
struct Permissions {
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<&'static str>,
    contents: &'static str,
    metadata: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pull_requests: Option<&'static str>,
}

/// Of the token for our calls.
const NEEDED: Permissions = Permissions {
    checks: Some("write"),
    contents: "read",
    metadata: "read",
    pull_requests: Some("read"),
};

/// Of a token for fetching.
const READING: Permissions =
    Permissions { checks: None, contents: "read", metadata: "read", pull_requests: None };

#[derive(Deserialize)]
struct Installation {
    id: u64,
}

#[derive(Deserialize)]
struct Minted {
    token: String,
    expires_at: DateTime<Utc>,
}

impl App {
    /// Reads the key, and tries it.
    pub(crate) fn new(id: u64, private_key_pem: &Secret) -> Result<Self, ConfigError> {
        if id == 0 {
            return Err(ConfigError::AppId);
        }
        let key = EncodingKey::from_rsa_pem(private_key_pem.expose());
        let app = Self { id, key: key.map_err(|_| ConfigError::PrivateKey)? };
        app.bearer().ok_or(ConfigError::PrivateKey)?;
        Ok(app)
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// A proof that we are the App, good for some minutes.
    fn bearer(&self) -> Option<Bearer> {
        Bearer::new(&create_jwt(self.id.into(), &self.key).ok()?)
    }

    /// Sends a call in the App's own name.
    pub(crate) async fn send(
        &self,
        client: &Client,
        call: &Call,
        wanted: StatusCode,
    ) -> Result<Answer, ForgeError> {
        let bearer = self.bearer().expect("the key signed when it was read");
        client.send(call, &bearer).await?.wanted(wanted, &bearer).await
    }
}

impl Installations {
    pub(crate) fn new(app: App, patience: Duration) -> Self {
        Self { app, patience, known: Mutex::default() }
    }

    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// Sends a call about a repository in the name of its installation.
    pub(crate) async fn send(
        &self,
        client: &Client,
        repository: &RepoName,
        call: &Call,
        wanted: StatusCode,
    ) -> Result<Answer, ForgeError> {
        let bearer = self.bearer(client, repository).await?;
        let answer = client.send(call, &bearer).await?;
        let (answer, bearer) = match answer.status {
            StatusCode::UNAUTHORIZED => {
                // It was revoked, or its end came early: once more with another.
                self.forget(repository, &bearer).await;
                let bearer = self.bearer(client, repository).await?;
                (client.send(call, &bearer).await?, bearer)
            }
            _ => (answer, bearer),
        };
        match answer.status {
            StatusCode::UNAUTHORIZED => self.forget(repository, &bearer).await,
            // Perhaps the App was installed anew, or the repository moved.
            StatusCode::NOT_FOUND => self.forget_repository(repository),
            _ => {}
        }
        answer.wanted(wanted, &bearer).await
    }

    /// A token that is good for some minutes at least.
    async fn bearer(&self, client: &Client, repository: &RepoName) -> Result<Bearer, ForgeError> {
        let bearer = self.bearer_without_end(client, repository);
        match tokio::time::timeout(self.patience, bearer).await {
            Ok(bearer) => bearer,
            Err(elapsed) => {
                let what = format!("a token for {repository}");
                Err(ForgeError::Unreachable { what, source: Box::new(elapsed) })
            }
        }
    }

    async fn bearer_without_end(
        &self,
        client: &Client,
        repository: &RepoName,
    ) -> Result<Bearer, ForgeError> {
        let installation = self.installation(client, repository).await?;
        let slot = self.slot(installation);
        let mut slot = slot.lock().await;
        if let Some(token) = slot.as_ref().filter(|token| token.is_good(Utc::now())) {
            return Ok(token.bearer.clone());
        }
        let request = TokenRequest { permissions: &NEEDED, repositories: None };
        let token = self.mint(client, repository, installation, &request).await?;
        let bearer = token.bearer.clone();
        *slot = Some(token);
        Ok(bearer)
    }

    async fn installation(
        &self,
        client: &Client,
        repository: &RepoName,
    ) -> Result<u64, ForgeError> {
        if let Some(id) = self.known(|known| known.repositories.get(repository).copied()) {
            return Ok(id);
        }
        let call = client.call(Method::GET, below(repository, &["installation"]), &[]);
        let answer = self.app.send(client, &call, StatusCode::OK).await?;
        let Installation { id } = plain(&call.what, answer).await?;
        self.known(|known| {
            if known.repositories.len() >= MAX_REPOSITORIES {
                known.repositories.clear();
            }
            known.repositories.insert(repository.clone(), id);
        });
        Ok(id)
    }

    /// A new token that can read this repository and nothing else.
    pub(crate) async fn reader(
        &self,
        client: &Client,
        repository: &RepoName,
    ) -> Result<Secret, ForgeError> {
        let installation = self.installation(client, repository).await?;
        let name = repository.as_str().split('/').next_back().unwrap_or_default();
        let request = TokenRequest { permissions: &READING, repositories: Some([name]) };
        let token = self.mint(client, repository, installation, &request).await?;
        Ok(Secret::new(token.bearer.token()).expect("a bearer's token is not empty"))
    }

    async fn mint(
        &self,
        client: &Client,
        repository: &RepoName,
        installation: u64,
        request: &TokenRequest<'_>,
    ) -> Result<Token, ForgeError> {
        let id = installation.to_string();
        let path = ["app", "installations", &id, "access_tokens"];
        let call = client.call(Method::POST, path, &[]).json(request);
        let answer = self.app.send(client, &call, StatusCode::CREATED).await;
        if let Err(ForgeError::Refused { status: 401 | 404, .. }) = answer {
            self.forget_repository(repository);
        }
        let Minted { token, expires_at } = plain(&call.what, answer?).await?;
        let bearer = Bearer::new(&token).ok_or_else(|| unusable(&call.what))?;
        Ok(Token { bearer, expires_at })
    }

    fn slot(&self, installation: u64) -> Arc<Slot> {
        self.known(|known| {
            if known.tokens.len() >= MAX_INSTALLATIONS && !known.tokens.contains_key(&installation)
            {
                known.tokens.clear();
            }
            known.tokens.entry(installation).or_default().clone()
        })
    }

    /// Drops a token that is not taken, unless there is another already.
    async fn forget(&self, repository: &RepoName, refused: &Bearer) {
        let slot = self.known(|known| {
            let installation = known.repositories.remove(repository)?;
            known.tokens.get(&installation).cloned()
        });
        let Some(slot) = slot else { return };
        slot.lock().await.take_if(|token| token.bearer == *refused);
    }

    fn forget_repository(&self, repository: &RepoName) {
        self.known(|known| known.repositories.remove(repository));
    }

    fn known<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Token {
    fn is_good(&self, now: DateTime<Utc>) -> bool {
        now + RENEWED_BEFORE < self.expires_at
    }
}

/// An answer of few words. What is wrong with it is not told: it may hold a token.
async fn plain<T: serde::de::DeserializeOwned>(
    what: &str,
    answer: Answer,
) -> Result<T, ForgeError> {
    match answer.read(MAX_ANSWER_BYTES).await? {
        Body::Whole(body) => serde_json::from_slice(&body).map_err(|_| unusable(what)),
        Body::TooLarge => Err(unusable(what)),
    }
}

fn unusable(what: &str) -> ForgeError {
    let why = "it is not what it should be".to_owned();
    ForgeError::BadAnswer { what: what.to_owned(), why, retry: Retry::Backoff }
}
