//! From an accepted push to the first output of its job, beside the machine alone.

use std::time::{Duration, Instant};

use camino::Utf8Path;
use solstice_model::{JobSpec, RecordBody, RepoName};
use solstice_testbed::{Installation, JobNews, wait_for};

use crate::bare::Bare;
use crate::report::Section;
use crate::stats::Figure;
use crate::{Failure, Run};

const ABOUT: &str = "From the answer to a push's webhook to the first line of its job's step at a \
follower of the log (interpret, claim, fetch, pack, clone, boot, redeem, unpack, run, store, show), \
against the same machine alone: QEMU with the same agent and an endpoint in the measuring process \
that has the job ready, from the wish for the machine to the line. Rounds alternate.";

const STEP: &str = "echo here it is";

const SOON: Duration = Duration::from_secs(60);

pub(crate) async fn measure(run: &Run) -> Result<Section, Failure> {
    let folder = tempfile::Builder::new().prefix("solstice-").tempdir_in("/tmp")?;
    let folder = Utf8Path::from_path(folder.path()).ok_or("the temporary folder is not UTF-8")?;
    let mut installation = Installation::start(run.built()).await?;
    let repository: RepoName = "alice/widgets".parse()?;
    installation.forge().create_repository(&repository).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (spec, _) = push(&mut installation, &repository, 0).await?;
    let mut bare = Bare::open(run, folder, spec).await?;
    for round in 1..=run.pick(7, 1) {
        theirs.push(bare.first_output().await?);
        ours.push(push(&mut installation, &repository, round).await?.1);
    }
    let mut section = Section::new("From push to first output", ABOUT);
    section.beside(
        "accepted push to first line",
        Figure::of_times(&ours),
        "bare machine to first line",
        Figure::of_times(&theirs),
    );
    Ok(section)
}

/// Pushes; gives the job and how long its first line took.
async fn push(
    installation: &mut Installation,
    repository: &RepoName,
    round: usize,
) -> Result<(JobSpec, Duration), Failure> {
    let workflow = format!(
        "workflow name=\"CI\" {{ job id=\"a\" runs_on=\"linux-mini\" {{ step run=\"{STEP}\"; }}; }}\n"
    );
    let forge = installation.forge();
    let main = "refs/heads/main".parse()?;
    let number = round.to_string();
    let files =
        [(".solstice/workflow.kdl", workflow.as_str().into()), ("round", number.as_str().into())];
    forge.repositories().commit(repository, &main, "Change\n", &files).await?;
    let pushed = forge.push_payload_of_default_branch(repository).await?;
    let status = installation.deliver(&pushed.payload).await?;
    let begun = Instant::now();
    if status != 202 {
        return Err(format!("the webhook was answered {status}").into());
    }
    let api = installation.api();
    let run = wait_for("a run", SOON, || async {
        let delivery = api.deliveries().await?.into_iter().next();
        Ok(delivery.and_then(|delivery| delivery.runs.first().copied()))
    })
    .await?;
    let job = api.run(run).await?.jobs.first().map(|job| job.id).ok_or("the run has a job")?;
    let mut follower = api.follow(job).await?;
    let mut first = None;
    while let Some(news) = follower.next().await? {
        match news {
            JobNews::Record(_, record) if matches!(record.body, RecordBody::Output { .. }) => {
                first.get_or_insert(begun.elapsed());
            }
            JobNews::End => break,
            JobNews::Record(..) | JobNews::State(_) => {}
        }
    }
    installation.wait_until_clean(SOON).await?;
    Ok((api.job(job).await?.spec, first.ok_or("the job printed nothing")?))
}
