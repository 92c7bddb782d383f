//! What people see, and that nobody can write into it.

use reqwest::StatusCode;
use serde_json::json;
use solstice_model::{RecordBody, Role, Stream};

use crate::bench::{Bench, ONE_JOB, TWO_JOBS, bench, bench_with, line, record, success};

const XSS: &str = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>";

/// Everything that came from outside is shown, and none of it is markup.
fn assert_harmless(page: &str, what: &str) {
    for bad in ["<script>alert", "<img src=x", "\"'&<"] {
        assert!(!page.contains(bad), "{what}: {page}");
    }
}

async fn page(bench: &Bench, path: &str) -> String {
    let answer = bench.get(path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert!(answer.headers().contains_key("referrer-policy"));
    answer.text().await.unwrap()
}

#[tokio::test]
async fn hostile_text_in_any_field_is_shown_as_text() {
    let bench = bench().await;
    let name = XSS.replace('"', "\\\"");
    let workflow = format!(
        "workflow name=\"{name}\" {{ job id=\"build\" runs_on=\"illumos\" {{ step name=\"{name}\" run=\"x\"; }} }}"
    );
    let files: [(&str, &[u8]); 2] = [
        (".solstice/<script>alert(1).kdl", workflow.as_bytes()),
        (
            ".solstice/<script>alert(2).kdl",
            b"<script>alert(1)</script> {\n<img src=x onerror=alert(1)>",
        ),
    ];
    let commit = bench.forge.add_commit(&bench.repository, &files);
    let git_ref = "refs/heads/<script>alert(1)</script>\"'&<img";
    let mut push = bench.forge.push(&bench.repository, git_ref, &commit);
    (push.title, push.actor) = (XSS.to_owned(), XSS.to_owned());
    let delivery = bench.forge.deliver(&push);
    assert!(bench.deliver("forge", &delivery).send().await.unwrap().status().is_success());
    let attempt = bench.claim().await;
    let phases = json!([{ "name": XSS, "took_ms": 1 }]);
    bench.report(&attempt, json!({ "report": "running", "phases": phases })).await;
    let mut records = vec![
        record(1, RecordBody::StepStarted { step: 0 }),
        line(2, XSS),
        line(3, &format!("\u{1b}[31m{XSS}\u{1b}]0;{XSS}\u{7}")),
        record(4, RecordBody::Note { text: XSS.to_owned() }),
    ];
    records.push(record(
        5,
        RecordBody::Output {
            step: 0,
            stream: Stream::Stderr,
            chunk: solstice_model::Chunk(b"<script>alert(\xff\xfe".to_vec()),
            newline: false,
        },
    ));
    assert_eq!(bench.records(&attempt, &records).await.0, StatusCode::OK);
    bench.report(&attempt, json!({ "report": "lost", "why": XSS })).await;

    let start = page(&bench, "/").await;
    assert_harmless(&start, "runs");
    assert!(start.contains("&#60;script&#62;alert(1)"), "{start}");
    let runs = bench.json("/api/v1/runs").await;
    for run in runs["items"].as_array().unwrap() {
        let id = run["id"].as_str().unwrap();
        assert_harmless(&page(&bench, &format!("/runs/{id}")).await, "run");
        let detail = bench.json(&format!("/api/v1/runs/{id}")).await;
        for job in detail["jobs"].as_array().unwrap() {
            let job = page(&bench, &format!("/jobs/{}", job["id"].as_str().unwrap())).await;
            assert_harmless(&job, "job");
            assert!(job.contains("&#60;img src=x onerror=alert(1)&#62;"), "{job}");
        }
    }
}

#[tokio::test]
async fn the_page_of_a_job_works_without_script() {
    let bench = bench().await;
    let (commit, run) = bench.push(TWO_JOBS).await;
    let job = run["jobs"][0]["id"].as_str().unwrap();
    let path = format!("/jobs/{job}");
    assert!(page(&bench, &path).await.contains("waiting for a machine"));
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    let records = [
        record(1, RecordBody::StepStarted { step: 0 }),
        line(2, "\u{1b}[1;32mCompiling\u{1b}[0m engine"),
        record(
            3,
            RecordBody::Output {
                step: 0,
                stream: Stream::Stderr,
                chunk: "warning: unused".into(),
                newline: true,
            },
        ),
    ];
    bench.records(&attempt, &records).await;
    let html = page(&bench, &path).await;
    for expected in [
        "<span class=\"badge live\">running</span>",
        "<span class=\"f2 so\">Compiling</span> engine",
        "<div class=\"l err\" id=\"L2\"><a href=\"#L2\" data-n=\"2\" tabindex=\"-1\"></a><span>warning: unused</span>",
        &format!("data-after=\"{attempt}:3\""),
        &format!("/api/v1/jobs/{job}/events?after={attempt}:3"),
        &format!("<code title=\"{commit}\">{}</code>", commit.short()),
        "boot 1.2 s",
        "host-1",
        "<noscript>",
        "Cancel this job",
    ] {
        assert!(html.contains(expected), "{expected} is missing in {html}");
    }
    assert_eq!(html.matches("<script").count(), 1, "only the one file");
    let reader = bench.http.get(bench.url(&path)).bearer_auth(bench.token(Role::Reader).secret());
    assert!(!reader.send().await.unwrap().text().await.unwrap().contains("Cancel this job"));
}

#[tokio::test]
async fn a_long_log_shows_its_end_and_a_link_to_all_of_it() {
    let bench = bench().await;
    let (_, run) = bench.push(ONE_JOB).await;
    let job = run["jobs"][0]["id"].as_str().unwrap();
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    let lines: Vec<String> = (1..=6_000).map(|number| format!("line {number}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let records = success(&lines);
    for batch in records.chunks(3_000) {
        assert_eq!(bench.records(&attempt, batch).await.0, StatusCode::OK);
    }
    let html = page(&bench, &format!("/jobs/{job}")).await;
    assert!(html.contains("The first 5500 lines are left out here"));
    assert!(
        html.contains("id=\"L6000\"")
            && html.contains(">line 5501<")
            && !html.contains(">line 5500<")
    );
    let earlier = page(&bench, &format!("/jobs/{job}?line=5500")).await;
    assert!(earlier.contains(">line 5001<") && earlier.contains(">line 5500<"));
    assert!(!earlier.contains(">line 5501<") && earlier.contains("?line=5501"));
    let raw = bench.text(&format!("/api/v1/jobs/{job}/log")).await;
    assert_eq!(raw.lines().count(), 6_001);
    assert!(raw.starts_with("=== step 1: Test\nline 1\nline 2\n") && raw.ends_with("line 6000\n"));
}

#[tokio::test]
async fn pages_ask_for_a_token_and_say_what_is_missing() {
    let bench = bench().await;
    let answer = bench.browser.get(bench.url("/jobs/x?line=5")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{answer:?}");
    let answer = bench.browser.get(bench.url("/?before=5")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], "/login?return_to=%2F%3Fbefore%3D5");
    let absent = bench.get("/jobs/00000000-0000-7000-8000-000000000000").send().await.unwrap();
    assert_eq!(absent.status(), StatusCode::NOT_FOUND);
    assert_eq!(absent.headers()["content-type"], "text/html; charset=utf-8");
    assert!(page(&bench, "/").await.contains("Nothing has run yet"));
}

#[tokio::test]
async fn assets_are_cached_by_content() {
    let bench = bench_with(|config| config.anonymous = Some(Role::Reader)).await;
    let html = page(&bench, "/").await;
    let css = html.split("href=\"").find(|part| part.starts_with("/assets/")).unwrap();
    let css = css.split('"').next().unwrap();
    let answer = bench.http.get(bench.url(css)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    let tag = answer.headers()["etag"].clone();
    let again = bench.http.get(bench.url(css)).header("if-none-match", tag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn older_runs_are_a_page_away() {
    let bench = bench().await;
    for number in 0..51 {
        let workflow = format!("{ONE_JOB}\n// {number}");
        bench.push_files(&[(".solstice/ci.kdl", workflow.as_bytes())]).await;
    }
    let queued = || async { (bench.json("/health").await["queued"] == 51).then_some(()) };
    bench.until("51 jobs", queued).await;
    let first = page(&bench, "/").await;
    assert_eq!(first.matches("class=\"title\"").count(), 50);
    let older = first.split("href=\"").find(|part| part.starts_with("/?before=")).unwrap();
    let second = page(&bench, older.split('"').next().unwrap()).await;
    assert_eq!(second.matches("class=\"title\"").count(), 1);
}
