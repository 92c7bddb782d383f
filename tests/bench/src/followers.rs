//! A live log with many followers.

use std::time::{Duration, Instant};

use chrono::Utc;
use futures::StreamExt as _;
use solstice_api::host::{HostReport, Offer, SyncRequest};
use solstice_client::{Connect, host};
use solstice_model::{AttemptId, JobId, Record, RecordBody, Stream};
use tokio::sync::mpsc;

use crate::report::Section;
use crate::stats::Figure;
use crate::world::{World, cpu_seconds, memory_mib};
use crate::{Failure, Run};

const ABOUT: &str = "A job prints twenty lines a second; the measuring process hands each to the \
server process as a host does, and follows the log over HTTP as browsers do (server-sent events, a \
connection each). Latency is from the moment before a line is handed over, which is not durable yet, \
to the moment when a follower has read it, over all followers and lines. Beside each figure the same \
with one follower: what grows with followers is what they cost. Processor time is the server's alone; \
that of the reading process delays what it sees, so that latencies are the most they can be.";

/// Lines a second.
const RATE: u32 = 20;

/// What is measured with so many followers.
struct Seen {
    p50: Figure,
    p99: Figure,
    memory: Figure,
    /// Of the server, per second of the measurement.
    processor: Figure,
}

pub(crate) async fn measure(run: &Run) -> Result<Section, Failure> {
    let counts: &[usize] = if run.quick { &[1, 20] } else { &[1, 100, 500] };
    let mut section = Section::new("Followers of a live log", ABOUT);
    let mut one: Option<Seen> = None;
    for &count in counts {
        let seen = follow(run, count).await?;
        let base = one.as_ref().unwrap_or(&seen);
        for (what, figure, beside) in [
            ("latency, p50", seen.p50, base.p50),
            ("latency, p99", seen.p99, base.p99),
            ("memory of the server", seen.memory, base.memory),
            ("processor time of the server", seen.processor, base.processor),
        ] {
            let who = if count == 1 { "one follower" } else { &format!("{count} followers") };
            let row = format!("{who}, {what}");
            if count == 1 {
                section.alone(row, figure);
            } else {
                section.beside(row, figure, "one follower", beside);
            }
        }
        one.get_or_insert(seen);
    }
    Ok(section)
}

async fn follow(run: &Run, count: usize) -> Result<Seen, Failure> {
    let mut world = World::start(run).await?;
    let server = world.pids().0.ok_or("it runs")?;
    let (mut job, id) = Job::begin(&mut world).await?;
    let token = world.installation.make_token("reader", "follower").await?;
    let url = world.installation.people_url().join(&format!("api/v1/jobs/{id}/events"))?;
    let (sender, mut latencies) = mpsc::unbounded_channel();
    let begun = Instant::now();
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..count {
        let request = reqwest::Client::builder().no_proxy().build()?.get(url.clone());
        let answer = request.bearer_auth(token.secret()).send().await?.error_for_status()?;
        readers.spawn(read(answer, begun, sender.clone()));
    }
    drop(sender);
    let lines = run.pick(20, 3) * RATE as usize;
    // The first line opens the log for all.
    job.print(begun).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (before, started) = (cpu_seconds(server)?, Instant::now());
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / RATE);
    for _ in 0..lines {
        ticks.tick().await;
        job.print(begun).await?;
    }
    let took = started.elapsed().as_secs_f64();
    let processor = (cpu_seconds(server)? - before) / took * 100.0;
    let memory = memory_mib(server, "VmRSS")?;
    let mut seen = Vec::new();
    let all = (lines + 1) * count;
    let read = async {
        while seen.len() < all {
            seen.push(latencies.recv().await.ok_or("a follower was cut off")?);
        }
        Ok::<_, Failure>(())
    };
    tokio::time::timeout(Duration::from_secs(30), read)
        .await
        .map_err(|_| "lines are missing")??;
    readers.abort_all();
    seen.sort_unstable();
    let at = |part: usize| Figure::of_times(&[seen[(seen.len() - 1) * part / 100]]);
    Ok(Seen {
        p50: at(50),
        p99: at(99),
        memory: Figure::once(memory, "MiB"),
        processor: Figure::once(processor, "% of one"),
    })
}

