//! What webhooks of check suites and check runs mean.
//!
//! They come for the suites of other Apps too, and say whose by the App's id.
//! Of a commit in a fork GitHub tells no branch; its pull request tells of it.

use serde::Deserialize;
use solstice_forge::body::{End, Unfit};
use solstice_forge::{CheckAction, CheckRequest, Event, Push};
use solstice_model::{CommitSha, GitRef};

use crate::body::{
    BodyCommit, BodyRepository, User, actor, ignored, is_queue, other_action, title,
};

/// The longest [`CheckRequest::subject`], in bytes: ours are UUIDs.
const MAX_SUBJECT_BYTES: usize = 64;

#[derive(Deserialize)]
struct SuiteBody {
    action: String,
    check_suite: Suite,
    repository: BodyRepository,
    sender: Option<User>,
}

#[derive(Deserialize)]
struct Suite {
    head_branch: Option<String>,
    head_sha: String,
    before: Option<String>,
    head_commit: Option<BodyCommit>,
    app: App,
}

#[derive(Deserialize)]
struct RunBody {
    action: String,
    check_run: Run,
    requested_action: Option<RequestedAction>,
    repository: BodyRepository,
    sender: Option<User>,
}

#[derive(Deserialize)]
struct Run {
    head_sha: String,
    external_id: Option<String>,
    app: App,
}

#[derive(Deserialize)]
struct RequestedAction {
    identifier: String,
}

#[derive(Deserialize)]
struct App {
    id: u64,
}

/// What the webhook of a check suite means.
pub(crate) fn suite(app_id: u64, body: &[u8]) -> Result<Event, Unfit> {
    let SuiteBody { action, check_suite, repository, sender } = serde_json::from_slice(body)?;
    require_ours(app_id, &check_suite.app)?;
    let commit: CommitSha = check_suite.head_sha.parse()?;
    match action.as_str() {
        "requested" => {}
        "rerequested" => {
            let (repository, actor, action) =
                (repository.checked()?, actor(sender)?, CheckAction::Rerun);
            let request = CheckRequest { repository, commit, subject: None, action, actor };
            return Ok(Event::CheckRequest(request));
        }
        other => return other_action("a check suite", other),
    }
    let Some(branch) = check_suite.head_branch else {
        return ignored("of a commit without a branch here, its pull request tells");
    };
    let git_ref: GitRef = format!("refs/heads/{branch}").parse()?;
    if is_queue(&git_ref) {
        return ignored(format!("{git_ref} is a merge queue's, which tells of it by itself"));
    }
    let before = check_suite.before.as_deref().map(End::read).transpose()?;
    Ok(Event::Push(Push {
        repository: repository.checked()?,
        git_ref,
        before: before.and_then(End::commit),
        title: title(check_suite.head_commit, &commit),
        commit,
        actor: actor(sender)?,
    }))
}

/// What the webhook of a check run means.
pub(crate) fn run(app_id: u64, body: &[u8]) -> Result<Event, Unfit> {
    let RunBody { action, check_run, requested_action, repository, sender } =
        serde_json::from_slice(body)?;
    require_ours(app_id, &check_run.app)?;
    let action = match (action.as_str(), requested_action) {
        ("rerequested", _) => CheckAction::Rerun,
        ("requested_action", Some(RequestedAction { identifier })) => {
            let ours = |action: &CheckAction| action.identifier() == identifier;
            match CheckAction::ALL.into_iter().find(ours) {
                Some(action) => action,
                None => return ignored("the button that was pressed is none of ours"),
            }
        }
        (other, _) => return other_action("a check run", other),
    };
    let ours = |subject: &String| {
        (1..=MAX_SUBJECT_BYTES).contains(&subject.len())
            && subject.bytes().all(|b| b.is_ascii_graphic())
    };
    let Some(subject) = check_run.external_id.filter(ours) else {
        return ignored("the check run is none that we made");
    };
    Ok(Event::CheckRequest(CheckRequest {
        repository: repository.checked()?,
        commit: check_run.head_sha.parse()?,
        subject: Some(subject),
        action,
        actor: actor(sender)?,
    }))
}

fn require_ours(app_id: u64, app: &App) -> Result<(), Unfit> {
    match app.id == app_id {
        true => Ok(()),
        false => ignored(format!("it is of another App, whose id is {}", app.id)),
    }
}
