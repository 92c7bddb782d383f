//! A server process, and a host process whose machines are plain processes.

use std::time::Duration;

use camino::Utf8PathBuf;
use solstice_model::{JobId, RepoName, RunId};
use solstice_testbed::{Api, Daemon, Installation, wait_for};

use crate::{Failure, Run};

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(900);

/// The world of one measurement.
pub(crate) struct World {
    pub(crate) installation: Installation,
    repository: RepoName,
    host: Option<Daemon>,
    pushes: usize,
}

impl World {
    /// A server and a repository; no host.
    pub(crate) async fn start(run: &Run) -> Result<Self, Failure> {
        let mut installation = Installation::prepare(run.built()).await?;
        let repository: RepoName = "alice/widgets".parse()?;
        installation.forge().create_repository(&repository).await?;
        installation.start_server().await?;
        Ok(Self { installation, repository, host: None, pushes: 0 })
    }

    /// Starts the host.
    pub(crate) async fn start_host(&mut self, run: &Run, capacity: u32) -> Result<(), Failure> {
        let token = self.installation.make_token("host", "bench").await?;
        let this = Utf8PathBuf::from_path_buf(std::env::current_exe()?)
            .map_err(|path| format!("{} is not UTF-8", path.display()))?;
        let (folder, capacity) = (self.installation.folder().join("bench"), capacity.to_string());
        std::fs::create_dir_all(folder.join("machines"))?;
        let url = self.installation.hosts_url();
        let arguments = [
            ["host", "--name", "bench", "--server", url.as_str(), "--token", token.secret()],
            [
                "--folder",
                folder.as_str(),
                "--agent",
                run.agent.as_str(),
                "--image",
                run.image.as_str(),
                "",
            ],
        ];
        let words = arguments.concat();
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let words = [words, vec!["--capacity", &capacity]].concat();
        let log = self.installation.folder().join("bench.log");
        self.host = Some(Daemon::start(&this, &words, &log)?);
        Ok(())
    }

    pub(crate) fn api(&self) -> Api {
        self.installation.api()
    }

    /// Pushes a workflow; gives its run.
    pub(crate) async fn push(&mut self, workflow: &str) -> Result<RunId, Failure> {
        self.pushes += 1;
        let forge = self.installation.forge();
        let (main, number) = ("refs/heads/main".parse()?, self.pushes.to_string());
        let files = [(".solstice/workflow.kdl", workflow.into()), ("push", number.as_str().into())];
        forge.repositories().commit(&self.repository, &main, "Change\n", &files).await?;
        let pushed = forge.push_payload_of_default_branch(&self.repository).await?;
        self.installation.deliver(&pushed.payload).await?;
        let api = self.api();
        let run = wait_for("a run", LIMIT, || async {
            let delivery = api.deliveries().await?.into_iter().next();
            Ok(delivery.and_then(|delivery| delivery.runs.first().copied()))
        });
        Ok(run.await?)
    }

    /// Waits until a job is over; it has to succeed.
    pub(crate) async fn finished(&self, job: JobId) -> Result<(), Failure> {
        let api = self.api();
        let ended = wait_for("end of a job", LIMIT, || async {
            let detail = api.job(job).await?;
            Ok(detail.job.state.outcome().cloned())
        });
        match ended.await? {
            solstice_model::Outcome::Succeeded => Ok(()),
            other => Err(format!("the job ended otherwise: {other:?}").into()),
        }
    }

    /// The process ids of server and host.
    pub(crate) fn pids(&self) -> (Option<i32>, Option<i32>) {
        let pid = |daemon: Option<&Daemon>| {
            daemon.and_then(Daemon::pid).map(|pid| pid.as_raw_nonzero().get())
        };
        (pid(self.installation.server()), pid(self.host.as_ref()))
    }
}

/// A field of `/proc/PID/status`, in MiB (proc_pid_status(5)).
pub(crate) fn memory_mib(pid: i32, field: &str) -> Result<f64, Failure> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kib: f64 =
        line.and_then(|it| it.split_whitespace().next()?.parse().ok()).ok_or("no such field")?;
    Ok(kib / 1024.0)
}

/// The processor time that a process has used, in seconds (proc_pid_stat(5):
/// `utime` and `stime`, in clock ticks, of which Linux tells a hundred a second).
pub(crate) fn cpu_seconds(pid: i32) -> Result<f64, Failure> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in brackets, may contain anything.
    let (_, fields) = text.rsplit_once(')').ok_or("no name")?;
    let ticks: Vec<f64> = fields.split_whitespace().flat_map(str::parse).collect();
    // Of the fields after the name the first, the state, is no number.
    let (user, system) = (ticks.get(10).ok_or("utime")?, ticks.get(11).ok_or("stime")?);
    Ok((user + system) / 100.0)
}
