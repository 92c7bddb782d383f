//! Two hosts, each in a network namespace of its own: labels and capacity are
//! kept, a host that vanishes loses its jobs to the other one and comes back
//! clean, a host that drains finishes what it has.
//!
//! The whole story runs in a network and a mount namespace that nobody else is
//! in; it needs root.

use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use solstice_api::user::JobDetail;
use solstice_model::{JobId, JobState, Outcome};
use solstice_stories::{JOB_LIMIT, SOON, Story};
use solstice_testbed::{Built, HostPlan, Installation, TestHost, wait_for};

/// Set in the process that is inside.
const INSIDE: &str = "SOLSTICE_TEST_INSIDE";

/// The server's and the forge's address on the bridge between the hosts.
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 90, 0, 1);

/// A host's namespace and address.
const HOSTS: [(&str, &str); 2] = [("left", "10.90.0.11"), ("right", "10.90.0.12")];

type Done = Result<(), Box<dyn std::error::Error>>;

#[test]
fn labels_and_capacity_of_two_hosts_are_kept() -> Done {
    inside("labels_and_capacity_of_two_hosts_are_kept", share)
}

#[test]
fn a_host_that_vanishes_loses_its_job_and_comes_back_clean() -> Done {
    inside("a_host_that_vanishes_loses_its_job_and_comes_back_clean", vanish)
}

#[test]
fn a_host_that_drains_finishes_what_it_has() -> Done {
    inside("a_host_that_drains_finishes_what_it_has", drain)
}

/// Runs the story inside: this process again, in namespaces of its own.
fn inside<F>(name: &str, story: impl FnOnce() -> F) -> Done
where
    F: Future<Output = Done>,
{
    if std::env::var_os(INSIDE).is_some() {
        return tokio::runtime::Runtime::new()?.block_on(story());
    }
    let status = Command::new("unshare")
        .args(["--net", "--mount", "--propagation", "private"])
        .arg(std::env::current_exe()?)
        .args(["--exact", &format!("hosts::{name}"), "--nocapture"])
        .env(INSIDE, "1")
        .status()?;
    assert!(status.success(), "the story inside ended with {status}");
    Ok(())
}

fn run(line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let status = Command::new(words[0]).args(&words[1..]).status().expect("it is installed");
    assert!(status.success(), "{line}");
}

/// A bridge, and behind it a namespace for each host.
fn make_network() {
    run("ip link set lo up");
    run("ip link add solstice-test type bridge");
    run(&format!("ip address add {SERVER}/24 dev solstice-test"));
    run("ip link set solstice-test up");
    std::fs::create_dir_all("/run/netns").expect("we are root");
    run("mount -t tmpfs none /run/netns");
    for (name, address) in HOSTS {
        run(&format!("ip netns add {name}"));
        run(&format!("ip link add {name} type veth peer name host netns {name}"));
        run(&format!("ip link set {name} master solstice-test up"));
        run(&format!("ip -n {name} address add {address}/24 dev host"));
        run(&format!("ip -n {name} link set host up"));
        run(&format!("ip -n {name} link set lo up"));
    }
}

/// The installation, its own host not started, and two others that are.
async fn begin() -> Result<(Story, [TestHost; 2]), Box<dyn std::error::Error>> {
    make_network();
    let installation = Installation::prepare_at(Built::from_env()?, SERVER).await?;
    installation.edit("server", |text| {
        text.replace("anonymous \"reader\"", "anonymous \"reader\"\n    lease \"10s\"")
    })?;
    let mut story = Story::with(installation).await?;
    story.installation.start_server().await?;
    let mut hosts = Vec::new();
    for (name, _) in HOSTS {
        let plan = HostPlan {
            name,
            server: story.installation.hosts_url(),
            capacity: 1,
            labels: &["linux-mini", name],
            inside: &["ip", "netns", "exec", name],
        };
        let mut host = story.installation.another_host(&plan).await?;
        story.installation.start_host(&mut host).await?;
        hosts.push(host);
    }
    let hosts = hosts.try_into().map_err(|_| "there are two")?;
    Ok((story, hosts))
}

/// A workflow of jobs, each with its label, that take about so many seconds.
fn workflow(jobs: &[(&str, &str)], seconds: u32) -> String {
    let job = |(id, label): &(&str, &str)| {
        format!(
            "    job id={id:?} runs_on={label:?} {{ step run=\"sleep {seconds}; echo done\"; }}\n"
        )
    };
    format!("workflow name=\"CI\" {{\n{}}}\n", jobs.iter().map(job).collect::<String>())
}

