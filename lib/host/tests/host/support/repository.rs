//! A small repository with one commit.

use std::collections::BTreeMap;
use std::process::Command;

use camino::Utf8PathBuf;
use solstice_model::id::new_id;
use solstice_model::spec::DEFAULT_SHELL;
use solstice_model::{Assignment, CommitSha, JobSpec, Source, StepSpec, StepWhen};
use url::Url;

pub(crate) struct Repository {
    path: Utf8PathBuf,
    commit: CommitSha,
}

impl Repository {
    pub(crate) fn new(path: Utf8PathBuf) -> Self {
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("README"), "hello").unwrap();
        let git = |args: &[&str]| {
            let output = Command::new("git")
                .arg("-C")
                .arg(&path)
                .args(["-c", "user.name=T", "-c", "user.email=t@example.org"])
                .args(args)
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        git(&["init", "--quiet", "--initial-branch=main"]);
        git(&["add", "README"]);
        git(&["commit", "--quiet", "--message=first"]);
        let commit = git(&["rev-parse", "HEAD"]).trim().parse().unwrap();
        Self { path, commit }
    }

    /// A new job with two steps.
    pub(crate) fn assignment(&self) -> Assignment {
        let step = |name: &str| StepSpec {
            name: name.to_owned(),
            run: "true".to_owned(),
            shell: DEFAULT_SHELL.map(str::to_owned).to_vec(),
            working_dir: None,
            env: BTreeMap::new(),
            timeout_s: None,
            when: StepWhen::OnSuccess,
            continue_on_error: false,
            retries: 0,
        };
        Assignment {
            attempt: new_id(),
            job: new_id(),
            run: new_id(),
            number: 1,
            source: Source {
                repository: "o/r".parse().unwrap(),
                clone_url: Url::from_file_path(&self.path).unwrap(),
                commit: self.commit.clone(),
                git_ref: "refs/heads/main".parse().unwrap(),
            },
            spec: JobSpec {
                name: "build".parse().unwrap(),
                runs_on: "tiny".parse().unwrap(),
                needs: Vec::new(),
                env: BTreeMap::new(),
                timeout_s: 600,
                steps: vec![step("Build"), step("Test")],
                matrix: None,
                size: None,
                unmet: None,
                retries: 0,
                continue_on_error: false,
                priority: 0,
                artifacts: Vec::new(),
            },
            has_inputs: false,
            private: false,
            traceparent: None,
        }
    }
}
