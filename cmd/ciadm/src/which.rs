//! Which run or job is meant: by its id, by the end of its id, or by a name.
//!
//! Ids begin with the time, so that those of one minute look alike; their ends
//! are random. What the tables show, and what is enough to say, are the last
//! eight digits. Those are looked for among the newest runs only.

use std::num::NonZeroU32;

use solstice_api::user::{Job, Run, RunDetail};
use solstice_model::{BadName, DeliveryId, JobId, RepoName, RunId};
use url::Url;

use crate::failure::Failure;
use crate::session::Session;

/// The digits of an id that are shown, and the fewest that are taken.
const SHORT: usize = 8;

/// Runs among which the end of a run's id is looked for.
const RUNS: usize = 1_000;

/// Runs whose jobs are looked at for the end of a job's id.
const RUNS_OF_JOBS: usize = 100;

/// The most entries that the server gives at once.
const PAGE: u32 = 200;

/// The end of an id, as tables show it.
pub(crate) fn short(id: impl ToString) -> String {
    let id = id.to_string();
    id[id.len().saturating_sub(SHORT)..].to_owned()
}

/// The newest runs, of one repository and pull request if they are named.
pub(crate) async fn newest(
    session: &Session,
    repository: Option<&RepoName>,
    pull_request: Option<u64>,
    limit: usize,
) -> Result<Vec<Run>, Failure> {
    let (mut found, mut token) = (Vec::new(), None::<String>);
    let client = &session.client;
    loop {
        let wanted = u32::try_from(limit.saturating_sub(found.len())).unwrap_or(PAGE);
        let page = NonZeroU32::new(wanted.clamp(1, PAGE));
        // What is asked for is in the token of every page but the first.
        let asking = match token.as_deref() {
            None => {
                let number = pull_request;
                client
                    .run_list(None, None, None, None, page, None, number, None, repository, None)
                    .await
            }
            token => {
                client.run_list(None, None, None, None, page, token, None, None, None, None).await
            }
        };
        let page = session.answer(asking).await?;
        found.extend(page.items);
        token = page.next_page;
        if found.len() >= limit || token.is_none() {
            found.truncate(limit);
            return Ok(found);
        }
    }
}

/// The run with this id, or whose id ends so,
/// or the page of one that was copied from a browser, or `OWNER/NAME#NUMBER` for
/// the newest of a pull request.
pub(crate) async fn run(session: &Session, text: &str) -> Result<RunId, Failure> {
    let pasted = match pasted(text) {
        Some(Pasted::Job(id)) => return Err(wants_a_run(&id)),
        Some(Pasted::Run(id)) => Some(id),
        None => None,
    };
    let text = pasted.as_deref().unwrap_or(text);
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    if let Some((repository, number)) = text.split_once('#') {
        return of_pull_request(session, repository, number).await;
    }
    let end = end(text, "run")?;
    let runs = newest(session, None, None, RUNS).await?;
    let ids = runs.iter().map(|run| run.id).filter(|id| id.to_string().ends_with(&end));
    only(ids.collect(), "run", text)
}

/// The job with this id, or whose id ends so, or `RUN/NAME`.
pub(crate) async fn job(session: &Session, text: &str) -> Result<JobId, Failure> {
    let pasted = match pasted(text) {
        Some(Pasted::Run(id)) => return Err(wants_a_job(session, &id).await),
        Some(Pasted::Job(id)) => Some(id),
        None => None,
    };
    let text = pasted.as_deref().unwrap_or(text);
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    if let Some((run, name)) = text.rsplit_once('/') {
        return named(&view(session, self::run(session, run).await?).await?, name);
    }
    let end = end(text, "job")?;
    let mut found = Vec::new();
    for run in newest(session, None, None, RUNS_OF_JOBS).await? {
        let detail = view(session, run.id).await?;
        found.extend(
            detail.jobs.iter().map(|job| job.id).filter(|id| id.to_string().ends_with(&end)),
        );
    }
    if found.is_empty() && run(session, text).await.is_ok() {
        return Err(wants_a_job(session, text).await);
    }
    only(found, "job", text)
}

/// The address of a page, and what it is the page of.
enum Pasted {
    Run(String),
    Job(String),
}

fn pasted(text: &str) -> Option<Pasted> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let parts: Vec<&str> = url.path_segments()?.collect();
    // The server may live below a path.
    let at = parts.iter().rposition(|part| matches!(*part, "runs" | "jobs"))?;
    let id = (*parts.get(at + 1)?).to_owned();
    Some(if parts[at] == "runs" { Pasted::Run(id) } else { Pasted::Job(id) })
}

fn wants_a_run(job: &str) -> Failure {
    Failure::Usage(format!(
        "{job} is a job, and this is about runs: `ciadm job show` names its run"
    ))
}

