//! From a log and artifacts on disk to annotations and what the check says.

use bytes::Bytes;
use slog::{Discard, Logger, o};
use solstice_api::host::Offer;
use solstice_artifact::Limits;
use solstice_forge::{Event, Forge as _};
use solstice_model::{
    AgentVerdict, Annotation, Assignment, AttemptId, Chunk, Exit, HostName, Record, RecordBody,
    Stream,
};
use solstice_store::NewArtifact;

use super::*;
use crate::bench::Bench;

const WORKFLOW: &str = r#"workflow name="CI" {
    job id="build" runs_on="illumos" {
        step name="Build" run="true" working_dir="lib"
        step name="Test" run="true" retry=1
        artifact "reports/*.xml" { junit #true; exclude "reports/old*"; }
        artifact "*.xml"
    }
}"#;

struct Scene {
    bench: Bench,
    task: Annotate,
    job: Assignment,
    records: Vec<Record>,
    _files: tempfile::TempDir,
}

fn host() -> HostName {
    "h1".parse().unwrap()
}

impl Scene {
    /// A job that a host has begun.
    async fn new() -> Self {
        let bench = Bench::new();
        let commit = bench.commit(WORKFLOW);
        let push = bench.forge.push(&bench.repository, "refs/heads/main", &commit);
        let told = bench.tell(&Event::Push(push)).await;
        assert_eq!(told.verdict, "runs", "{told:?}");
        let run = bench.store.run(told.runs[0]).await.unwrap().run;
        assert_eq!(run.problem, None);
        let offers = vec![Offer { labels: vec!["illumos".parse().unwrap()], room: 1 }];
        let lease = std::time::Duration::from_secs(60);
        bench.store.claim(host(), offers, Vec::new(), 1, bench.now(), lease).await.unwrap();
        let job = bench.store.wanted(host()).await.unwrap().remove(0);
        let files = tempfile::tempdir().unwrap();
        let task = Annotate {
            store: bench.store.clone(),
            logs: JobLogs::open(files.path().join("logs")).unwrap(),
            artifacts: ArtifactStore::open_dir(files.path().join("artifacts"), Limits::default())
                .unwrap(),
            clock: bench.clock.clone(),
            log: Logger::root(Discard, o!()),
        };
        Self { bench, task, job, records: Vec::new(), _files: files }
    }

    fn attempt(&self) -> AttemptId {
        self.job.attempt
    }

    fn says(&mut self, body: RecordBody) {
        let seq = self.records.len() as u64 + 1;
        self.records.push(Record { seq, at: self.bench.now(), body });
    }

    fn prints(&mut self, step: u32, stream: Stream, text: &str) {
        for line in text.lines() {
            let chunk = Chunk::from(line);
            self.says(RecordBody::Output { step, stream, chunk, newline: true });
        }
    }

    /// The agent ends with this verdict, and all that it said is on disk.
    async fn ends(&mut self, verdict: AgentVerdict) {
        self.says(RecordBody::Finished { verdict });
        let (store, attempt) = (&self.bench.store, self.attempt());
        for part in self.records.chunks(100) {
            self.task.logs.append(attempt, part).await.unwrap();
        }
        store.apply_records(host(), attempt, &self.records, self.bench.now()).await.unwrap();
        self.task.logs.seal(attempt).await.unwrap();
    }

    async fn keeps(&self, index: u32, path: &str, content: &str) {
        let mut writer = self.task.artifacts.begin(self.attempt(), index).await.unwrap();
        writer.write(Bytes::copy_from_slice(content.as_bytes())).await.unwrap();
        let stored = writer.commit().await.unwrap();
        let (bytes, sha256) = (stored.bytes, stored.sha256);
        let new = NewArtifact { index, path: path.to_owned(), bytes, sha256 };
        let (attempt, now) = (self.attempt(), self.bench.now());
        self.bench.store.note_artifact(host(), attempt, new, now).await.unwrap();
    }

    async fn annotations(&self) -> Vec<Annotation> {
        self.task.activate().await;
        assert_eq!(self.bench.store.unannotated_attempts(9).await.unwrap(), []);
        self.bench.store.annotations(self.attempt()).await.unwrap().0
    }

