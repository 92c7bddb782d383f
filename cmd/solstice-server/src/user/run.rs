//! Lists of runs.

use dropshot::{HttpError, ResultsPage, WhichPage};
use solstice_api::user::{Run, RunFilter, RunPage};
use solstice_store::RunQuery;

use crate::auth::Principal;
use crate::context::Context;
use crate::error::{bad_request, from_store};

/// The runs that are asked for, as far as somebody may see them.
pub(super) async fn list(
    context: &Context,
    principal: Principal,
    page: WhichPage<RunFilter, RunPage>,
    limit: usize,
) -> Result<ResultsPage<Run>, HttpError> {
    let (filter, before) = match page {
        WhichPage::First(filter) => (filter, None),
        WhichPage::Next(page) => (page.filter, Some(page.run)),
    };
    let which = RunQuery { sight: principal.sight, ..asked(&filter)? };
    let runs = context.store.runs(which, before, limit).await.map_err(from_store)?;
    let next = |run: &Run, filter: &RunFilter| RunPage { run: run.id, filter: filter.clone() };
    ResultsPage::new(runs, &filter, next)
}

fn asked(filter: &RunFilter) -> Result<RunQuery, HttpError> {
    let RunFilter { repository, forge, git_ref, branch, file, commit, pull_request, status } =
        filter.clone();
    let git_ref = match (git_ref, branch) {
        (Some(_), Some(_)) => return Err(bad_request("`ref` and `branch` exclude one another")),
        (None, Some(branch)) => {
            let branch = format!("refs/heads/{branch}").parse();
            Some(branch.map_err(|_| bad_request("`branch` is not a branch's name"))?)
        }
        (given, None) => given,
    };
    // As the document says, which knows no larger numbers than other languages do.
    if pull_request.is_some_and(|number| i64::try_from(number).is_err()) {
        return Err(bad_request("no pull request has so large a number"));
    }
    Ok(RunQuery {
        forge,
        repository,
        git_ref,
        file,
        commit,
        pull_request,
        status,
        ..RunQuery::default()
    })
}
