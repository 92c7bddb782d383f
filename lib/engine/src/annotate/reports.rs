//! The reports of tests among an attempt's artifacts.

use globset::{GlobBuilder, GlobMatcher};
use slog::{Logger, warn};
use solstice_annotate::{BadReport, Findings, MAX_REPORT_BYTES, Workspace, junit};
use solstice_api::user::Artifact;
use solstice_artifact::{ArtifactError, ArtifactStore};
use solstice_log::{chain, keys};
use solstice_model::{Annotation, ArtifactRule, AttemptId, JobSpec};

/// The most reports of one attempt that are read.
const MAX_REPORTS: usize = 64;

/// How much is read at once, in bytes.
const PIECE_BYTES: u64 = 256 * 1024;

/// Why a report says nothing.
#[derive(Debug, thiserror::Error)]
enum ReportError {
    /// It cannot be read.
    #[error("cannot read it")]
    Artifact(#[from] ArtifactError),
    /// It is none, or too large.
    #[error("it is no report of tests")]
    Bad(#[from] BadReport),
}

/// The rules of a job whose artifacts are reports of tests.
#[derive(Debug)]
pub(super) struct Wanted(Vec<Patterns>);

#[derive(Debug)]
struct Patterns {
    wanted: GlobMatcher,
    unwanted: Vec<GlobMatcher>,
}

impl Wanted {
    /// `source` is where the agent has the source: a pattern may name that in full.
    pub(super) fn of(spec: &JobSpec, source: &str) -> Self {
        let rules = spec.artifacts.iter().filter(|rule| rule.junit);
        Self(rules.filter_map(|rule| Patterns::of(rule, source)).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of the artifacts that are reports.
    pub(super) fn among(&self, artifacts: Vec<Artifact>) -> Vec<Artifact> {
        let is_wanted = |it: &Artifact| self.0.iter().any(|rule| rule.matches(&it.path));
        let wanted = artifacts.into_iter().filter(|it| it.removed_at.is_none() && is_wanted(it));
        wanted.take(MAX_REPORTS).collect()
    }
}

impl Patterns {
    /// `None` if a pattern is none: the agent has said so and kept nothing.
    fn of(rule: &ArtifactRule, source: &str) -> Option<Self> {
        let glob = |pattern: &str| {
            let inside = pattern.strip_prefix(source).filter(|rest| rest.starts_with('/'));
            let named = inside.unwrap_or(pattern).trim_start_matches('/').trim_start_matches("./");
            let glob = GlobBuilder::new(named).literal_separator(true).build().ok()?;
            Some(glob.compile_matcher())
        };
        let wanted = glob(&rule.pattern)?;
        Some(Self { wanted, unwanted: rule.exclude.iter().filter_map(|it| glob(it)).collect() })
    }

    fn matches(&self, path: &str) -> bool {
        self.wanted.is_match(path) && !self.unwanted.iter().any(|one| one.is_match(path))
    }
}

/// Reads the reports. A line of which the output has told already is not told
/// again; what cannot be read is told to the log.
pub(super) async fn read(
    (artifacts, attempt): (&ArtifactStore, AttemptId),
    reports: Vec<Artifact>,
    workspace: &Workspace,
    findings: &mut Findings,
    log: &Logger,
) {
    let mut found = Vec::new();
    for report in reports {
        match read_one(artifacts, attempt, report.index, workspace).await {
            Ok(annotations) => found.extend(annotations),
            Err(error) => warn!(log, "cannot read a report of tests";
                keys::ATTEMPT => %attempt, keys::PATH => report.path, keys::ERROR => chain(&error)),
        }
    }
    // Several tests may fail at one line.
    found.retain(|one| !findings.fails_at(&one.path, one.line));
    found.into_iter().for_each(|one| findings.add(one));
}

async fn read_one(
    artifacts: &ArtifactStore,
    attempt: AttemptId,
    index: u32,
    workspace: &Workspace,
) -> Result<Vec<Annotation>, ReportError> {
    let reader = artifacts.open(attempt, index).await?;
    let size = usize::try_from(reader.bytes()).unwrap_or(usize::MAX);
    if size > MAX_REPORT_BYTES {
        return Err(BadReport::TooLarge { bytes: size }.into());
    }
    let mut report = Vec::with_capacity(size);
    while report.len() < size {
        let piece = reader.read(report.len() as u64, PIECE_BYTES).await?;
        if piece.is_empty() {
            break;
        }
        report.extend_from_slice(&piece);
    }
    let workspace = workspace.clone();
    let work = tokio::task::spawn_blocking(move || junit(&report, &workspace));
    Ok(work.await.expect("reading a report does not panic, see its tests")?)
}
