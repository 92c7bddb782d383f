//! The server that a command talks to, and how it tells of it.

use clap::Args;
use futures::{Stream, TryStreamExt as _};
use solstice_client::user::{Client, types};
use solstice_client::{ByteStream, Connect, Error, Follow, Refusal, ResponseValue};
use solstice_model::{JobId, Token};
use url::Url;

use crate::failure::Failure;
use crate::profile::{Profile, Profiles, USUAL};

/// What every command takes that asks a server.
#[derive(Clone, Debug, Args)]
pub(crate) struct Access {
    /// The profile that `login` wrote
    #[arg(long, value_name = "NAME", env = "SOLSTICE_PROFILE")]
    profile: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A server and the token for it.
pub(crate) struct Session {
    server: Url,
    connect: Connect,
    /// The calls.
    pub(crate) client: Client,
    /// Whether the answer is to be JSON.
    pub(crate) json: bool,
}

impl Access {
    /// The profile's name.
    pub(crate) fn name(&self) -> &str {
        self.profile.as_deref().unwrap_or(USUAL)
    }

    /// Finds out which server is meant, and with which token: the environment
    /// comes before the profile.
    pub(crate) fn find(&self) -> Result<Profile, Failure> {
        let url = variable("SOLSTICE_URL").map(|text| address(&text)).transpose()?;
        let token = variable("SOLSTICE_TOKEN").map(|text| Token::from_text(&text));
        let kept = || Ok::<_, Failure>(Profiles::of_user()?.read(self.name())?);
        let Some(url) = url else {
            let kept = kept()?;
            return Ok(Profile { token: token.or(kept.token), url: kept.url });
        };
        // A kept token is for the server that it was kept with, and no other.
        let kept = || kept().ok().filter(|kept| kept.url == url)?.token;
        Ok(Profile { token: token.or_else(kept), url })
    }

    /// Makes a client of that server. Nothing is sent yet.
    pub(crate) fn open(&self) -> Result<Session, Failure> {
        Session::new(&self.find()?, self.json)
    }
}

impl Session {
    /// A client of this server.
    pub(crate) fn new(profile: &Profile, json: bool) -> Result<Self, Failure> {
        let mut connect = Connect::to(&profile.url);
        if let Some(token) = &profile.token {
            connect = connect.token(token);
        }
        let client = connect.user()?;
        Ok(Self { server: profile.url.clone(), connect, client, json })
    }

    /// The server's address.
    pub(crate) fn server(&self) -> &Url {
        &self.server
    }

    /// Follows a job.
    pub(crate) fn follow(&self, job: JobId) -> Result<Follow, Failure> {
        Ok(self.connect.follow(job)?)
    }

    /// The answer of a call, or why there is none.
    pub(crate) async fn answer<T>(
        &self,
        call: Result<ResponseValue<T>, Error<types::Error>>,
    ) -> Result<T, Failure> {
        match call {
            Ok(answer) => Ok(answer.into_inner()),
            Err(error) => Err(self.failed(Refusal::of(error).await)),
        }
    }

    /// The entries of all pages of a list, or why they cannot be had.
    pub(crate) async fn all<T>(
        &self,
        pages: impl Stream<Item = Result<T, Error<types::Error>>>,
    ) -> Result<Vec<T>, Failure> {
        match pages.try_collect().await {
            Ok(all) => Ok(all),
            Err(error) => Err(self.failed(Refusal::of(error).await)),
        }
    }

    /// The bytes that a call answers with.
    pub(crate) async fn bytes(
        &self,
        call: Result<ResponseValue<ByteStream>, Error<types::Error>>,
    ) -> Result<ByteStream, Failure> {
        self.answer(call).await
    }

    fn failed(&self, refusal: Refusal) -> Failure {
        Failure::Server { server: self.server.clone(), refusal: Box::new(refusal) }
    }

    /// The connection broke while an answer was read.
    pub(crate) fn broken(&self, source: reqwest::Error) -> Failure {
        self.failed(Refusal::Connection(source))
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// An address of a server.
pub(crate) fn address(text: &str) -> Result<Url, Failure> {
    let refused = |why: &str| {
        Failure::Usage(format!(
            "{text:?} is no server's address: {why}; write https://ci.example.org"
        ))
    };
    let url: Url = text.parse().map_err(|wrong: url::ParseError| refused(&wrong.to_string()))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => {}
        _ => return Err(refused("it begins with neither http:// nor https://")),
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(refused("it has more than a host, a port and a path"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_of_the_web() {
        assert!(address("http://127.0.0.1:8080").is_ok());
        assert!(address("https://ci.example.org/solstice/").is_ok());
        for bad in ["ci.example.org", "ftp://x", "https://me:pw@ci", "https://ci/?a=b", ""] {
            assert!(matches!(address(bad), Err(Failure::Usage(_))), "{bad}");
        }
    }
}
