//! Which commit was the last to be found good.

use solstice_forge::Event;
use solstice_model::{AgentVerdict, SkipReason};
use solstice_store::{Hold, LastGreen, Store, WorkflowAt};

use crate::fixture::{
    attempt_of, claim_all, end, failed, forge, head, held, pull_request, push, spec, store,
};

fn main(file: &str) -> WorkflowAt {
    WorkflowAt {
        forge: forge(),
        repository: "acme/kernel".parse().unwrap(),
        git_ref: "refs/heads/main".parse().unwrap(),
        base: None,
        file: file.to_owned(),
    }
}

async fn ran(store: &Store, event: Event, verdict: AgentVerdict) {
    held(store, event, &["ci.kdl"], vec![spec("build", &[])], Hold::None).await;
    claim_all(store, 1).await;
    end(store, attempt_of(store, "build").await, verdict).await;
}

fn commit(digit: char) -> LastGreen {
    LastGreen::At(head("refs/heads/main", digit).commit)
}

#[tokio::test]
async fn the_newest_commit_whose_jobs_all_ended_well_is_green() {
    let (_dir, store) = store();
    assert_eq!(store.last_green(main("ci.kdl")).await.unwrap(), LastGreen::NeverRan);
    ran(&store, push('a'), failed()).await;
    assert_eq!(store.last_green(main("ci.kdl")).await.unwrap(), LastGreen::Nowhere);
    ran(&store, push('b'), AgentVerdict::Succeeded).await;
    ran(&store, push('c'), failed()).await;
    let mut nowhere = spec("build", &[]);
    nowhere.runs_on = "sparc".parse().unwrap();
    held(&store, push('d'), &["ci.kdl"], vec![nowhere], Hold::None).await;
    assert_eq!(store.last_green(main("ci.kdl")).await.unwrap(), commit('b'));
    // Other files, refs and pull requests are not asked.
    assert_eq!(store.last_green(main("other.kdl")).await.unwrap(), LastGreen::NeverRan);
    ran(&store, Event::Push(head("refs/heads/topic", 'e')), AgentVerdict::Succeeded).await;
    assert_eq!(store.last_green(main("ci.kdl")).await.unwrap(), commit('b'));
    ran(&store, pull_request('f'), AgentVerdict::Succeeded).await;
    let git_ref = "refs/pull/7/head".parse().unwrap();
    let at = WorkflowAt { git_ref, base: Some("main".to_owned()), ..main("ci.kdl") };
    assert_eq!(store.last_green(at.clone()).await.unwrap(), commit('f'));
    let at = WorkflowAt { base: Some("stable".to_owned()), ..at };
    assert_eq!(store.last_green(at).await.unwrap(), LastGreen::NeverRan);
}

#[tokio::test]
async fn what_was_skipped_has_not_been_found_good() {
    let (_dir, store) = store();
    let skip = async |digit, why| {
        held(&store, push(digit), &["ci.kdl"], vec![spec("build", &[])], Hold::Skip(why)).await
    };
    skip('a', SkipReason::NoFileChanged).await;
    assert_eq!(store.last_green(main("ci.kdl")).await.unwrap(), LastGreen::NeverRan);
    ran(&store, push('b'), AgentVerdict::Succeeded).await;
    skip('c', SkipReason::NoFileChanged).await;
    skip('d', SkipReason::CommitMessage { marker: "[skip ci]".to_owned() }).await;
    assert_eq!(store.last_green(main("ci.kdl")).await.unwrap(), commit('b'));
}
