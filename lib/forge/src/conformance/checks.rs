//! Laws of reports, and of failures.

use std::time::Duration;

use solstice_model::CommitSha;

use super::{SUBJECT, Trouble, World, report};
use crate::check::{Check, CheckReport, CheckState, MAX_CONTEXT_CHARS, MAX_DESCRIPTION_CHARS};
use crate::error::{ForgeError, Retry};
use crate::seam::Forge as _;

async fn commit(world: &impl World) -> CommitSha {
    world.commit(&[(".solstice/ci.kdl", b"workflow { }")]).await
}

async fn tell(
    world: &impl World,
    commit: &CommitSha,
    report: &CheckReport,
) -> Result<(), ForgeError> {
    let repository = world.repository();
    let check = Check { repository: &repository, commit, subject: SUBJECT, report, details: None };
    world.forge().report(&check).await
}

/// Every state is taken, and shown as itself or as what the forge has for it,
/// in the order in which it was told.
pub async fn reports_are_shown_in_order(world: &impl World) {
    let commit = commit(world).await;
    let reports = CheckState::ALL.map(report);
    for report in &reports {
        tell(world, &commit, report).await.expect("it is taken");
    }
    let left = CheckState::ALL.map(|state| report(world.left_of(state)));
    assert_eq!(world.shown(&commit).await, left);
}

/// The outbox may tell the same twice.
pub async fn a_repeated_report_is_harmless(world: &impl World) {
    let commit = commit(world).await;
    let report = report(CheckState::Failure);
    for _ in 0..2 {
        tell(world, &commit, &report).await.expect("it is taken");
    }
    let shown = world.shown(&commit).await;
    assert!(shown.iter().all(|it| *it == report) && !shown.is_empty(), "{shown:?}");
}

/// The limits count characters, not bytes.
pub async fn the_longest_report_is_taken(world: &impl World) {
    let commit = commit(world).await;
    let report = CheckReport {
        context: "ü".repeat(MAX_CONTEXT_CHARS),
        description: "🚀".repeat(MAX_DESCRIPTION_CHARS),
        ..report(CheckState::Success)
    };
    tell(world, &commit, &report).await.expect("it is taken");
    assert_eq!(world.shown(&commit).await, [report]);
}

/// A repository that is gone stays gone.
pub async fn a_report_for_an_unknown_repository_is_refused_for_good(world: &impl World) {
    let commit = commit(world).await;
    let repository = "nobody/nothing".parse().expect("a repository's name");
    let report = report(CheckState::Pending);
    let check = Check {
        repository: &repository,
        commit: &commit,
        subject: SUBJECT,
        report: &report,
        details: None,
    };
    let answer = world.forge().report(&check).await;
    match answer {
        Err(error @ ForgeError::Refused { .. }) => assert_eq!(error.retry(), Retry::Never),
        other => panic!("{other:?}"),
    }
}

/// A commit that is not there is refused; forges disagree on whether for good.
pub async fn a_report_for_an_unknown_commit_is_refused(world: &impl World) {
    commit(world).await;
    let unknown: CommitSha = "0123456789".repeat(4).parse().expect("a commit's id");
    let answer = tell(world, &unknown, &report(CheckState::Pending)).await;
    assert!(matches!(answer, Err(ForgeError::Refused { .. })), "{answer:?}");
    assert_eq!(world.shown(&unknown).await, []);
}

/// A forge that is down is worth trying again, and is fine when it is back.
pub async fn a_forge_that_is_down_is_unreachable(world: &impl World) {
    let commit = commit(world).await;
    world.go_down().await;
    let told = tell(world, &commit, &report(CheckState::Pending)).await.expect_err("it is down");
    let read = world.forge().workflow_files(&world.repository(), &commit).await;
    for error in [told, read.expect_err("it is down")] {
        assert!(matches!(error, ForgeError::Unreachable { .. }), "{error:?}");
        assert_eq!(error.retry(), Retry::Backoff);
    }
    world.come_up().await;
    tell(world, &commit, &report(CheckState::Pending)).await.expect("it is up");
}

/// A pause that the forge asks for reaches the caller.
pub async fn a_forge_that_asks_for_a_pause_gets_it(world: &impl World) {
    let commit = commit(world).await;
    let pause = Duration::from_secs(17);
    for status in [429, 503] {
        world.fail_next(1, Trouble::RetryAfter(status, pause)).await;
        let error = tell(world, &commit, &report(CheckState::Pending)).await.expect_err("ordered");
        assert_eq!(error.retry(), Retry::After(pause), "{error}");
        world.fail_next(1, Trouble::RetryAfter(status, pause)).await;
        let error = world.forge().workflow_files(&world.repository(), &commit).await;
        assert_eq!(error.expect_err("ordered").retry(), Retry::After(pause));
    }
    assert_eq!(world.shown(&commit).await, []);
}

/// Every refusal has its status, and says whether to try again.
pub async fn each_status_says_whether_to_try_again(world: &impl World) {
    let commit = commit(world).await;
    for (ordered, retry) in [
        (400, Retry::Never),
        (401, Retry::Backoff),
        (403, Retry::Never),
        (422, Retry::Never),
        (429, Retry::Backoff),
        (500, Retry::Backoff),
        (502, Retry::Backoff),
    ] {
        world.fail_next(1, Trouble::Status(ordered)).await;
        match tell(world, &commit, &report(CheckState::Success)).await {
            Err(error @ ForgeError::Refused { status, .. }) => {
                assert_eq!((status, error.retry()), (ordered, retry));
            }
            other => panic!("{ordered}: {other:?}"),
        }
    }
    tell(world, &commit, &report(CheckState::Success)).await.expect("the trouble is over");
    assert_eq!(world.shown(&commit).await.len(), 1);
}

/// A page for people where an answer should be is trouble that passes.
pub async fn nonsense_is_a_bad_answer(world: &impl World) {
    let commit = commit(world).await;
    world.fail_next(1, Trouble::Nonsense).await;
    let told = tell(world, &commit, &report(CheckState::Success)).await.expect_err("ordered");
    world.fail_next(1, Trouble::Nonsense).await;
    let read = world.forge().workflow_files(&world.repository(), &commit).await;
    for error in [told, read.expect_err("ordered")] {
        assert!(matches!(error, ForgeError::BadAnswer { .. }), "{error:?}");
        assert_eq!(error.retry(), Retry::Backoff);
    }
}
