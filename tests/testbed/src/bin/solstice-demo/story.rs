//! The story that the demonstration tells: set up, push, follow, look back.

use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use solstice_api::user::{JobDetail, Run, RunStatus};
use solstice_model::{JobId, JobSpec, JobState, Outcome, RecordBody, RunId, SkipReason, TimeLimit};
use solstice_testbed::forge::Pushed;
use solstice_testbed::{Api, Built, Installation, JobNews, TestbedError, wait_for};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::project::Source;
use crate::screen::{PATIENCE, Screen};
use crate::tables;

/// How long the server may take to turn a delivery into runs.
const INTERPRET_LIMIT: Duration = Duration::from_secs(30);
/// How long the forge may have to wait for the final states.
const REPORT_LIMIT: Duration = Duration::from_secs(30);
/// How long the last machine may take to go.
const CLEAN_LIMIT: Duration = Duration::from_secs(30);

/// How the demonstration ended.
pub(crate) enum Ending {
    Succeeded,
    Failed { what: Vec<String> },
    CouldNotRun { what: Vec<String> },
    NothingToRun { why: String },
    LeftBehind { what: Vec<String> },
    Interrupted,
}

impl Ending {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Ending::Succeeded => 0,
            Ending::Failed { .. } => 1,
            Ending::NothingToRun { .. } => 2,
            Ending::CouldNotRun { .. } | Ending::LeftBehind { .. } => 3,
            Ending::Interrupted => 130,
        })
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Succeeded => f.write_str("every job succeeded"),
            Ending::Failed { what } | Ending::CouldNotRun { what } => f.write_str(&what.join("\n")),
            Ending::NothingToRun { why } => {
                write!(
                    f,
                    "nothing to run: {why}\nA repository needs a workflow such as \
                     .solstice/workflow.kdl; docs/workflow.md shows how to write one."
                )
            }
            Ending::LeftBehind { what } => {
                write!(f, "something of a machine was left behind:\n{}", what.join("\n"))
            }
            Ending::Interrupted => f.write_str("interrupted; everything was taken down"),
        }
    }
}

/// Tells the whole story.
///
/// # Errors
///
/// [`TestbedError`] if the installation does not do what it should.
pub(crate) async fn tell(
    built: Built,
    source: Source,
    keep: bool,
    screen: &mut Screen,
) -> Result<Ending, TestbedError> {
    screen.heading("Starting a forge, the server and the orchestrator");
    let mut installation = Installation::prepare(built).await?;
    screen.fact("folder", installation.folder());
    screen.fact("forge", installation.forge().base_url());
    installation.start_server().await?;
    screen.fact("pages", installation.people_url());
    installation.start_orchestrator().await?;
    screen.fact("host", "ready: image verified, hypervisor chosen");

    let ending = push_and_follow(&installation, source, screen).await?;
    if keep {
        screen.heading("Everything stays up until Ctrl-C");
        screen.fact("pages", installation.people_url());
        screen.fact("logs", installation.folder().join("*.log"));
        // The caller's Ctrl-C ends this.
        std::future::pending::<()>().await;
    }
    Ok(ending)
}

async fn push_and_follow(
    installation: &Installation,
    source: Source,
    screen: &mut Screen,
) -> Result<Ending, TestbedError> {
    screen.heading("Pushing");
    let pushed = source.push(installation, screen).await?;
    let began = Instant::now();
    let status = installation.deliver(&pushed.payload).await?;
    let accepted = began.elapsed();
    screen.fact("commit", &pushed.commit);
    screen.fact("webhook", format!("answered {status} after {:.1} ms", ms(accepted)));

    let runs = match runs_of(installation).await? {
        Ok(runs) => runs,
        Err(why) => return Ok(Ending::NothingToRun { why }),
    };
    for run in &runs {
        follow_run(installation, run, screen).await?;
    }
    look_back(installation, &pushed, &runs, screen).await
}

/// The runs that came of the delivery, or why there are none.
async fn runs_of(installation: &Installation) -> Result<Result<Vec<RunId>, String>, TestbedError> {
    let api = installation.api();
    wait_for("verdict on the delivery", INTERPRET_LIMIT, || async {
        let deliveries = api.deliveries().await?;
        let Some(delivery) = deliveries.into_iter().next() else { return Ok(None) };
        Ok(match delivery.verdict.as_str() {
            "waiting" => None,
            "runs" => Some(Ok(delivery.runs)),
            _ => Some(Err(delivery.reason.unwrap_or(delivery.verdict))),
        })
    })
    .await
}

async fn follow_run(
    installation: &Installation,
    run: &RunId,
    screen: &Screen,
) -> Result<(), TestbedError> {
    let api = installation.api();
    let detail = api.run(*run).await?;
    screen.heading(&format!("Run {} ({})", detail.run.workflow, detail.run.file));
    screen.fact("page", format!("{}runs/{run}", installation.people_url()));
    if let Some(problem) = &detail.run.problem {
        problem.lines().for_each(|line| screen.plain(line));
    }
    for job in &detail.jobs {
        screen.fact("job", format!("{}  {}jobs/{}", job.name, installation.people_url(), job.id));
    }
    let (sender, mut news) = mpsc::channel(64);
    let mut followers = JoinSet::new();
    for job in detail.jobs {
        followers.spawn(follow_job(api.clone(), job.id, sender.clone()));
    }
    drop(sender);
    show(&mut news, screen).await;
    while let Some(ended) = followers.join_next().await {
        ended.expect("a follower does not panic")?;
    }
    Ok(())
}

