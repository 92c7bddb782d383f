//! What a push webhook means.
//!
//! Only what is used is read, by structures of our own; unknown fields pass.
//! Forgejo's body has no `created`, `deleted` or `forced`: a commit of zeros
//! says the first two, and the third only Git knows.

use serde::Deserialize;
use solstice_forge::{Event, Interpretation, MAX_TITLE_CHARS, Push, Repository, text};
use solstice_model::{CommitSha, GitRef};
use url::Url;

#[derive(Deserialize)]
struct Body {
    r#ref: String,
    before: String,
    after: String,
    head_commit: Option<HeadCommit>,
    repository: BodyRepository,
    pusher: Option<User>,
    sender: Option<User>,
}

#[derive(Deserialize)]
struct HeadCommit {
    id: String,
    message: String,
}

#[derive(Deserialize)]
struct BodyRepository {
    full_name: String,
    clone_url: String,
    html_url: String,
    private: bool,
    /// Of an organisation that only those who are logged in see.
    #[serde(default)]
    internal: bool,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

/// One end of a push.
#[derive(PartialEq, Eq)]
enum End {
    /// All zeros: the ref did not exist, or does not any more.
    Nothing,
    Commit(CommitSha),
}

/// Why a push starts nothing.
enum Unfit {
    Ignored(String),
    Malformed(String),
}

impl<E: std::fmt::Display> From<E> for Unfit {
    /// Any error of a part makes the whole malformed. Errors quote what they
    /// refuse, so they are made safe to show.
    fn from(error: E) -> Self {
        Unfit::Malformed(text::one_line(&error.to_string(), MAX_TITLE_CHARS))
    }
}

pub(crate) fn interpret(body: &[u8]) -> Interpretation {
    match read(body) {
        Ok(push) => Interpretation::Event(Event::Push(push)),
        Err(Unfit::Ignored(reason)) => Interpretation::Ignored { reason },
        Err(Unfit::Malformed(reason)) => Interpretation::Malformed { reason },
    }
}

fn read(body: &[u8]) -> Result<Push, Unfit> {
    let body: Body = serde_json::from_slice(body)?;
    let git_ref: GitRef = body.r#ref.parse()?;
    let kind = match (git_ref.branch(), git_ref.tag()) {
        (Some(_), _) => "branch",
        (_, Some(_)) => "tag",
        _ => return Err(Unfit::Ignored(format!("{git_ref} is neither a branch nor a tag"))),
    };
    let (before, after) = (end(&body.before)?, end(&body.after)?);
    if body.before.len() != body.after.len() {
        return Err(Unfit::from("before and after are ids of different kinds"));
    }
    let after = match after {
        End::Nothing if before == End::Nothing => {
            return Err(Unfit::Ignored("neither before nor after is a commit".to_owned()));
        }
        End::Nothing => {
            return Err(Unfit::Ignored(format!("the {kind} {} was deleted", git_ref.short())));
        }
        End::Commit(_) if before == after => {
            let reason = "before and after are equal: the webhook's test button was pressed";
            return Err(Unfit::Ignored(reason.to_owned()));
        }
        End::Commit(after) => after,
    };
    let (commit, title) = commit(&git_ref, after, body.head_commit)?;
    Ok(Push {
        repository: repository(&body.repository)?,
        git_ref,
        commit,
        title,
        actor: actor(body.pusher.or(body.sender))?,
    })
}

fn end(id: &str) -> Result<End, Unfit> {
    if [40, 64].contains(&id.len()) && id.bytes().all(|b| b == b'0') {
        return Ok(End::Nothing);
    }
    Ok(End::Commit(id.parse()?))
}

/// The commit to build, and its title. For an annotated tag, `after` is the
/// tag object and the head commit the commit; for a branch both are the commit.
fn commit(
    git_ref: &GitRef,
    after: CommitSha,
    head: Option<HeadCommit>,
) -> Result<(CommitSha, String), Unfit> {
    let Some(head) = head else { return Ok((after, String::new())) };
    let id: CommitSha = head.id.parse()?;
    let title = text::first_line(&head.message, MAX_TITLE_CHARS);
    match git_ref.tag() {
        Some(_) => Ok((id, title)),
        None if id == after => Ok((after, title)),
        // What the branch points to is what counts, whatever else is told.
        None => Ok((after, String::new())),
    }
}

fn repository(given: &BodyRepository) -> Result<Repository, Unfit> {
    Ok(Repository {
        name: given.full_name.parse()?,
        clone_url: web_address("clone_url", &given.clone_url)?,
        html_url: web_address("html_url", &given.html_url)?,
        private: given.private || given.internal,
    })
}

/// Hosts fetch from these addresses and pages link to them: they must be web
/// addresses, and hold no credentials.
fn web_address(field: &str, given: &str) -> Result<Url, Unfit> {
    let url: Url = given.parse().map_err(|error| format!("repository.{field}: {error}"))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(Unfit::from(format!("repository.{field} is no web address: {url}")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Unfit::from(format!("repository.{field} holds a user or a password")));
    }
    Ok(url)
}

fn actor(user: Option<User>) -> Result<String, Unfit> {
    let login = user.map(|user| text::one_line(&user.login, MAX_TITLE_CHARS)).unwrap_or_default();
    if login.is_empty() {
        return Err(Unfit::from("neither pusher nor sender says who pushed"));
    }
    Ok(login)
}