/// Says which jobs a run has, where a job has to be named.
async fn wants_a_job(session: &Session, text: &str) -> Failure {
    let names = match run(session, text).await {
        Ok(id) => view(session, id).await.map(|detail| detail.jobs).unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    let names: Vec<&str> = names.iter().map(|job| job.name.as_str()).collect();
    let example = names.first().copied().unwrap_or("NAME");
    let all = names.join(", ");
    Failure::Usage(format!("{text} is a run; name a job of it ({all}): {text}/{example}"))
}

/// The newest run of a pull request.
async fn of_pull_request(
    session: &Session,
    repository: &str,
    number: &str,
) -> Result<RunId, Failure> {
    let wrong = || Failure::Usage(format!("{number:?} is no number of a pull request"));
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let repository: RepoName =
        repository.parse().map_err(|wrong: BadName| Failure::Usage(wrong.to_string()))?;
    let runs = newest(session, Some(&repository), Some(number), 1).await?;
    runs.first().map(|run| run.id).ok_or_else(|| {
        Failure::Usage(format!("there is no run of pull request {number} of {repository}"))
    })
}

/// Either of them.
pub(crate) enum Either {
    /// A run.
    Run(RunId),
    /// A job.
    Job(JobId),
}

/// The run or the job that is meant. Of a whole id only the server knows what
/// it is the id of.
pub(crate) async fn either(session: &Session, text: &str) -> Result<Either, Failure> {
    match pasted(text) {
        Some(Pasted::Run(id)) => return Box::pin(either(session, &id)).await,
        Some(Pasted::Job(id)) => return job(session, &id).await.map(Either::Job),
        None => {}
    }
    if text.contains('/') && !text.contains('#') {
        return job(session, text).await.map(Either::Job);
    }
    if let Ok(id) = text.parse::<RunId>() {
        let is_run = session.client.run_view(&id).await.is_ok();
        let job = || text.parse().expect("every id is read alike");
        return Ok(if is_run { Either::Run(id) } else { Either::Job(job()) });
    }
    match run(session, text).await {
        Ok(run) => Ok(Either::Run(run)),
        Err(Failure::Usage(_)) => job(session, text).await.map(Either::Job),
        Err(other) => Err(other),
    }
}

/// The delivery with this id, or whose id ends so.
pub(crate) async fn delivery(session: &Session, text: &str) -> Result<DeliveryId, Failure> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let end = end(text, "delivery")?;
    let page = session.client.delivery_list(PAGE.try_into().ok(), None).await;
    let page = session.answer(page).await?;
    let ids = page.items.iter().map(|one| one.id).filter(|id| id.to_string().ends_with(&end));
    only(ids.collect(), "delivery", text)
}

/// A run with its jobs.
pub(crate) async fn view(session: &Session, run: RunId) -> Result<RunDetail, Failure> {
    session.answer(session.client.run_view(&run).await).await
}

fn named(detail: &RunDetail, name: &str) -> Result<JobId, Failure> {
    let is = |job: &&Job| job.name.as_str() == name;
    detail.jobs.iter().find(is).map(|job| job.id).ok_or_else(|| {
        let names: Vec<_> = detail.jobs.iter().map(|job| job.name.as_str()).collect();
        Failure::Usage(format!("that run has no job {name:?}, but {}", names.join(", ")))
    })
}

fn end(text: &str, what: &str) -> Result<String, Failure> {
    let text = text.to_ascii_lowercase();
    let digits = |b: u8| b.is_ascii_hexdigit() || b == b'-';
    if text.len() < SHORT || !text.bytes().all(digits) {
        return Err(Failure::Usage(format!(
            "{text:?} is no {what}: give its id, or at least the last {SHORT} digits of it"
        )));
    }
    Ok(text)
}

fn only<T: ToString>(mut found: Vec<T>, what: &str, text: &str) -> Result<T, Failure> {
    match (found.pop(), found.len()) {
        (Some(one), 0) => Ok(one),
        (None, _) => Err(Failure::Usage(format!(
            "no {what} among the newest has an id that ends in {text}; give the whole id"
        ))),
        (Some(one), _) => {
            found.push(one);
            let ids: Vec<String> = found.iter().map(ToString::to_string).collect();
            Err(Failure::Usage(format!("{text} may be any of {}", ids.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use solstice_model::id::new_id;

    use super::*;

    #[test]
    fn an_end_of_an_id_is_long_enough_and_made_of_digits() {
        assert_eq!(end("0A1B2C3D", "run").unwrap(), "0a1b2c3d");
        for bad in ["1234567", "not-an-id", ""] {
            assert!(matches!(end(bad, "run"), Err(Failure::Usage(_))), "{bad}");
        }
        let id: RunId = new_id();
        assert!(id.to_string().ends_with(&short(id)) && short(id).len() == SHORT);
    }

    #[test]
    fn what_was_copied_from_a_browser_is_understood() {
        let id = |text: &str| match pasted(text) {
            Some(Pasted::Run(id)) => format!("run {id}"),
            Some(Pasted::Job(id)) => format!("job {id}"),
            None => "nothing".to_owned(),
        };
        assert_eq!(id("https://ci.example/jobs/0a1b?line=3#L3"), "job 0a1b");
        assert_eq!(id("http://ci.example/solstice/runs/0a1b"), "run 0a1b");
        for other in ["https://ci.example/", "0a1b2c3d", "ada/engine#7", "file:///runs/0a1b"] {
            assert_eq!(id(other), "nothing", "{other}");
        }
    }

    #[test]
    fn what_is_ambiguous_is_told_in_full() {
        let text = only(vec!["aa", "ba"], "run", "a").unwrap_err().to_string();
        assert!(text.contains("aa, ba"), "{text}");
        assert_eq!(only(vec!["aa"], "run", "a").unwrap(), "aa");
    }
}
