//! Ten jobs while server, orchestrator and machines are killed at random: no
//! job is lost or doubled, every line is there once and in order, and nothing
//! of any machine is left (invariants I3, I4, I5, I9).
//!
//! `cargo xtask chaos` goes on for ten minutes, the test run for a short while.
//! The seed is printed; `SOLSTICE_CHAOS_SEED` repeats its kills, not its timing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use solstice_api::user::JobDetail;
use solstice_model::{JobId, Outcome};
use solstice_stories::{SOON, Story};
use solstice_testbed::{Api, Built, Installation, TestbedError, wait_for};

/// How many jobs count at the same time or wait for a machine.
const JOBS: usize = 10;

/// How many lines each prints.
const LINES: usize = 80;

/// How long a round of jobs may take once nobody is killed any more.
const CALM: Duration = Duration::from_secs(300);

/// Who is killed.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Server,
    Orchestrator,
    Both,
    Machine,
}

#[tokio::test]
async fn jobs_survive_random_kills() -> Result<(), Box<dyn std::error::Error>> {
    let number = |key: &str| std::env::var(key).ok().and_then(|text| text.parse().ok());
    let seed = number("SOLSTICE_CHAOS_SEED").unwrap_or_else(|| fastrand::u64(..));
    let span = Duration::from_secs(number("SOLSTICE_CHAOS_SECONDS").unwrap_or(30));
    eprintln!("SOLSTICE_CHAOS_SEED={seed}, {} s", span.as_secs());
    let mut random = fastrand::Rng::with_seed(seed);
    let installation = Installation::prepare(Built::from_env()?).await?;
    installation.edit("server", |text| {
        // A machine that is killed costs its job a try.
        text.replace("anonymous \"reader\"", "anonymous \"reader\"\n    max_attempts 10")
    })?;
    installation.edit("orchestrator", |text| text.replace("capacity 2", "capacity 3"))?;
    let mut story = Story::with(installation).await?;
    story.installation.start_server().await?;
    story.installation.start_orchestrator().await?;
    let until = Instant::now() + span;
    let mut kills: BTreeMap<String, u32> = BTreeMap::new();
    let mut rounds = 0;
    while rounds == 0 || Instant::now() < until {
        story
            .push(&[(".solstice/workflow.kdl", &counting()), ("round", &rounds.to_string())])
            .await?;
        let jobs: Vec<JobId> = story.only_run().await?.jobs.iter().map(|job| job.id).collect();
        assert_eq!(jobs.len(), JOBS);
        while Instant::now() < until && !finished(&story.installation.api(), &jobs).await? {
            tokio::time::sleep(Duration::from_millis(random.u64(200..4000))).await;
            let victim = strike(&mut story.installation, &mut random).await?;
            *kills.entry(format!("{victim:?}")).or_default() += 1;
        }
        for job in jobs {
            check(&wait_until_finished(&story.installation.api(), job).await?, &story).await?;
        }
        rounds += 1;
    }
    eprintln!("{rounds} rounds of {JOBS} jobs; killed: {kills:?}");
    story.installation.wait_until_reported(SOON).await?;
    story.end().await?;
    Ok(())
}

/// Ten jobs that count.
fn counting() -> String {
    let step =
        format!("step run=#\"for i in $(seq 1 {LINES}); do echo \"line $i\"; sleep 0.05; done\"#");
    let job = |n| format!("    job id=\"count-{n}\" runs_on=\"linux-mini\" {{ {step}; }}\n");
    format!("workflow name=\"Chaos\" {{\n{}}}\n", (0..JOBS).map(job).collect::<String>())
}

/// Kills somebody and, after a random pause, starts what was killed again.
async fn strike(
    installation: &mut Installation,
    random: &mut fastrand::Rng,
) -> Result<Victim, TestbedError> {
    let victims = [Victim::Server, Victim::Orchestrator, Victim::Both, Victim::Machine];
    let victim = victims[random.usize(..victims.len())];
    let pause = Duration::from_millis(random.u64(0..1500));
    match victim {
        Victim::Server => installation.kill_server().await,
        Victim::Orchestrator => installation.kill_orchestrator().await,
        Victim::Both => {
            installation.kill_orchestrator().await;
            installation.kill_server().await;
        }
        Victim::Machine => {
            let guests = installation.guests();
            if let Some(guest) = random.choice(guests) {
                installation.kill_guest(guest);
            }
        }
    }
    tokio::time::sleep(pause).await;
    match victim {
        Victim::Server => installation.start_server().await?,
        Victim::Orchestrator => installation.start_orchestrator().await?,
        Victim::Both => {
            installation.start_server().await?;
            installation.start_orchestrator().await?;
        }
        Victim::Machine => {}
    }
    Ok(victim)
}

async fn finished(api: &Api, jobs: &[JobId]) -> Result<bool, TestbedError> {
    for job in jobs {
        if !api.job(*job).await?.job.state.is_finished() {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn wait_until_finished(api: &Api, job: JobId) -> Result<JobDetail, TestbedError> {
    wait_for("end of a job", CALM, || async {
        let detail = api.job(job).await?;
        Ok(detail.job.state.is_finished().then_some(detail))
    })
    .await
}

/// One success, by the last try; the others came to nothing through our own
/// fault; every line of the last is there once and in order.
async fn check(job: &JobDetail, story: &Story) -> Result<(), TestbedError> {
    let name = &job.job.name;
    assert_eq!(job.job.state.outcome(), Some(&Outcome::Succeeded), "{name}: {:?}", job.attempts);
    let (last, lost) = job.attempts.split_last().expect("it ran");
    assert!(last.lost.is_none() && last.ended_at.is_some(), "{name}: {last:?}");
    assert!(lost.iter().all(|attempt| attempt.lost.is_some()), "{name}: {lost:?}");
    let log = story.installation.api().log(job.job.id).await?;
    let lines: Vec<&str> = log.lines().filter(|line| line.starts_with("line ")).collect();
    let expected: Vec<String> = (1..=LINES).map(|i| format!("line {i}")).collect();
    assert_eq!(lines, expected, "{name}");
    Ok(())
}
