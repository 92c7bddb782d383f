//! Memory of each process: idle, busy, and with a long queue.

use std::time::{Duration, Instant};

use solstice_testbed::wait_for;

use crate::report::Section;
use crate::stats::Figure;
use crate::world::{World, memory_mib};
use crate::{Failure, Run};

const ABOUT: &str = "Resident memory (VmRSS) of the server and of a host process: idle; while 50 \
jobs run at once and print ten lines a second each, in agents that are plain processes; and, for the \
server, with 10,000 jobs in the queue and no host, with the time of an answer of the API beside the \
same with an empty queue.";

const LIMIT: Duration = Duration::from_secs(600);

pub(crate) async fn measure(run: &Run) -> Result<Section, Failure> {
    let mut section = Section::new("Memory", ABOUT);
    busy(run, &mut section).await?;
    queued(run, &mut section).await?;
    Ok(section)
}

async fn busy(run: &Run, section: &mut Section) -> Result<(), Failure> {
    let jobs = run.pick(50, 5);
    let mut world = World::start(run).await?;
    world.start_host(run, u32::try_from(jobs)?).await?;
    let api = world.api();
    let there = || async { Ok((!api.hosts().await?.is_empty()).then_some(())) };
    wait_for("the host", LIMIT, there).await?;
    let idle = resident(&world)?;
    let job = |n| {
        format!(
            "job id=\"j{n}\" runs_on=\"linux-mini\" {{ step run=#\"for i in $(seq 1 300); do echo \"line $i\"; sleep 0.1; done\"#; }}\n"
        )
    };
    let workflow: String = (0..jobs).map(job).collect();
    world.push(&format!("workflow name=\"CI\" {{\n{workflow}}}\n")).await?;
    let running = || async { Ok((api.health().await?.running >= jobs as u64).then_some(())) };
    wait_for("all jobs to run", LIMIT, running).await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let busy = resident(&world)?;
    for (who, idle, busy) in [("server", idle.0, busy.0), ("host", idle.1, busy.1)] {
        section.beside(format!("{who}, {jobs} jobs"), busy, "idle", idle);
    }
    Ok(())
}

fn resident(world: &World) -> Result<(Figure, Figure), Failure> {
    let of = |pid: Option<i32>| -> Result<Figure, Failure> {
        Ok(Figure::once(memory_mib(pid.ok_or("it runs")?, "VmRSS")?, "MiB"))
    };
    let (server, host) = world.pids();
    Ok((of(server)?, of(host)?))
}

async fn queued(run: &Run, section: &mut Section) -> Result<(), Failure> {
    let (pushes, jobs) = (run.pick(50, 2), 200);
    let mut world = World::start(run).await?;
    let server = world.pids().0.ok_or("it runs")?;
    let idle = Figure::once(memory_mib(server, "VmRSS")?, "MiB");
    let quick = answer(&world, run).await?;
    let job = |n| format!("job id=\"j{n}\" runs_on=\"nowhere\" {{ step run=\"true\"; }}\n");
    let workflow: String = (0..jobs).map(job).collect();
    let workflow = format!("workflow name=\"CI\" {{\n{workflow}}}\n");
    for _ in 0..pushes {
        world.push(&workflow).await?;
    }
    let api = world.api();
    let all = (pushes * jobs) as u64;
    let queued = || async { Ok((api.health().await?.queued == all).then_some(())) };
    wait_for("all jobs to be queued", LIMIT, queued).await?;
    let full = Figure::once(memory_mib(server, "VmRSS")?, "MiB");
    section.beside(format!("server, {all} jobs queued"), full, "idle", idle);
    let slow = answer(&world, run).await?;
    section.beside(format!("list of runs, {all} jobs queued"), slow, "empty queue", quick);
    Ok(())
}

/// How long the list of runs takes.
async fn answer(world: &World, run: &Run) -> Result<Figure, Failure> {
    let api = world.api();
    let mut times = Vec::new();
    for _ in 0..run.pick(50, 3) {
        let begun = Instant::now();
        api.runs().await?;
        times.push(begun.elapsed());
    }
    Ok(Figure::of_times(&times))
}
