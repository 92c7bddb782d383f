//! The pages around the job's: what runs and waits, repositories, runs, hosts,
//! images, deliveries, badges. Whatever comes from outside is text on all of them.

use reqwest::StatusCode;
use serde_json::json;
use solstice_model::{AgentVerdict, Exit, RecordBody, Role};

use crate::bench::{Bench, HOST, ONE_JOB, TWO_JOBS, bench, bench_with, line, record};

const XSS: &str = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>";

async fn page(bench: &Bench, path: &str) -> String {
    let answer = bench.get(path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    let html = answer.text().await.unwrap();
    for bad in ["<script>alert", "<img src=x", "\"'&<", "style=", "onclick"] {
        assert!(!html.contains(bad), "{path} has {bad}: {html}");
    }
    assert_eq!(html.matches("<script").count(), 1, "only the one file");
    assert_eq!(html.matches("<h1").count(), 1, "{path} has one main heading: {html}");
    assert!(html.contains("aria-current="), "{path} says where it is");
    html
}

fn all(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(html.contains(part), "{part} is missing in {html}");
    }
}

/// Workflow, branch, title, actor of a push that are all hostile.
async fn hostile_push(bench: &Bench) -> String {
    let workflow = r#"workflow name="NAME" {
        job id="build" runs_on="illumos" {
            matrix { os "a<b>" "NAME" "c" "d" ; mode "x" "y" }
            step name="NAME" run="x"
        }
        job id="ship" runs_on="linux" needs="build" { step run="y" }
    }"#;
    let workflow = workflow.replace("NAME", &XSS.replace('"', "\\\""));
    let files: [(&str, &[u8]); 1] = [(".solstice/<script>alert(1).kdl", workflow.as_bytes())];
    let commit = bench.forge.add_commit(&bench.repository, &files);
    let git_ref = "refs/heads/<script>alert(1)</script>\"'&<img";
    let mut push = bench.forge.push(&bench.repository, git_ref, &commit);
    (push.title, push.actor) = (XSS.to_owned(), XSS.to_owned());
    let delivery = bench.forge.deliver(&push);
    assert!(bench.deliver("forge", &delivery).send().await.unwrap().status().is_success());
    let run = bench.until("a run", || bench.run_of(&commit)).await;
    run["run"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_start_page_tells_what_runs_and_what_waits_and_why() {
    let bench = bench().await;
    let (_, run) = bench.push(TWO_JOBS).await;
    all(&page(&bench, "/").await, &["waits for a host: none that is online offers illumos"]);
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    let begun = record(1, RecordBody::StepStarted { step: 0 });
    bench.records(&attempt, &[begun]).await;
    let html = page(&bench, "/").await;
    let job = run["jobs"][0]["id"].as_str().unwrap();
    all(
        &html,
        &[
            "Running now",
            &format!("href=\"/jobs/{job}\""),
            "at host-1",
            "step 1 of 2: Build",
            "waits for build",
            "1 of 1 host online",
            "Newest runs",
            "href=\"/repositories/forge/ada/engine\"",
        ],
    );
    let reader = bench.http.get(bench.url("/")).bearer_auth(bench.token(Role::Reader).secret());
    let html = reader.send().await.unwrap().text().await.unwrap();
    assert!(!html.contains("online") && !html.contains("href=\"/hosts\""), "{html}");
    let queue = bench.json("/api/v1/queue").await;
    assert_eq!(queue["working"][0]["step"]["name"], "Build");
    assert_eq!((&queue["working_total"], &queue["waiting_total"]), (&json!(1), &json!(1)));
    assert_eq!(queue["waiting"][0]["why"], "for build");
}

#[tokio::test]
async fn a_place_in_the_queue_is_told() {
    let bench = bench().await;
    bench.sync(0, &[], 0).await;
    for _ in 0..3 {
        bench.push(ONE_JOB).await;
        bench.advance(1);
    }
    let html = page(&bench, "/").await;
    all(&html, &["waits for room: next in the queue for illumos", "number 3 in the queue"]);
}

#[tokio::test]
async fn hostile_text_is_text_on_every_page_and_every_field_is_shown() {
    let bench = bench().await;
    let run = hostile_push(&bench).await;
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    let begun = record(1, RecordBody::StepStarted { step: 0 });
    bench.records(&attempt, &[begun]).await;
    all(&page(&bench, "/").await, &["&#60;script&#62;alert(1)", "step 1 of 1: &#60;script"]);
    all(&page(&bench, "/hosts").await, &["&#60;script&#62;alert(1)"]);
    bench.report(&attempt, json!({ "report": "lost", "why": XSS })).await;
    let ended = bench.claim().await;
    bench.run_up(&ended).await;
    let printed =
        ["gear<b>.c:3:7: error: x", &format!("::error file=a.c,line=3,title={XSS}::{XSS}")];
    let mut records = vec![record(1, RecordBody::StepStarted { step: 0 })];
    records.extend(printed.into_iter().zip(2..).map(|(text, seq)| line(seq, text)));
    let exit = Exit::Code { code: 1 };
    let verdict = AgentVerdict::Failed { step: 0, exit };
    records.push(record(4, RecordBody::Finished { verdict }));
    assert_eq!(bench.records(&ended, &records).await.0, StatusCode::OK);
    let path = format!("/runs/{run}");
    let remarks = || async {
        let html = bench.text(&path).await;
        html.contains("What tools said of the source").then_some(())
    };
    bench.until("annotations", remarks).await;
    let html = page(&bench, &format!("/runs/{run}")).await;
    all(
        &html,
        &[
            "What needs what",
            "class=\"node ",
            "id=\"matrix-0\"",
            "a&#60;b&#62;",
            "not run",
            "What tools said of the source",
            "/a.c#L3\"",
        ],
    );
    let history = page(&bench, "/repositories/forge/ada/engine").await;
    all(&history, &["&#60;script&#62;alert(1)", "Branches", "/badges/forge/ada/engine.svg"]);
    all(&page(&bench, "/repositories").await, &["ada/engine", "&#60;script&#62;"]);
    let evil = url::form_urlencoded::byte_serialize(XSS.as_bytes()).collect::<String>();
    for path in ["/deliveries?verdict=", "/repositories/forge/ada/engine?workflow="] {
        page(&bench, &format!("{path}{evil}")).await;
    }
}

#[tokio::test]
async fn deliveries_show_their_headers_and_are_replayed_by_a_button() {
    let bench = bench().await;
    bench.push(ONE_JOB).await;
    let list = page(&bench, "/deliveries?verdict=runs").await;
    let link = list.split("href=\"").find(|part| part.starts_with("/deliveries/")).unwrap();
    let path = link.split('"').next().unwrap().to_owned();
    all(&page(&bench, &path).await, &["Have it interpreted again", "Headers", "href=\"/runs/"]);
    all(&page(&bench, "/deliveries?verdict=rejected").await, &["No delivery is like that"]);
    all(&page(&bench, "/deliveries?forge=other").await, &["No delivery is like that"]);
}

#[tokio::test]
async fn images_tell_how_often_they_were_used() {
    let bench = bench().await;
    let digest = solstice_model::Sha256Digest::of(b"image");
    let request = json!({
        "host": HOST, "offers": [{ "labels": ["illumos"], "room": 1 }], "room": 1, "known": [],
        "wait_ms": 0, "images": [{ "name": "omnios", "digest": digest, "labels": ["illumos"] }],
    });
    let sync = || async { bench.host("/sync", &request).send().await.unwrap().status() };
    assert_eq!(sync().await, StatusCode::OK);
    all(&page(&bench, "/images").await, &["omnios", &digest.to_string(), "host-1", "0×"]);
    bench.push(ONE_JOB).await;
    bench
        .until("a claim", || async {
            sync().await;
            page(&bench, "/images").await.contains("1×, last").then_some(())
        })
        .await;
}

#[tokio::test]
async fn runs_are_filtered_by_links_and_through_the_pages_of_the_api() {
    let bench = bench().await;
    for number in 0..3 {
        let workflow = format!("{ONE_JOB}\n// {number}");
        bench.push_files(&[(".solstice/ci.kdl", workflow.as_bytes())]).await;
    }
    bench.push_files(&[(".solstice/broken.kdl", b"workflow {")]).await;
    let four = || async {
        let runs = bench.json("/api/v1/runs").await;
        (runs["items"].as_array().unwrap().len() == 4).then_some(())
    };
    bench.until("four runs", four).await;
    let count = async |query: &str| {
        let runs = bench.json(&format!("/api/v1/runs?{query}")).await;
        runs["items"].as_array().unwrap().len()
    };
    assert_eq!(count("repository=ada/engine&forge=forge").await, 4);
    assert_eq!(count("forge=other").await, 0);
    assert_eq!(count("branch=main&file=.solstice/ci.kdl").await, 3);
    assert_eq!(count("ref=refs/heads/main&status=failed").await, 1);
    assert_eq!(count("status=queued").await, 3);
    assert_eq!(count("status=running").await, 0);
    assert_eq!(count("pull_request=7").await, 0);
    let first = bench.json("/api/v1/runs?limit=2&file=.solstice/ci.kdl").await;
    let token = first["next_page"].as_str().unwrap();
    let second = bench.json(&format!("/api/v1/runs?limit=2&page_token={token}")).await;
    assert_eq!(second["items"].as_array().unwrap().len(), 1, "the filter holds: {second}");
    let path = "/repositories/forge/ada/engine";
    let titles = async |query: &str| {
        page(&bench, &format!("{path}?{query}"))
            .await
            .matches("class=\"title\" href=\"/runs/")
            .count()
    };
    assert_eq!(titles("").await, 4);
    assert_eq!(titles("workflow=.solstice/ci.kdl&branch=main").await, 3);
    assert_eq!(titles("status=failed").await, 1);
    assert_eq!(titles("status=succeeded").await, 0);
    assert_eq!(titles("pull_request=7").await, 0);
    let odd = bench.get(&format!("{path}?status=odd")).send().await.unwrap();
    assert_eq!(odd.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_private_is_on_no_page_of_somebody_who_may_not_see_it() {
    let bench = bench_with(|config| config.anonymous = Some(Role::Reader)).await;
    let secret = bench.forge.add_repository("ada/secret");
    let commit = bench.forge.add_commit(&secret, &[(".solstice/ci.kdl", ONE_JOB.as_bytes())]);
    bench.forge.set_private(&secret, true);
    let push = bench.forge.push(&secret, "refs/heads/main", &commit);
    bench.deliver("forge", &bench.forge.deliver(&push)).send().await.unwrap();
    bench.until("a run", || bench.run_of(&commit)).await;
    bench.push(ONE_JOB).await;
    let open = async |path: &str| bench.http.get(bench.url(path)).send().await.unwrap();
    for path in ["/", "/repositories", "/api/v1/repositories", "/api/v1/queue", "/api/v1/runs"] {
        let text = open(path).await.text().await.unwrap();
        assert!(text.contains("ada/engine") && !text.contains("secret"), "{path}: {text}");
        assert!(bench.text(path).await.contains("ada/secret"), "{path}");
    }
    let hidden = open("/repositories/forge/ada/secret").await;
    let absent = open("/repositories/forge/ada/absent").await;
    assert_eq!((hidden.status(), absent.status()), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    let strip = |text: String| text.replace("secret", "absent");
    let bodies = (hidden.text().await.unwrap(), absent.text().await.unwrap());
    let without_time = |text: &str| text.split("data-now").next().unwrap().to_owned();
    assert_eq!(without_time(&strip(bodies.0)), without_time(&bodies.1));
    let hidden = open("/badges/forge/ada/secret.svg").await;
    let absent = open("/badges/forge/ada/absent.svg").await;
    assert_eq!(hidden.headers()["etag"], absent.headers()["etag"]);
    assert_eq!(hidden.text().await.unwrap(), absent.text().await.unwrap());
}

#[tokio::test]
async fn a_badge_tells_how_a_branch_stands() {
    let bench = bench_with(|config| config.anonymous = Some(Role::Reader)).await;
    bench.push(ONE_JOB).await;
    let badge = async |query: &str| {
        let url = bench.url(&format!("/badges/forge/ada/engine.svg{query}"));
        bench.http.get(url).send().await.unwrap()
    };
    assert!(badge("").await.text().await.unwrap().contains("build: unknown"), "none is over");
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    bench.finish(&attempt, 1).await;
    let passing = || async {
        let text = badge("").await.text().await.unwrap();
        text.contains("build: passing").then_some(())
    };
    bench.until("a green badge", passing).await;
    bench.push_files(&[(".solstice/broken.kdl", b"workflow {")]).await;
    let failing = || async {
        let text = badge("?branch=main").await.text().await.unwrap();
        text.contains("build: failing").then_some(())
    };
    bench.until("a red badge", failing).await;
    let of = badge("?workflow=CI").await;
    assert_eq!(of.headers()["content-type"], "image/svg+xml; charset=utf-8");
    assert!(of.headers()["cache-control"].to_str().unwrap().contains("max-age=60"));
    let tag = of.headers()["etag"].clone();
    assert!(of.text().await.unwrap().contains("CI: passing"));
    let url = bench.url("/badges/forge/ada/engine.svg?workflow=CI");
    let again = bench.http.get(url).header("if-none-match", tag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert!(badge("?branch=nowhere").await.text().await.unwrap().contains("build: unknown"));
}

#[tokio::test]
async fn a_host_is_drained_by_a_button() {
    let bench = bench().await;
    bench.sync(1, &[], 0).await;
    all(&page(&bench, "/hosts").await, &["Drain host-1", "room for 1 more", "illumos, linux"]);
}

/// Many jobs that need one another, some of them of a matrix.
const LARGE: &str = r#"workflow name="Everything" {
    job id="format" runs_on="illumos" { step name="Format" run="cargo fmt --check"; }
    job id="lint" runs_on="illumos" { step name="Lint" run="cargo clippy"; }
    job id="build" runs_on="illumos" needs="format" { step name="Build" run="cargo build"; }
    job id="test" runs_on="illumos" needs="build" {
        matrix { os "omnios" "openindiana" "tribblix" "debian" ; rust "1.95" "stable" "nightly" }
        step name="Test" run="cargo test"
    }
    job id="docs" runs_on="linux" needs="lint" { step name="Docs" run="cargo doc"; }
    job id="package" runs_on="illumos" needs="test" { step name="Package" run="make package"; }
    job id="release" runs_on="illumos" { needs "package" "docs" ; step name="Release" run="make release"; }
}"#;

/// A server to look at: `cargo nextest run -p solstice-server serve_pages --run-ignored only`
/// with `SOLSTICE_SERVE_PAGES` naming a file; it gets the address, and its removal ends this.
#[tokio::test]
#[ignore = "serves pages for somebody to look at"]
async fn serve_pages() {
    let address = std::path::PathBuf::from(std::env::var_os("SOLSTICE_SERVE_PAGES").unwrap());
    let bench = bench_with(|config| config.anonymous = Some(Role::Admin)).await;
    for number in 0..30 {
        let workflow = format!("{ONE_JOB}\n// {number}");
        bench.push(&workflow).await;
        let attempt = bench.claim().await;
        bench.run_up(&attempt).await;
        bench.advance(20 + number * 7 % 23);
        if number % 7 == 3 {
            let exit = Exit::Code { code: 1 };
            let verdict = AgentVerdict::Failed { step: 0, exit };
            let body = RecordBody::Finished { verdict };
            bench.records(&attempt, &[record(1, body)]).await;
        } else {
            bench.finish(&attempt, 1).await;
        }
    }
    bench.push_files(&[(".solstice/broken.kdl", b"workflow {")]).await;
    let (_, large) = bench.push(LARGE).await;
    for step in 0..9 {
        let wanted = bench.sync(1, &[], 0).await;
        let attempt = wanted.last().unwrap()["attempt"].as_str().unwrap().to_owned();
        bench.run_up(&attempt).await;
        if step < 6 {
            bench.advance(20 + step * 3);
            bench.finish(&attempt, 1).await;
        } else {
            let begun = record(1, RecordBody::StepStarted { step: 0 });
            bench.records(&attempt, &[begun]).await;
        }
    }
    hostile_push(&bench).await;
    let told = format!("{}\n{}\n{}", bench.url(""), large["run"]["id"], bench.data().display());
    std::fs::write(&address, told).unwrap();
    while address.exists() {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}