/// Reads one follower's events; tells how old each line was when it was read.
async fn read(answer: reqwest::Response, begun: Instant, told: mpsc::UnboundedSender<Duration>) {
    let mut bytes = answer.bytes_stream();
    let mut rest = String::new();
    while let Some(Ok(part)) = bytes.next().await {
        rest.push_str(&String::from_utf8_lossy(&part));
        let now = begun.elapsed();
        while let Some(end) = rest.find("\n\n") {
            let line: String = rest.drain(..end + 2).collect();
            if let Some(printed) = printed(&line)
                && told.send(now.saturating_sub(printed)).is_err()
            {
                return;
            }
        }
    }
}

/// When a line was printed: that is what it says.
fn printed(event: &str) -> Option<Duration> {
    let (_, rest) = event.split_once("\"chunk\":\"")?;
    let (nanos, _) = rest.split_once('"')?;
    Some(Duration::from_nanos(nanos.parse().ok()?))
}

/// A job that is under way, and its host, which is played here.
struct Job {
    host: host::Client,
    attempt: AttemptId,
    seq: u64,
    /// Keeps the lease.
    alive: tokio::task::JoinHandle<()>,
}

impl Drop for Job {
    fn drop(&mut self) {
        self.alive.abort();
    }
}

/// Says again and again that the host is there.
async fn report_in(host: host::Client, sync: SyncRequest) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        // A request that fails now and then costs no lease.
        let _ = host.host_sync(&sync).await;
    }
}

impl Job {
    /// Pushes, claims and starts.
    async fn begin(world: &mut World) -> Result<(Self, JobId), Failure> {
        let step = "step run=\"true\"";
        let run = world
            .push(&format!(
                "workflow name=\"CI\" {{ job id=\"a\" runs_on=\"played\" {{ {step}; }}; }}\n"
            ))
            .await?;
        let job = world.api().run(run).await?.jobs.first().map(|job| job.id).ok_or("a job")?;
        let token = world.installation.make_token("host", "played").await?;
        let host = Connect::to(&world.installation.hosts_url()).token(&token).host()?;
        let mut sync = SyncRequest {
            host: "played".parse()?,
            offers: vec![Offer { labels: vec!["played".parse()?], room: 1 }],
            room: 1,
            known: Vec::new(),
            wait_ms: 20_000,
            sizes: Vec::new(),
            images: Vec::new(),
        };
        let wanted = host.host_sync(&sync).await?.into_inner().wanted;
        let attempt = wanted.first().map(|it| it.attempt).ok_or("the job was not to be had")?;
        host.host_report(&attempt, &HostReport::Starting).await?;
        host.host_report(&attempt, &HostReport::Running { phases: Vec::new() }).await?;
        sync =
            SyncRequest { offers: Vec::new(), room: 0, known: vec![attempt], wait_ms: 0, ..sync };
        let alive = tokio::spawn(report_in(host.clone(), sync));
        let mut begun = Self { host, attempt, seq: 0, alive };
        begun.hand_over(RecordBody::StepStarted { step: 0 }).await?;
        Ok((begun, job))
    }

    /// Prints the time.
    async fn print(&mut self, begun: Instant) -> Result<(), Failure> {
        let now = begun.elapsed().as_nanos().to_string();
        let (stream, chunk) = (Stream::Stdout, now.as_str().into());
        self.hand_over(RecordBody::Output { step: 0, stream, chunk, newline: true }).await
    }

    async fn hand_over(&mut self, body: RecordBody) -> Result<(), Failure> {
        self.seq += 1;
        let records = vec![Record { seq: self.seq, at: Utc::now(), body }];
        self.host
            .host_records(&self.attempt, &solstice_api::agent::RecordBatch { records })
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_when_it_was_printed() {
        let event = "id: x:2\nevent: record\ndata: {\"seq\":2,\"kind\":\"output\",\
                     \"chunk\":\"1500000\",\"newline\":true}\n\n";
        assert_eq!(printed(event), Some(Duration::from_micros(1500)));
        assert_eq!(printed("event: state\ndata: {\"state\":\"running\"}\n\n"), None);
    }
}
