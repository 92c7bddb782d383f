//! A forge that says who somebody is, stricter than real ones: it speaks OAuth as
//! GitHub does (errors with the status 200) or as Forgejo does.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

pub(crate) const CLIENT: &str = "our-client";
pub(crate) const SECRET: &str = "our-secret";

/// How the next answer goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Garbage,
    Huge,
    Silent,
    Redirect,
    NoToken,
    OddLogin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    GitHub,
    Forgejo,
}

struct Grant {
    login: String,
    challenge: String,
    redirect: String,
}

#[derive(Default)]
struct State {
    codes: HashMap<String, Grant>,
    tokens: HashMap<String, String>,
    trouble: Option<Trouble>,
    /// How often a token was used.
    used: usize,
}

#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    kind: Kind,
    state: Arc<Mutex<State>>,
}

impl Provider {
    pub(crate) async fn start(kind: Kind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let provider = Self { address, kind, state: Arc::default() };
        let served = provider.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let served = served.clone();
                tokio::spawn(async move { served.serve(stream).await });
            }
        });
        provider
    }

    pub(crate) fn url(&self) -> Url {
        format!("http://{}", self.address).parse().unwrap()
    }

    pub(crate) fn fail(&self, trouble: Trouble) {
        self.state.lock().unwrap().trouble = Some(trouble);
    }

    pub(crate) fn used(&self) -> usize {
        self.state.lock().unwrap().used
    }

    /// What the user's browser does there: agrees. Gives the code and the state.
    pub(crate) fn agree(&self, at: &Url, login: &str) -> (String, String) {
        let asked: HashMap<_, _> = at.query_pairs().into_owned().collect();
        assert_eq!(at.path(), "/login/oauth/authorize");
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], CLIENT);
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["code_challenge"].len(), 43);
        assert!(asked["state"].len() > 40);
        let scope = asked.get("scope").map(String::as_str);
        assert_eq!(scope, (self.kind == Kind::Forgejo).then_some("read:user"));
        let mut state = self.state.lock().unwrap();
        let code = format!("code-{}", solstice_model::Token::generate().secret());
        let grant = Grant {
            login: login.to_owned(),
            challenge: asked["code_challenge"].clone(),
            redirect: asked["redirect_uri"].clone(),
        };
        state.codes.insert(code.clone(), grant);
        (code, asked["state"].clone())
    }

    async fn serve(&self, mut stream: TcpStream) {
        let Some((head, body)) = read(&mut stream).await else { return };
        let (status, answer) = match self.state.lock().unwrap().trouble {
            Some(Trouble::Silent) => (0, String::new()),
            Some(Trouble::Garbage) => (200, "<html>not json".to_owned()),
            Some(Trouble::Huge) => (200, format!("{{\"x\":\"{}\"}}", "x".repeat(1 << 20))),
            Some(Trouble::Redirect) => (302, String::new()),
            _ => (0, "-".to_owned()),
        };
        let (status, answer) = match (status, answer.as_str()) {
            (0, "-") => self.answer(&head, &body),
            (0, _) => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                return;
            }
            _ => (status, answer),
        };
        let text = format!(
            "HTTP/1.1 {status} X\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{answer}",
            answer.len()
        );
        let _ = stream.write_all(text.as_bytes()).await;
    }

    fn answer(&self, head: &str, body: &str) -> (u16, String) {
        let user = match self.kind {
            Kind::GitHub => "GET /api/v3/user ",
            Kind::Forgejo => "GET /api/v1/user ",
        };
        if head.starts_with("POST /login/oauth/access_token ") {
            return match self.redeem(body) {
                Ok(answer) => (200, answer.to_string()),
                Err(error) => {
                    let status = if self.kind == Kind::GitHub { 200 } else { 400 };
                    (status, json!({ "error": error, "error_description": "no" }).to_string())
                }
            };
        }
        assert!(head.starts_with(user), "{head}");
        assert!(head.to_lowercase().contains("user-agent: "));
        let mut state = self.state.lock().unwrap();
        let token = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("authorization").then(|| value.strip_prefix("Bearer "))?
        });
        let Some(login) = token.and_then(|token| state.tokens.remove(token)) else {
            return (401, json!({ "message": "bad credentials" }).to_string());
        };
        state.used += 1;
        let odd = state.trouble == Some(Trouble::OddLogin);
        let login = if odd { "<script>/../x".to_owned() } else { login };
        (200, json!({ "login": login, "id": 7, "email": "x@y.z" }).to_string())
    }

    fn redeem(&self, body: &str) -> Result<Value, &'static str> {
        let given: HashMap<String, String> =
            url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let get = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
        let mut state = self.state.lock().unwrap();
        if state.trouble == Some(Trouble::NoToken) {
            return Ok(json!({ "token_type": "bearer" }));
        }
        if get("grant_type") != "authorization_code" {
            return Err("unsupported_grant_type");
        }
        if get("client_id") != CLIENT || get("client_secret") != SECRET {
            return Err("incorrect_client_credentials");
        }
        // A code is used up whatever comes of it.
        let Some(grant) = state.codes.remove(get("code")) else {
            return Err("bad_verification_code");
        };
        if get("redirect_uri") != grant.redirect {
            return Err("redirect_uri_mismatch");
        }
        let verifier = get("code_verifier");
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        if !(43..=128).contains(&verifier.len()) || challenge != grant.challenge {
            return Err("invalid_grant");
        }
        let token = solstice_model::Token::generate().secret().to_owned();
        state.tokens.insert(token.clone(), grant.login);
        Ok(json!({ "access_token": token, "token_type": "bearer", "scope": "" }))
    }
}

/// Reads a request: its head and its body.
async fn read(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut all = Vec::new();
    loop {
        let mut part = [0; 4096];
        let length = stream.read(&mut part).await.ok().filter(|length| *length > 0)?;
        all.extend_from_slice(&part[..length]);
        let text = String::from_utf8_lossy(&all).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let announced = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
        });
        if body.len() >= announced.unwrap_or(0) {
            return Some((head.to_owned(), body.to_owned()));
        }
    }
}
