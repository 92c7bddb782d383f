//! Output from a step to the server's disk, in lines and bytes per second.

use std::time::{Duration, Instant};

use solstice_model::JobId;
use tokio::process::Command;

use crate::report::Section;
use crate::stats::Figure;
use crate::world::{World, memory_mib};
use crate::{Failure, Run};

const ABOUT: &str = "A step that prints, run by the real agent as a plain process, through a host \
and a server process, until the job has its outcome (every line durable by then), against the same \
command writing into a file that is synced. Afterwards the job's page, which opens at its end. Peak \
memory is VmHWM.";

/// What is printed: its name, the command, how many lines and bytes it makes.
struct Output {
    name: String,
    command: String,
    lines: f64,
    mib: f64,
}

pub(crate) async fn measure(run: &Run) -> Result<Section, Failure> {
    let lines = run.pick(1_000_000, 10_000);
    let mib = run.pick(1024, 16);
    let outputs = [
        Output {
            name: format!("{lines} lines"),
            command: format!("seq 1 {lines}"),
            lines: lines as f64,
            mib: 6.57 * lines as f64 / 1e6,
        },
        Output {
            name: format!("{mib} MiB without a newline"),
            command: format!("head -c {mib}M /dev/zero | tr '\\\\0' x"),
            lines: 1.0,
            mib: mib as f64,
        },
        Output {
            name: format!("{} MiB of binary noise", mib / 8),
            command: format!("head -c {}M /dev/urandom", mib / 8),
            lines: 1.0,
            mib: (mib / 8) as f64,
        },
    ];
    let mut section = Section::new("Log pipe", ABOUT);
    for output in &outputs {
        one(run, output, &mut section).await?;
    }
    Ok(section)
}

async fn one(run: &Run, output: &Output, section: &mut Section) -> Result<(), Failure> {
    let file = bare(&output.command).await?;
    // A world of its own for each, so that peaks are its own as well.
    let mut world = World::start(run).await?;
    world.start_host(run, 1).await?;
    let workflow = |command: &str| {
        format!(
            "workflow name=\"CI\" {{ job id=\"a\" runs_on=\"linux-mini\" {{ step run=\"{command}\"; }}; }}\n"
        )
    };
    // The first job warms up what is made once.
    job(&mut world, &workflow("true")).await?;
    let begun = Instant::now();
    let id = job(&mut world, &workflow(&output.command)).await?;
    let took = begun.elapsed();
    let name = &output.name;
    let rate = |took: Duration, amount: f64| amount / took.as_secs_f64();
    section.beside(
        format!("{name}, until durable"),
        Figure::once(rate(took, output.mib), "MiB/s"),
        "into a file, synced",
        Figure::once(rate(file, output.mib), "MiB/s"),
    );
    if output.lines > 1.0 {
        section.beside(
            format!("{name}, until durable"),
            Figure::once(rate(took, output.lines), "lines/s"),
            "into a file, synced",
            Figure::once(rate(file, output.lines), "lines/s"),
        );
    }
    for (who, pid) in [("server", world.pids().0), ("host", world.pids().1)] {
        let pid = pid.ok_or("it runs")?;
        section.alone(
            format!("{name}: peak memory of the {who}"),
            Figure::once(memory_mib(pid, "VmHWM")?, "MiB"),
        );
    }
    let url = world.installation.people_url().join(&format!("jobs/{id}"))?;
    let (bytes, took) = get(url.as_str()).await?;
    section.alone(format!("{name}: page of the job"), Figure::of_times(&[took]));
    section
        .alone(format!("{name}: bytes of that page"), Figure::once(bytes as f64 / 1024.0, "KiB"));
    Ok(())
}

async fn job(world: &mut World, workflow: &str) -> Result<JobId, Failure> {
    let run = world.push(workflow).await?;
    let job = world.api().run(run).await?.jobs.first().map(|job| job.id).ok_or("it has a job")?;
    world.finished(job).await?;
    Ok(job)
}

/// How long the command takes into a file, until that is on disk.
async fn bare(command: &str) -> Result<Duration, Failure> {
    let folder = tempfile::tempdir()?;
    let command = command.replace("\\\\", "\\");
    let script = format!("({command}) > out && sync out");
    let begun = Instant::now();
    let status =
        Command::new("/bin/sh").args(["-ec", &script]).current_dir(folder.path()).status().await?;
    if !status.success() {
        return Err(format!("{command} ended with {status}").into());
    }
    Ok(begun.elapsed())
}

/// The size of a page and how long it took, after a first look that warms up.
async fn get(url: &str) -> Result<(usize, Duration), Failure> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    client.get(url).send().await?.error_for_status()?.bytes().await?;
    let begun = Instant::now();
    let page = client.get(url).send().await?.error_for_status()?.bytes().await?;
    Ok((page.len(), begun.elapsed()))
}
