//! `cidev run` and the server come to the same: outcome of each job, end of
//! each step, artifacts with their digests.

use std::collections::BTreeMap;

use solstice_api::user::{Artifact, JobDetail, Step};
use solstice_model::{Exit, JobState, Outcome};
use solstice_stories::{JOB_LIMIT, Story};
use solstice_testbed::{Built, wait_for};
use tokio::process::Command;

/// The workflows, each with the exit code that `cidev run` is to have.
const WORKFLOWS: [(&str, &str, i32); 4] = [
    ("steps", include_str!("../../workflows/steps.kdl"), 1),
    ("graph", include_str!("../../workflows/graph.kdl"), 1),
    ("matrix", include_str!("../../workflows/matrix.kdl"), 0),
    ("artifacts", include_str!("../../workflows/artifacts.kdl"), 1),
];

/// How a job ended, as far as it must not depend on where it ran.
#[derive(Debug, PartialEq)]
struct Ending {
    outcome: Outcome,
    steps: Vec<(u32, u32, Option<Exit>)>,
    artifacts: Vec<(String, String)>,
}

impl Ending {
    fn of(state: &JobState, steps: &[Step], artifacts: &[Artifact]) -> Self {
        Self {
            outcome: state.outcome().expect("it is over").clone(),
            steps: steps.iter().map(|it| (it.index, it.tries, it.exit.clone())).collect(),
            artifacts: artifacts
                .iter()
                .map(|it| (it.path.clone(), it.sha256.to_string()))
                .collect(),
        }
    }
}

type Endings = BTreeMap<String, Ending>;

#[tokio::test]
async fn a_workflow_ends_here_as_on_a_server() -> Result<(), Box<dyn std::error::Error>> {
    let story = Story::begin().await?;
    let files: Vec<(String, &str)> =
        WORKFLOWS.iter().map(|(name, text, _)| (format!(".solstice/{name}.kdl"), *text)).collect();
    let mut pushed: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    pushed.push(("sub/here", "it is\n"));
    story.push(&pushed).await?;
    let there = on_the_server(&story).await?;

    let tree = tempfile::tempdir()?;
    for (path, text) in &pushed {
        let path = tree.path().join(path);
        std::fs::create_dir_all(path.parent().ok_or("it is in a folder")?)?;
        std::fs::write(path, text)?;
    }
    let init = ["init", "--quiet", "--initial-branch=main"];
    let made = Command::new("git").args(init).current_dir(tree.path()).status().await?;
    assert!(made.success());
    for (name, _, code) in WORKFLOWS {
        let here = by_cidev(tree.path(), name, code).await?;
        assert_eq!(here, there[name], "{name}: left by cidev, right by the server");
    }
    story.end().await?;
    Ok(())
}

async fn on_the_server(
    story: &Story,
) -> Result<BTreeMap<String, Endings>, Box<dyn std::error::Error>> {
    let api = story.installation.api();
    let mut all = BTreeMap::new();
    for run in story.verdict().await?.map_err(|why| why.to_string())? {
        let detail = api.run(run).await?;
        assert_eq!(detail.run.problem, None, "{}", detail.run.file);
        let mut endings = Endings::new();
        for job in detail.jobs {
            let over = || async {
                let detail: JobDetail = api.job(job.id).await?;
                Ok(detail.job.state.is_finished().then_some(detail))
            };
            let job = wait_for("end of a job", JOB_LIMIT * 2, over).await?;
            let artifacts = api.artifacts(job.job.id).await?;
            let ending = Ending::of(&job.job.state, &job.steps, &artifacts);
            endings.insert(job.job.name.to_string(), ending);
        }
        all.insert(detail.run.workflow, endings);
    }
    Ok(all)
}

/// The report that `cidev run` writes of one workflow.
async fn by_cidev(
    tree: &std::path::Path,
    name: &str,
    code: i32,
) -> Result<Endings, Box<dyn std::error::Error>> {
    let built = Built::from_env()?;
    let images = built.image.canonicalize_utf8()?;
    let images = images.parent().ok_or("an image is in a folder of images")?;
    let output = Command::new(built.programs.join("cidev"))
        .args(["run", &format!(".solstice/{name}.kdl"), "--machines", "2", "--cpus", "1"])
        .args(["--memory", "512MiB", "--report", ".git/report.json"])
        .args(["--images", images.as_str()])
        .current_dir(tree)
        .env("XDG_STATE_HOME", tree.join(".git/state"))
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{name}:\n{said}");
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(tree.join(".git/report.json"))?)?;
    let mut endings = Endings::new();
    for job in report.as_array().ok_or("a list of jobs")? {
        let part = |key: &str| job[key].clone();
        let state: JobState = serde_json::from_value(part("state"))?;
        let steps: Vec<Step> = serde_json::from_value(part("steps"))?;
        let artifacts: Vec<Artifact> = serde_json::from_value(part("artifacts"))?;
        let name = job["name"].as_str().ok_or("a name")?.to_owned();
        endings.insert(name, Ending::of(&state, &steps, &artifacts));
    }
    Ok(endings)
}
