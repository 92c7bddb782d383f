//! Where a run stands, from where its jobs stand.

use std::collections::HashMap;

use rusqlite::Connection;
use solstice_api::user::RunStatus;
use solstice_model::{JobState, Outcome, RunId};

use crate::column::{Columns as _, json};
use crate::error::StoreError;

/// The status of a run, worst first: one that failed is failed, whatever else
/// happened in it. A skipped job says nothing, since the need that was not met
/// does. `waiting`: nobody has approved of it. Each job comes with whether its
/// failure is allowed.
pub fn run_status<'a>(
    broken: bool,
    waiting: bool,
    jobs: impl IntoIterator<Item = (&'a JobState, bool)>,
) -> RunStatus {
    if broken {
        return RunStatus::Failed;
    }
    let (mut begun, mut open) = (false, false);
    let mut worst = RunStatus::Succeeded;
    for (job, allowed) in jobs {
        begun |= *job != JobState::Queued;
        match job.outcome() {
            None => open = true,
            Some(outcome) if outcome.is_failure() && allowed => {}
            Some(outcome) if severity(of(outcome)) > severity(worst) => worst = of(outcome),
            Some(_) => {}
        }
    }
    match (open, begun) {
        (true, _) if waiting => RunStatus::WaitingForApproval,
        (true, false) => RunStatus::Queued,
        (true, true) => RunStatus::Running,
        (false, _) => worst,
    }
}

/// The jobs of some runs, each with whether its failure is allowed; of those that
/// were run once more the last. One query, however many runs.
const JOBS_OF: &str = "SELECT run, approval IS 'waiting', data, \
     coalesce(json_extract(spec, '$.continue_on_error'), 0) \
     FROM json_each(?1) AS wanted JOIN run ON run.id = wanted.value \
     JOIN job ON job.run = run.id WHERE replaced_by IS NULL";

/// Where runs stand; those without jobs are left out.
pub(crate) fn statuses(
    connection: &Connection,
    runs: &[RunId],
) -> Result<HashMap<RunId, RunStatus>, StoreError> {
    if runs.is_empty() {
        return Ok(HashMap::new());
    }
    let mut statement = connection.prepare_cached(JOBS_OF)?;
    let mut rows = statement.query([json(&runs)])?;
    let mut jobs: HashMap<RunId, (bool, Vec<(JobState, bool)>)> = HashMap::new();
    while let Some(row) = rows.next()? {
        let (waits, all) = jobs.entry(row.word(0)?).or_default();
        *waits = row.get(1)?;
        all.push((row.data(2)?, row.get(3)?));
    }
    let status = |(run, (waits, jobs)): (RunId, (bool, Vec<(JobState, bool)>))| {
        let states = jobs.iter().map(|(state, allowed)| (state, *allowed));
        (run, run_status(false, waits, states))
    };
    Ok(jobs.into_iter().map(status).collect())
}

fn of(outcome: &Outcome) -> RunStatus {
    match outcome {
        Outcome::Succeeded | Outcome::Skipped { .. } => RunStatus::Succeeded,
        Outcome::Failed { .. } | Outcome::ArtifactFailed { .. } | Outcome::TimedOut { .. } => {
            RunStatus::Failed
        }
        Outcome::Cancelled { .. } => RunStatus::Cancelled,
        Outcome::InfraFailed { .. } => RunStatus::InfraFailed,
    }
}

fn severity(status: RunStatus) -> u8 {
    match status {
        RunStatus::Succeeded
        | RunStatus::WaitingForApproval
        | RunStatus::Queued
        | RunStatus::Running => 0,
        RunStatus::Cancelled => 1,
        RunStatus::InfraFailed => 2,
        RunStatus::Failed => 3,
    }
}

#[cfg(test)]
mod tests {
    use solstice_model::job::Holding;
    use solstice_model::{Exit, SkipReason, id::new_id};

    use super::*;

    fn over(outcome: Outcome) -> JobState {
        JobState::Finished { outcome }
    }

    #[test]
    fn the_worst_outcome_stands_for_the_run() {
        let good = over(Outcome::Succeeded);
        let skipped = over(Outcome::Skipped {
            why: SkipReason::NeedNotMet { need: "build".parse().unwrap() },
        });
        let cancelled = over(Outcome::Cancelled { by: "alice".to_owned() });
        let infra = over(Outcome::InfraFailed { why: "power cut".to_owned() });
        let failed = over(Outcome::Failed { step: 0, exit: Exit::Code { code: 1 } });
        let status =
            |jobs: &[&JobState]| run_status(false, false, jobs.iter().map(|job| (*job, false)));
        assert_eq!(status(&[&good, &good]), RunStatus::Succeeded);
        assert_eq!(status(&[&good, &cancelled, &skipped]), RunStatus::Cancelled);
        assert_eq!(status(&[&infra, &cancelled]), RunStatus::InfraFailed);
        assert_eq!(status(&[&failed, &infra, &skipped]), RunStatus::Failed);
        assert_eq!(run_status(true, false, []), RunStatus::Failed);
    }

    #[test]
    fn only_a_failure_can_be_allowed() {
        let failed = over(Outcome::Failed { step: 0, exit: Exit::Code { code: 1 } });
        let infra = over(Outcome::InfraFailed { why: "power cut".to_owned() });
        let cancelled = over(Outcome::Cancelled { by: "alice".to_owned() });
        assert_eq!(run_status(false, false, [(&failed, true)]), RunStatus::Succeeded);
        assert_eq!(
            run_status(false, false, [(&failed, true), (&failed, false)]),
            RunStatus::Failed
        );
        assert_eq!(run_status(false, false, [(&infra, true)]), RunStatus::InfraFailed);
        assert_eq!(run_status(false, false, [(&cancelled, true)]), RunStatus::Cancelled);
    }

    #[test]
    fn a_run_runs_from_its_first_claim_to_its_last_outcome() {
        let held = Holding { attempt: new_id(), host: "host-1".parse().unwrap() };
        let claimed = JobState::Claimed(held);
        let good = over(Outcome::Succeeded);
        let status =
            |jobs: &[&JobState]| run_status(false, false, jobs.iter().map(|job| (*job, false)));
        assert_eq!(status(&[&JobState::Queued]), RunStatus::Queued);
        let waiting = |job: &JobState| run_status(false, true, [(job, false)]);
        assert_eq!(waiting(&JobState::Queued), RunStatus::WaitingForApproval);
        let cancelled = over(Outcome::Cancelled { by: "alice".to_owned() });
        assert_eq!(waiting(&cancelled), RunStatus::Cancelled);
        assert_eq!(status(&[&JobState::Queued, &claimed]), RunStatus::Running);
        assert_eq!(status(&[&JobState::Queued, &good]), RunStatus::Running);
    }
}
