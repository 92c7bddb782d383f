//! What compilers say: from a guest's output to the API, the pages and the forge.

use reqwest::StatusCode;
use serde_json::Value;
use solstice_forge::{CheckReport, CheckState};
use solstice_model::{AgentVerdict, CommitSha, Exit, RecordBody};

use crate::bench::{Bench, ONE_JOB, bench, line, record};

const HOSTILE: &str = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>";

/// The one job of a push fails, and its step has printed this.
async fn failed(bench: &Bench, printed: &[String]) -> (CommitSha, String, String) {
    let (commit, run) = bench.push(ONE_JOB).await;
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    let mut records = vec![record(1, RecordBody::StepStarted { step: 0 })];
    for text in printed {
        records.push(line(records.len() as u64 + 1, text));
    }
    let exit = Exit::Code { code: 1 };
    let seq = records.len() as u64 + 1;
    records.push(record(seq, RecordBody::StepFinished { step: 0, exit: exit.clone() }));
    let verdict = AgentVerdict::Failed { step: 0, exit };
    records.push(record(seq + 1, RecordBody::Finished { verdict }));
    assert_eq!(bench.records(&attempt, &records).await.0, StatusCode::OK);
    let job = run["jobs"][0]["id"].as_str().unwrap().to_owned();
    let url = format!("/api/v1/jobs/{job}");
    bench
        .until("annotations", || async {
            let job = bench.json(&url).await;
            (job["job"]["annotations"]["failures"].as_u64() > Some(0)).then_some(())
        })
        .await;
    (commit, run["run"]["id"].as_str().unwrap().to_owned(), job)
}

#[tokio::test]
async fn errors_of_a_compiler_are_listed_shown_and_counted() {
    let bench = bench().await;
    let printed = ["/work/src/gear.c:3:7: error: expected ;", "a.c:9: warning: unused [-Wunused]"];
    let (commit, run, job) = failed(&bench, &printed.map(str::to_owned)).await;
    let url = format!("/api/v1/jobs/{job}/annotations");
    let found: Value = bench.json(&url).await;
    let expected = serde_json::json!([
        { "path": "gear.c", "line": 3, "end_line": 3, "column": 7, "level": "failure",
          "title": "", "message": "expected ;" },
        { "path": "a.c", "line": 9, "end_line": 9, "column": null, "level": "warning",
          "title": "-Wunused", "message": "unused" },
    ]);
    assert_eq!((&found["annotations"], &found["omitted"]), (&expected, &0.into()));
    assert_eq!(bench.json(&format!("{url}?attempt=1")).await, found);
    bench.until_status(&format!("{url}?attempt=2"), StatusCode::NOT_FOUND).await;
    let page = bench.text(&format!("/jobs/{job}")).await;
    assert!(page.contains("Annotations: 1 error, 1 warning"), "{page}");
    assert!(page.contains("gear.c:3:7") && page.contains("expected ;"), "{page}");
    let page = bench.text(&format!("/runs/{run}")).await;
    assert!(page.contains("1 error, 1 warning"), "{page}");
    let counted = |check: &CheckReport| {
        check.state == CheckState::Failure
            && check.description.ends_with("exit status 1 (1 error, 1 warning)")
    };
    bench
        .until("the check", || async { bench.forge.shown(&commit).into_iter().find(counted) })
        .await;
}

#[tokio::test]
async fn hostile_annotations_are_shown_as_text() {
    let bench = bench().await;
    let name = HOSTILE.replace([':', ','], " ");
    let command = format!("::error file={name},line=1,title={name}::{HOSTILE}");
    let (_, run, job) = failed(&bench, &[command]).await;
    for path in [format!("/jobs/{job}"), format!("/runs/{run}")] {
        let page = bench.text(&path).await;
        for bad in ["<script>alert", "<img src=x", "\"'&<"] {
            assert!(!page.contains(bad), "{path}: {page}");
        }
    }
    let page = bench.text(&format!("/jobs/{job}")).await;
    let list = page.split("id=\"annotations\"").nth(1).unwrap().split("</details>").next().unwrap();
    assert_eq!(list.matches("&#60;script&#62;alert(1)").count(), 3, "place, title, text: {list}");
}
