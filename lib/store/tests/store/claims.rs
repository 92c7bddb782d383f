//! Who gets which job, and with what.

use solstice_model::AgentVerdict;

use crate::fixture::{LEASE, at, claim, end, host, offer, one_job, run, spec, store};

#[tokio::test]
async fn an_assignment_holds_all_that_a_host_needs() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let assignment = claim(&store, 10).await;
    assert_eq!((assignment.job, assignment.run, assignment.number), (job.id, job.run, 1));
    assert_eq!(assignment.source.clone_url.as_str(), "https://forge.example/acme/kernel.git");
    assert_eq!(assignment.source.commit.as_str(), "a".repeat(40));
    assert_eq!(assignment.spec.steps.len(), 2);
    let env = &assignment.spec.env;
    assert_eq!((env["CI"].as_str(), env["COLOUR"].as_str()), ("true", "blue"));
    assert_eq!((env["SOLSTICE_WORKFLOW"].as_str(), env["SOLSTICE_JOB"].as_str()), ("CI", "build"));
    assert_eq!(env["SOLSTICE_REF_NAME"], "main");
    let info = store.attempt(assignment.attempt).await.unwrap();
    assert_eq!((info.host, info.over, info.applied_seq), (host("host-1"), false, 0));
    assert!(store.wanted(host("host-2")).await.unwrap().is_empty());
    assert!(!store.job(job.id).await.unwrap().spec.env.contains_key("CI"), "kept as written");
}

#[tokio::test]
async fn the_oldest_job_that_fits_goes_first() {
    let (_dir, store) = store();
    let linux = |name| {
        let mut spec = spec(name, &[]);
        spec.runs_on = "linux".parse().unwrap();
        spec
    };
    let first = run(&store, vec![linux("a"), spec("b", &[]), spec("c", &[])]).await;
    let second = run(&store, vec![spec("d", &[])]).await;
    let offers = vec![offer(&["illumos"], 9)];
    store.claim(host("host-1"), offers, Vec::new(), 9, at(1), LEASE).await.unwrap();
    let wanted = store.wanted(host("host-1")).await.unwrap();
    let jobs: Vec<_> = wanted.iter().map(|wanted| wanted.job).collect();
    assert_eq!(jobs, [first.jobs[1].id, first.jobs[2].id, second.jobs[0].id]);
}

#[tokio::test]
async fn labels_of_one_offer_share_its_room_and_all_share_the_host_s() {
    let (_dir, store) = store();
    let on = |name: &str, label: &str| {
        let mut spec = spec(name, &[]);
        spec.runs_on = label.parse().unwrap();
        spec
    };
    run(&store, (0..6).map(|n| on(&format!("a{n}"), "omnios")).collect()).await;
    run(&store, (0..6).map(|n| on(&format!("b{n}"), "illumos")).collect()).await;
    run(&store, (0..6).map(|n| on(&format!("c{n}"), "linux")).collect()).await;
    let claim = |offers, room| store.claim(host("host-1"), offers, Vec::new(), room, at(1), LEASE);
    let shared = || vec![offer(&["omnios", "illumos"], 2), offer(&["linux"], 2)];
    assert_eq!(claim(shared(), 9).await.unwrap().len(), 4);
    assert_eq!(claim(shared(), 3).await.unwrap().len(), 3);
    assert_eq!(claim(shared(), 0).await.unwrap().len(), 0);
    assert_eq!(claim(vec![offer(&["illumos"], 0), offer(&["linux"], 0)], 9).await.unwrap(), []);
    assert_eq!(claim(vec![offer(&["aix"], 5)], 9).await.unwrap(), []);
    assert_eq!(claim(Vec::new(), 9).await.unwrap(), []);
    let wanted = store.wanted(host("host-1")).await.unwrap();
    let of = |label| wanted.iter().filter(|wanted| wanted.spec.runs_on.as_str() == label).count();
    assert_eq!((of("omnios"), of("illumos"), of("linux")), (4, 0, 3));
}

#[tokio::test]
async fn a_label_in_two_offers_has_the_room_of_both() {
    let (_dir, store) = store();
    run(&store, (0..6).map(|n| spec(&format!("a{n}"), &[])).collect()).await;
    let offers = vec![offer(&["illumos"], 1), offer(&["linux", "illumos"], 2)];
    let claimed = store.claim(host("host-1"), offers, Vec::new(), 9, at(1), LEASE).await.unwrap();
    assert_eq!(claimed.len(), 3);
}

#[tokio::test]
async fn a_job_is_claimed_only_when_all_its_needs_succeeded() {
    let (_dir, store) = store();
    let jobs = vec![spec("a", &[]), spec("b", &[]), spec("c", &["a", "b"])];
    let detail = run(&store, jobs).await;
    let offers = || vec![offer(&["illumos"], 9)];
    let first = store.claim(host("host-1"), offers(), Vec::new(), 9, at(1), LEASE).await.unwrap();
    assert_eq!(first.len(), 2);
    end(&store, first[0], AgentVerdict::Succeeded).await;
    assert_eq!(
        store.claim(host("host-1"), offers(), Vec::new(), 9, at(2), LEASE).await.unwrap(),
        []
    );
    end(&store, first[1], AgentVerdict::Succeeded).await;
    assert_eq!(claim(&store, 3).await.job, detail.jobs[2].id);
}