/// Where the last try of a job was.
fn place(job: &JobDetail) -> &str {
    job.attempts.last().expect("it ran").host.as_str()
}

async fn clean(host: &TestHost) -> Done {
    let gone = || async { Ok(host.leftovers().is_empty().then_some(())) };
    wait_for("end of every machine", SOON, gone).await.map_err(Into::into)
}

async fn ids(story: &Story) -> Result<Vec<JobId>, Box<dyn std::error::Error>> {
    Ok(story.only_run().await?.jobs.iter().map(|job| job.id).collect())
}

async fn share() -> Done {
    let (story, hosts) = begin().await?;
    let jobs = [("a", "linux-mini"), ("b", "linux-mini"), ("l", "left"), ("r", "right")];
    story.push_workflow(&workflow(&jobs, 2)).await?;
    let jobs = ids(&story).await?;
    let api = story.installation.api();
    let all = || async {
        assert!(hosts.iter().all(|host| host.guests().len() <= 1), "one machine per host");
        let mut over = true;
        for job in &jobs {
            over &= api.job(*job).await?.job.state.is_finished();
        }
        Ok(over.then_some(()))
    };
    wait_for("end of all jobs", JOB_LIMIT * 2, all).await?;
    let mut places = Vec::new();
    for job in &jobs {
        let job = api.job(*job).await?;
        assert_eq!(job.job.state.outcome(), Some(&Outcome::Succeeded), "{:?}", job.attempts);
        places.push(place(&job).to_owned());
    }
    assert_eq!(places[2..], ["left", "right"]);
    for host in &hosts {
        clean(host).await?;
    }
    story.end().await?;
    Ok(())
}

async fn vanish() -> Done {
    let (story, hosts) = begin().await?;
    story.push_workflow(&workflow(&[("a", "linux-mini")], 15)).await?;
    let job = ids(&story).await?[0];
    let running = story.job_when(job, |state| matches!(state, JobState::Running(_))).await?;
    let first = place(&running).to_owned();
    run(&format!("ip link set {first} down"));
    let ended = story.finished(job).await?;
    assert_eq!(ended.job.state.outcome(), Some(&Outcome::Succeeded), "{:?}", ended.attempts);
    assert_eq!(ended.attempts.len(), 2);
    assert_ne!(place(&ended), first);
    let lost = ended.attempts[0].lost.as_deref().unwrap_or_default();
    assert!(lost.contains("did not report in time"), "{lost}");
    // Back again, it learns that its job is another's and removes the machine.
    let gone = hosts.iter().find(|host| host.name() == first).expect("it is one of them");
    run(&format!("ip link set {first} up"));
    clean(gone).await?;
    story.push_workflow(&workflow(&[("b", &first)], 1)).await?;
    let job = story.finished(ids(&story).await?[0]).await?;
    assert_eq!(job.job.state.outcome(), Some(&Outcome::Succeeded), "{:?}", job.attempts);
    assert_eq!(place(&job), first);
    for host in &hosts {
        clean(host).await?;
    }
    story.end().await?;
    Ok(())
}

async fn drain() -> Done {
    let (story, [mut left, right]) = begin().await?;
    story.push_workflow(&workflow(&[("a", "left"), ("b", "left")], 3)).await?;
    let jobs = ids(&story).await?;
    story.job_when(jobs[0], |state| matches!(state, JobState::Running(_))).await?;
    tokio::time::timeout(Duration::from_secs(60), left.drain()).await??;
    let api = story.installation.api();
    let first = api.job(jobs[0]).await?;
    assert_eq!(first.job.state.outcome(), Some(&Outcome::Succeeded), "{:?}", first.attempts);
    assert_eq!(first.attempts.len(), 1);
    assert_eq!(api.job(jobs[1]).await?.job.state, JobState::Queued, "it waits for the host");
    clean(&left).await?;
    story.installation.start_host(&mut left).await?;
    let second = story.finished(jobs[1]).await?;
    assert_eq!(second.job.state.outcome(), Some(&Outcome::Succeeded), "{:?}", second.attempts);
    clean(&left).await?;
    clean(&right).await?;
    story.end().await?;
    Ok(())
}
