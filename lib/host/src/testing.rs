//! What tests of several modules need.

use std::collections::BTreeMap;

use chrono::DateTime;
use solstice_model::id::new_id;
use solstice_model::spec::DEFAULT_SHELL;
use solstice_model::{Assignment, JobSpec, Record, RecordBody, Source, StepSpec, StepWhen};

/// A job with one step, from a repository that does not exist.
pub(crate) fn assignment() -> Assignment {
    Assignment {
        attempt: new_id(),
        job: new_id(),
        run: new_id(),
        number: 1,
        source: Source {
            repository: "illumos/gate".parse().unwrap(),
            clone_url: "http://127.0.0.1:1/illumos/gate.git".parse().unwrap(),
            commit: "1".repeat(40).parse().unwrap(),
            git_ref: "refs/heads/main".parse().unwrap(),
        },
        spec: JobSpec {
            name: "build".parse().unwrap(),
            runs_on: "tiny".parse().unwrap(),
            needs: Vec::new(),
            env: BTreeMap::new(),
            timeout_s: 600,
            matrix: None,
            size: None,
            unmet: None,
            retries: 0,
            continue_on_error: false,
            priority: 0,
            artifacts: Vec::new(),
            steps: vec![StepSpec {
                name: "Build".to_owned(),
                run: "make".to_owned(),
                shell: DEFAULT_SHELL.map(str::to_owned).to_vec(),
                working_dir: None,
                env: BTreeMap::new(),
                timeout_s: None,
                when: StepWhen::OnSuccess,
                continue_on_error: false,
                retries: 0,
            }],
        },
        has_inputs: false,
        private: false,
        traceparent: None,
    }
}

/// A record of an arbitrary time.
pub(crate) fn record(seq: u64, body: RecordBody) -> Record {
    Record { seq, at: DateTime::UNIX_EPOCH, body }
}
