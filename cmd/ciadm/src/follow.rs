//! Shows what jobs do until they have ended.

use serde::Serialize;
use solstice_api::user::Job;
use solstice_client::{Follow, FollowError, News};
use solstice_model::{AttemptId, JobId, JobState, Outcome, Record};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::describe;
use crate::failure::Failure;
use crate::output;
use crate::paint::{Look, Painter};
use crate::session::Session;

/// News that wait to be written.
const WAITING: usize = 256;

/// One line of the answer in JSON.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Attempt { job: JobId, attempt: AttemptId },
    Record { job: JobId, record: &'a Record },
    State { job: JobId, state: &'a JobState },
    End { job: JobId },
}

/// A job that is followed.
struct Shown {
    job: JobId,
    name: String,
    may_fail: bool,
    names: Vec<String>,
    painter: Painter,
    attempt: Option<AttemptId>,
    state: Option<JobState>,
}

/// How lines are to look where nothing else is asked for.
pub(crate) fn usual_look() -> Look {
    if output::colours() { Look::Colours } else { Look::Plain }
}

/// Follows these jobs to their ends, all at once.
pub(crate) async fn jobs(session: &Session, jobs: &[Job]) -> Result<(), Failure> {
    let jobs: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    follow(session, &jobs, usual_look()).await
}

/// The same, with a look of its own.
pub(crate) async fn follow(session: &Session, jobs: &[JobId], look: Look) -> Result<(), Failure> {
    let (sender, mut news) = mpsc::channel(WAITING);
    let (mut all, mut tasks) = (Vec::new(), JoinSet::new());
    for (index, job) in jobs.iter().enumerate() {
        let detail = session.answer(session.client.job_view(job).await).await?;
        let names: Vec<String> = detail.spec.steps.into_iter().map(|step| step.name).collect();
        all.push(Shown {
            job: *job,
            name: detail.job.name.to_string(),
            may_fail: detail.job.continue_on_error,
            painter: Painter::new(names.clone(), look),
            names,
            attempt: None,
            state: None,
        });
        tasks.spawn(pass(session.follow(*job)?, index, sender.clone()));
    }
    drop(sender);
    let prefix = all.iter().map(|shown| shown.name.len()).max().filter(|_| all.len() > 1);
    while let Some((index, told)) = news.recv().await {
        let shown: &mut Shown = &mut all[index];
        if session.json {
            shown.tell_json(&told?);
        } else {
            shown.tell(told?, look, prefix);
        }
    }
    judge(&all)
}

/// Passes a job's news on until its end.
async fn pass(
    mut follow: Follow,
    index: usize,
    sender: mpsc::Sender<(usize, Result<News, FollowError>)>,
) {
    loop {
        let news = follow.next().await;
        let last = matches!(news, Ok(News::End) | Err(_));
        if sender.send((index, news)).await.is_err() || last {
            return;
        }
    }
}

impl Shown {
    fn tell(&mut self, news: News, look: Look, prefix: Option<usize>) {
        match news {
            News::Attempt(attempt) => {
                if self.attempt.is_some_and(|before| before != attempt) {
                    self.painter = Painter::new(self.names.clone(), look);
                    self.remark("the next attempt begins");
                }
                self.attempt = Some(attempt);
            }
            News::Record(record) => {
                let bytes = self.painter.take(&record);
                match prefix {
                    None => output::bytes(&bytes),
                    Some(width) => {
                        for line in String::from_utf8_lossy(&bytes).lines() {
                            output::line(&format!("{:width$} | {line}", self.name));
                        }
                    }
                }
            }
            News::State(state) => {
                // Told again after each connection.
                if self.state.as_ref() != Some(&state) {
                    self.remark(&sentence(&state));
                    self.state = Some(state);
                }
            }
            News::End => {}
        }
    }

    /// Something about the job, beside its log.
    fn remark(&self, text: &str) {
        eprintln!("{}: {}", self.name, output::harmless(text));
    }

    fn tell_json(&mut self, news: &News) {
        let job = self.job;
        match news {
            News::Attempt(attempt) if self.attempt == Some(*attempt) => {}
            News::Attempt(attempt) => {
                self.attempt = Some(*attempt);
                output::ndjson(&Line::Attempt { job, attempt: *attempt });
            }
            News::Record(record) => output::ndjson(&Line::Record { job, record }),
            News::State(state) if self.state.as_ref() == Some(state) => {}
            News::State(state) => {
                self.state = Some(state.clone());
                output::ndjson(&Line::State { job, state });
            }
            News::End => output::ndjson(&Line::End { job }),
        }
    }
}

fn sentence(state: &JobState) -> String {
    let (word, why) = (describe::state(state), describe::why(state));
    match (state, why.is_empty()) {
        (_, true) => word.to_owned(),
        (JobState::Finished { .. }, false) => format!("{word}: {why}"),
        (_, false) => format!("{word} {why}"),
    }
}

/// Whether all went well, once all have ended.
fn judge(all: &[Shown]) -> Result<(), Failure> {
    let mut not_run = false;
    for shown in all.iter().filter(|shown| !shown.may_fail) {
        let Some(JobState::Finished { outcome }) = &shown.state else { continue };
        match outcome {
            Outcome::Succeeded => {}
            Outcome::Skipped { why } if why.is_wish() => {}
            Outcome::InfraFailed { .. } => not_run = true,
            _ => return Err(Failure::JobFailed),
        }
    }
    if not_run { Err(Failure::NotRun) } else { Ok(()) }
}