async fn follow_job(
    api: Api,
    job: JobId,
    sender: mpsc::Sender<(Arc<JobSpec>, JobNews)>,
) -> Result<(), TestbedError> {
    let spec = Arc::new(api.job(job).await?.spec);
    let mut follower = api.follow(job).await?;
    while let Some(news) = follower.next().await? {
        let over = matches!(news, JobNews::End);
        if sender.send((spec.clone(), news)).await.is_err() || over {
            break;
        }
    }
    Ok(())
}

/// Shows the news of all jobs as they come, and says so when none come for a while.
async fn show(news: &mut mpsc::Receiver<(Arc<JobSpec>, JobNews)>, screen: &Screen) {
    let mut quiet_since = Instant::now();
    loop {
        match tokio::time::timeout(PATIENCE, news.recv()).await {
            Ok(Some((spec, news))) => {
                show_one(&spec, &news, screen);
                quiet_since = Instant::now();
            }
            Ok(None) => return,
            Err(_) => screen.waiting("waiting for the machine", quiet_since.elapsed()),
        }
    }
}

fn show_one(spec: &JobSpec, news: &JobNews, screen: &Screen) {
    let job = &spec.name;
    match news {
        JobNews::State(JobState::Queued) => screen.event(job, "queued"),
        JobNews::State(JobState::Claimed(held)) => {
            screen.event(job, &format!("claimed by {}", held.host));
        }
        JobNews::State(JobState::Starting(_)) => screen.event(job, "its machine is being made"),
        JobNews::State(JobState::Running(_)) => screen.event(job, "its agent runs"),
        JobNews::State(JobState::Finished { outcome }) => {
            screen.event(job, &format!("finished: {}", outcome.name()));
        }
        JobNews::Record(_, record) => match &record.body {
            RecordBody::Output { stream, chunk, .. } => screen.line(job, *stream, &chunk.text()),
            RecordBody::StepStarted { step } => screen.event(job, &step_name(spec, *step)),
            RecordBody::StepFinished { step, exit } => {
                screen.event(job, &format!("step {} ended: {exit}", step + 1));
            }
            RecordBody::StepRetried { step, exit } => {
                screen.event(job, &format!("step {} ended: {exit}; it is tried again", step + 1));
            }
            RecordBody::StepSkipped { step } => {
                screen.event(job, &format!("step {} is not run", step + 1));
            }
            RecordBody::Note { text } => screen.event(job, text),
            RecordBody::Finished { .. } => {}
        },
        JobNews::End => {}
    }
}

/// What the forge was told, where the time went, what is left.
async fn look_back(
    installation: &Installation,
    pushed: &Pushed,
    runs: &[RunId],
    screen: &Screen,
) -> Result<Ending, TestbedError> {
    let api = installation.api();
    screen.heading("What the forge shows on the commit");
    installation.wait_until_reported(REPORT_LIMIT).await?;
    tables::statuses(installation, &pushed.commit, screen);

    let (mut failed, mut authors_fault) = (Vec::new(), false);
    for run in runs {
        let detail = api.run(*run).await?;
        authors_fault |= detail.run.status == RunStatus::Failed;
        failed.extend(broken(&detail.run));
        for job in &detail.jobs {
            let job = api.job(job.id).await?;
            screen.heading(&format!("Where the time of job {} went", job.job.name));
            tables::phases(&job, screen);
            failed.extend(blame(&job));
        }
    }

    screen.heading("What is left");
    if let Err(TestbedError::Late { .. }) = installation.wait_until_clean(CLEAN_LIMIT).await {
        return Ok(Ending::LeftBehind { what: installation.leftovers() });
    }
    screen.plain("no machine, no overlay, no process");
    Ok(match failed {
        none if none.is_empty() => Ending::Succeeded,
        what if authors_fault => Ending::Failed { what },
        what => Ending::CouldNotRun { what },
    })
}

fn broken(run: &Run) -> Option<String> {
    let broken = run.problem.is_some() && run.status == RunStatus::Failed;
    broken.then(|| format!("{} cannot be run: see above", run.file))
}

/// What to say of a job that did not succeed: which step, and how.
fn blame(job: &JobDetail) -> Option<String> {
    let name = &job.job.name;
    let step = |index: &u32| step_name(&job.spec, *index);
    Some(match job.job.state.outcome()? {
        Outcome::Succeeded => return None,
        Outcome::Failed { step: index, exit: how } => {
            format!("job {name} failed in {}: {how}", step(index))
        }
        Outcome::ArtifactFailed { pattern, why } => {
            format!("job {name}: the artifact {pattern}: {why}")
        }
        Outcome::TimedOut { limit: TimeLimit::Job { seconds } } => {
            format!("job {name} ran out of its {seconds} s")
        }
        Outcome::TimedOut { limit: TimeLimit::Step { step: index, seconds } } => {
            format!("job {name} ran out of the {seconds} s of {}", step(index))
        }
        Outcome::Cancelled { by } => format!("job {name} was cancelled by {by}"),
        Outcome::InfraFailed { why } => format!("job {name} could not be run: {why}"),
        Outcome::Skipped { why: SkipReason::NeedNotMet { need } } => {
            format!("job {name} was not run: {need} did not end as it must")
        }
        Outcome::Skipped { .. } => return None,
    })
}

/// The step as people know it: `step 2 “Test”`.
fn step_name(spec: &JobSpec, index: u32) -> String {
    let step = usize::try_from(index).ok().and_then(|index| spec.steps.get(index));
    format!("step {} “{}”", index + 1, step.map_or("?", |step| &step.name))
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
