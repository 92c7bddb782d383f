//! Runs, as every page shows them, and lists of them.

use chrono::{DateTime, Utc};
use dropshot::HttpError;
use solstice_api::user::{Approval, Run};
use solstice_display::duration;
use solstice_model::{ForgeName, RepoName};
use solstice_store::RunQuery;

use super::filter::Filters;
use super::format::{Badge, When, run_badge};
use super::{Rqctx, query};
use crate::error::{bad_request, from_store};

/// Runs on one page.
const PAGE: usize = 50;

/// A run, as every page shows it.
pub(super) struct RunView {
    pub(super) href: String,
    pub(super) badge: Badge,
    pub(super) title: String,
    pub(super) repository: String,
    /// The repository's page.
    pub(super) repository_href: String,
    pub(super) workflow: String,
    pub(super) file: String,
    pub(super) git_ref: String,
    /// What started it: `push`, `pull request 7`, `manual`.
    pub(super) event: String,
    pub(super) commit: String,
    pub(super) commit_full: String,
    pub(super) actor: String,
    pub(super) problem: Option<String>,
    pub(super) approval: Option<ApprovalView>,
    pub(super) created: When,
    /// How long it took, if it is over.
    pub(super) took: Option<String>,
    /// How long it has taken.
    pub(super) so_far: String,
}

/// An approval, waited for or given.
pub(super) struct ApprovalView {
    pub(super) why: String,
    /// Who gave it, and when.
    pub(super) given: Option<(String, When)>,
}

impl ApprovalView {
    fn new(approval: Approval, now: DateTime<Utc>) -> Self {
        let given = approval.by.zip(approval.at.map(|at| When::new(at, now)));
        Self { why: approval.why, given }
    }
}

/// The page of a repository. Names of forges and repositories need no escaping.
pub(super) fn repository_href(forge: &ForgeName, name: &RepoName) -> String {
    format!("/repositories/{forge}/{name}")
}

impl RunView {
    pub(super) fn new(run: Run, now: DateTime<Utc>) -> Self {
        let title = if run.title.trim().is_empty() { run.commit.short() } else { &run.title };
        let spent = |ended: DateTime<Utc>| duration(ended - run.created_at);
        Self {
            href: format!("/runs/{}", run.id),
            badge: run_badge(run.status),
            title: title.to_owned(),
            repository: run.repository.to_string(),
            repository_href: repository_href(&run.forge, &run.repository),
            git_ref: run.git_ref.short().to_owned(),
            event: match run.pull_request {
                Some(number) => format!("pull request {number}"),
                None => run.event.name().replace('_', " "),
            },
            commit: run.commit.short().to_owned(),
            commit_full: run.commit.to_string(),
            created: When::new(run.created_at, now),
            took: match &run.problem {
                Some(_) => Some("not begun".to_owned()),
                None => run.finished_at.map(spent),
            },
            so_far: duration(now - run.created_at),
            workflow: run.workflow,
            file: run.file,
            actor: run.actor,
            problem: run.problem,
            approval: run.approval.map(|approval| ApprovalView::new(approval, now)),
        }
    }
}

/// A page of a list of runs.
pub(super) struct RunList {
    pub(super) runs: Vec<RunView>,
    /// The page after this one.
    pub(super) older: Option<String>,
    /// Whether the script should look for news.
    pub(super) unfinished: bool,
}

/// The runs that are asked for; where `filters` lead, more of them are to be found.
pub(super) async fn list(
    rqctx: &Rqctx,
    which: RunQuery,
    filters: &Filters,
) -> Result<RunList, HttpError> {
    let context = rqctx.context();
    let before = query(rqctx, "before").map(|text| text.parse()).transpose();
    let before = before.map_err(|_| bad_request("there is no such page"))?;
    let first = before.is_none();
    let mut runs = context.store.runs(which, before, PAGE + 1).await.map_err(from_store)?;
    let more = runs.len() > PAGE;
    runs.truncate(PAGE);
    let last = runs.last().map(|run| run.id.to_string());
    let older = last.filter(|_| more).map(|last| filters.href("before", Some(&last)));
    // The first page also waits for runs that are yet to come.
    let unfinished = first || runs.iter().any(|run| run.status.is_open());
    let now = context.clock.now();
    let runs = runs.into_iter().map(|run| RunView::new(run, now)).collect();
    Ok(RunList { runs, older, unfinished })
}
