//! What may be started by hand, and what is told when it may not.

use std::sync::Arc;

use solstice_forge::fake::Fault;
use solstice_model::{CommitSha, EventKind};

use super::*;
use crate::bench::{Bench, CI};

fn manual() -> String {
    CI.replacen("{", "{\n    on \"manual\"\n", 1)
}

fn wanted(bench: &Bench) -> RunCreate {
    let repository = bench.repository.clone();
    RunCreate { forge: None, repository, git_ref: None, commit: None, file: None }
}

async fn start(bench: &Bench, wanted: RunCreate) -> Result<Vec<RunId>, StartError> {
    let forge: Arc<dyn Forge> = Arc::new(bench.forge.clone());
    let forges = Forges::from([(forge.name().clone(), forge)]);
    start_by_hand(&bench.store, &forges, wanted, "ada".to_owned(), bench.now()).await
}

/// A commit at the default branch with one workflow file.
fn at_main(bench: &Bench, workflow: &str) -> CommitSha {
    let commit = bench.commit(workflow);
    bench.forge.push(&bench.repository, "refs/heads/main", &commit);
    commit
}

#[tokio::test]
async fn each_call_makes_new_runs_at_the_head_of_the_ref() {
    let bench = Bench::new();
    let older = at_main(&bench, &manual());
    let newest = at_main(&bench, &manual());
    let first = start(&bench, wanted(&bench)).await.unwrap();
    let second = start(&bench, wanted(&bench)).await.unwrap();
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_ne!(first, second);
    let run = bench.store.run(first[0]).await.unwrap().run;
    assert_eq!((run.event, run.commit, run.actor.as_str()), (EventKind::Manual, newest, "ada"));
    assert_eq!(run.git_ref.as_str(), "refs/heads/main");
    let at_older = RunCreate { commit: Some(older.clone()), ..wanted(&bench) };
    let third = start(&bench, at_older).await.unwrap();
    assert_eq!(bench.store.run(third[0]).await.unwrap().run.commit, older);
}

#[tokio::test]
async fn what_is_unknown_is_told_apart() {
    let bench = Bench::new();
    at_main(&bench, &manual());
    let forge = Some("other".parse().unwrap());
    let error = start(&bench, RunCreate { forge, ..wanted(&bench) }).await.unwrap_err();
    assert!(matches!(error, StartError::UnknownForge { .. }), "{error:?}");
    assert!(error.to_string().contains("\"other\"") && error.to_string().ends_with("are forge"));
    let forges = Forges::new();
    let none = start_by_hand(&bench.store, &forges, wanted(&bench), "ada".to_owned(), bench.now());
    assert!(matches!(none.await.unwrap_err(), StartError::UnknownForge { .. }));
    for absent in [
        RunCreate { git_ref: Some("none".to_owned()), ..wanted(&bench) },
        RunCreate { commit: Some("7".repeat(40).parse().unwrap()), ..wanted(&bench) },
        RunCreate { repository: "ada/none".parse().unwrap(), ..wanted(&bench) },
    ] {
        let error = start(&bench, absent).await.unwrap_err();
        assert!(matches!(error, StartError::Absent(_)), "{error:?}");
        assert!(error.to_string().starts_with("the forge knows no"), "{error}");
    }
}

#[tokio::test]
async fn with_several_forges_one_has_to_be_named() {
    let bench = Bench::new();
    at_main(&bench, &manual());
    let other: Arc<dyn Forge> =
        Arc::new(solstice_forge::fake::FakeForge::new("other".parse().unwrap()));
    let forge: Arc<dyn Forge> = Arc::new(bench.forge.clone());
    let forges = [forge, other].map(|forge| (forge.name().clone(), forge));
    let forges = Forges::from(forges);
    let start =
        |wanted| start_by_hand(&bench.store, &forges, wanted, "ada".to_owned(), bench.now());
    let error = start(wanted(&bench)).await.unwrap_err();
    assert!(error.to_string().contains("forge, other"), "{error}");
    let forge = Some(bench.forge.name().clone());
    assert_eq!(start(RunCreate { forge, ..wanted(&bench) }).await.unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_to_run_says_why_for_each_file() {
    let bench = Bench::new();
    at_main(&bench, CI);
    match start(&bench, wanted(&bench)).await.unwrap_err() {
        StartError::NothingToRun(NothingToRun { reasons }) => {
            assert_eq!(reasons, [".solstice/ci.kdl: the workflow has no `on \"manual\"`"]);
        }
        other => panic!("{other:?}"),
    }
    let file = Some(".solstice/other.kdl".to_owned());
    let error = start(&bench, RunCreate { file, ..wanted(&bench) }).await.unwrap_err();
    assert!(error.to_string().contains("no .solstice/other.kdl"), "{error}");
    at_main(&bench, "workflow {");
    let error = start(&bench, wanted(&bench)).await.unwrap_err();
    assert!(error.to_string().contains(".solstice/ci.kdl:1:"), "{error}");
}

#[tokio::test]
async fn a_forge_in_trouble_has_not_said_no() {
    let bench = Bench::new();
    at_main(&bench, &manual());
    for _ in 0..2 {
        bench.forge.go_down();
        let error = start(&bench, wanted(&bench)).await.unwrap_err();
        assert!(matches!(error, StartError::Forge(_)), "{error:?}");
        bench.forge.come_up();
    }
    bench.forge.fail_next(1, Fault::Status(503, None));
    assert!(matches!(start(&bench, wanted(&bench)).await, Err(StartError::Forge(_))));
    assert_eq!(start(&bench, wanted(&bench)).await.unwrap().len(), 1);
}