    /// What the forge is to be told of the job.
    async fn description(&self) -> String {
        let forge = self.bench.forge.name().clone();
        let due = self.bench.store.due_reports(forge, self.bench.now(), 10).await.unwrap();
        due.into_iter().next().unwrap().report.description
    }
}

fn failed(step: u32) -> AgentVerdict {
    AgentVerdict::Failed { step, exit: Exit::Code { code: 1 } }
}

fn places(found: &[Annotation]) -> Vec<String> {
    found.iter().map(|one| format!("{}:{} {}", one.path, one.line, one.message)).collect()
}

#[tokio::test]
async fn what_was_printed_and_left_becomes_annotations_and_the_check_counts_them() {
    let mut scene = Scene::new().await;
    scene.says(RecordBody::StepStarted { step: 0 });
    // Two streams, each for itself, and a line in two parts.
    scene.prints(0, Stream::Stderr, "error[E0308]: mismatched types");
    scene.prints(0, Stream::Stdout, "gear.c:3:7: warning: unused [-Wunused]");
    let chunk = Chunk::from("  --> src/li");
    scene.says(RecordBody::Output { step: 0, stream: Stream::Stderr, chunk, newline: false });
    scene.prints(0, Stream::Stderr, "b.rs:3:9\n\n");
    scene.says(RecordBody::StepFinished { step: 0, exit: Exit::Code { code: 0 } });
    scene.says(RecordBody::StepStarted { step: 1 });
    scene.prints(1, Stream::Stdout, "first.c:1: error: of the try that does not count");
    scene.says(RecordBody::StepRetried { step: 1, exit: Exit::Code { code: 1 } });
    scene.prints(1, Stream::Stdout, "/work/src/second.c:1: error: of the last try");
    let case = |file: &str, line: u32| {
        format!("<testcase name='t' file='{file}' line='{line}'><failure message='m'/></testcase>")
    };
    let report = format!("<a>{}{}</a>", case("t.rb", 4), case("second.c", 1));
    scene.keeps(0, "reports/a.xml", &report).await;
    scene.keeps(1, "reports/old.xml", &format!("<a>{}</a>", case("old.rb", 1))).await;
    scene.keeps(2, "other.xml", &format!("<a>{}</a>", case("other.rb", 1))).await;
    scene.keeps(3, "reports/broken.xml", "<a>").await;
    scene.keeps(4, "reports/deep/b.xml", &format!("<a>{}</a>", case("deep.rb", 1))).await;
    scene.ends(failed(1)).await;
    let expected = [
        "lib/gear.c:3 unused",
        "lib/src/lib.rs:3 mismatched types",
        "second.c:1 of the last try",
        "t.rb:4 m",
    ];
    let found = scene.annotations().await;
    assert_eq!(places(&found), expected);
    let text = "step 2 “Test” failed: exit status 1 (3 errors, 1 warning)";
    assert_eq!(scene.description().await, text);
    assert_eq!(scene.annotations().await, found, "once is enough");
}

#[tokio::test]
async fn an_attempt_without_a_log_or_with_a_broken_one_has_no_annotations() {
    let mut scene = Scene::new().await;
    scene.prints(0, Stream::Stdout, &"a.c:1: error: x\n".repeat(10));
    scene.ends(failed(0)).await;
    scene.task.logs.remove(scene.attempt()).await.unwrap();
    assert_eq!(scene.annotations().await, []);
    assert_eq!(scene.description().await, "step 1 “Build” failed: exit status 1");
}

#[tokio::test]
async fn of_a_long_log_the_beginning_and_the_end_are_looked_through() {
    let mut scene = Scene::new().await;
    scene.prints(1, Stream::Stdout, "first.c:1: error: at the beginning");
    let filler = "x".repeat(32 * 1024);
    for at in 0..2_600 {
        let error = (at == 1_300).then_some("middle.c:1: error: in the middle");
        scene.prints(1, Stream::Stdout, error.unwrap_or(&filler));
    }
    scene.prints(1, Stream::Stdout, "last.c:1: error: at the end");
    scene.ends(failed(1)).await;
    let found = places(&scene.annotations().await);
    assert_eq!(found, ["first.c:1 at the beginning", "last.c:1 at the end"]);
}
