//! What forges are shown, as files to be read, and what cannot happen to it.

use chrono::{DateTime, TimeDelta, Utc};
use solstice_api::user::{Job, RunStatus};
use solstice_forge::{MAX_ACTIONS, Push};
use solstice_model::job::Holding;
use solstice_model::{
    AnnotationLevel, EventKind, Exit, JobSpec, Outcome, RunId, StepSpec, StepWhen, id::new_id,
};

use super::super::tail;
use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn step(name: &str) -> StepSpec {
    StepSpec {
        name: name.to_owned(),
        run: String::new(),
        shell: Vec::new(),
        working_dir: None,
        env: Default::default(),
        timeout_s: None,
        when: StepWhen::OnSuccess,
        continue_on_error: false,
        retries: 0,
    }
}

fn begun(index: u32, name: &str, took: Option<i64>, exit: Option<Exit>) -> Step {
    let finished_at = took.map(|took| at(100) + TimeDelta::seconds(took));
    Step { index, name: name.to_owned(), started_at: at(100), finished_at, exit, tries: 1 }
}
