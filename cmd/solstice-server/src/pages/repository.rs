//! The page of one repository: its branches, how its workflows fared, its runs.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use dropshot::HttpError;
use solstice_api::user::{Repository, RepositoryPath, RunStatus};
use solstice_display::duration;
use solstice_model::{ForgeName, RepoName};
use solstice_store::{RecentRun, RunQuery};

use super::chart::{self, marks, median, shape};
use super::filter::{Choice, Filters};
use super::format::{Badge, When, run_badge};
use super::nav::Section;
use super::runs::{RunList, list, repository_href};
use super::{Frame, Rqctx, query, reader, rendered};
use crate::error::{bad_request, from_store, not_found};

/// The most branches and workflows that are told.
const MAX_BRANCHES: usize = 20;
const MAX_WORKFLOWS: usize = 8;

/// The most runs of one workflow in its chart.
const MAX_MARKS: usize = 50;

/// A branch, and how each of its workflows stands.
struct BranchView {
    name: String,
    href: String,
    runs: Vec<BranchRun>,
}

struct BranchRun {
    href: String,
    workflow: String,
    badge: Badge,
    created: When,
}

/// How a workflow fared.
struct WorkflowView {
    name: String,
    file: String,
    href: String,
    /// `94 %`; empty if nothing came to an end.
    rate: String,
    median: String,
    /// What the top of the chart is.
    top: String,
    marks: Vec<MarkView>,
}

struct MarkView {
    x: i64,
    y: i64,
    shape: &'static str,
    badge: Badge,
    href: String,
    took: String,
    branch: String,
    created: When,
}

#[derive(Template)]
#[template(path = "repository.html")]
struct RepositoryHtml {
    frame: Frame,
    name: String,
    forge: String,
    href: String,
    /// The repository at its forge.
    url: String,
    private: bool,
    branches: Vec<BranchView>,
    workflows: Vec<WorkflowView>,
    chart_width: i64,
    chart_height: i64,
    choices: Vec<Choice>,
    filtered: bool,
    /// The badge of what is chosen, here and elsewhere.
    badge: String,
    markdown: String,
    list: RunList,
}

pub(super) async fn render(rqctx: &Rqctx, path: RepositoryPath) -> Result<String, HttpError> {
    let principal = reader(rqctx).await?;
    let context = rqctx.context();
    let (forge, name) = names(path)?;
    let found =
        context.store.repository(forge.clone(), name.clone(), principal.sight.clone()).await;
    let found = found.map_err(from_store)?;
    let filters = filters(rqctx, &forge, &name);
    let mut which = runs_of(&filters)?;
    which.sight = principal.sight.clone();
    (which.forge, which.repository) = (Some(forge.clone()), Some(name.clone()));
    let list = list(rqctx, which, &filters).await?;
    let recent = context.store.recent_runs(forge, name).await.map_err(from_store)?;
    let now = context.clock.now();
    let (badge, markdown) = badge(context.base_url.as_str(), &found, &filters);
    rendered(&RepositoryHtml {
        frame: Frame::new(context, Some(&principal)).within(Section::Repositories),
        name: found.name.to_string(),
        forge: found.forge.to_string(),
        href: repository_href(&found.forge, &found.name),
        url: web_address(found.url),
        private: found.private,
        branches: branches(&recent, &filters, now),
        workflows: workflows(&recent, &filters, now),
        chart_width: chart::WIDTH,
        chart_height: chart::HEIGHT,
        choices: choices(&recent, &filters),
        filtered: filters.any(),
        badge,
        markdown,
        list,
    })
}

/// The repository that is meant; 404 for what cannot be one.
pub(super) fn names(path: RepositoryPath) -> Result<(ForgeName, RepoName), HttpError> {
    let name = format!("{}/{}", path.owner, path.name);
    match (path.forge.parse(), name.parse()) {
        (Ok(forge), Ok(name)) => Ok((forge, name)),
        _ => Err(not_found("there is no such repository")),
    }
}

/// Nothing but a web address becomes a link.
fn web_address(url: String) -> String {
    let web = url.starts_with("https://") || url.starts_with("http://");
    if web { url } else { String::new() }
}

fn filters(rqctx: &Rqctx, forge: &ForgeName, name: &RepoName) -> Filters {
    let names = ["branch", "workflow", "pull_request", "status"];
    let set = names.map(|name| (name, query(rqctx, name)));
    Filters::new(repository_href(forge, name), set)
}

fn runs_of(filters: &Filters) -> Result<RunQuery, HttpError> {
    let bad = |what: &str| bad_request(format!("there is no such {what}"));
    let get = |name| filters.get(name).map(str::to_owned);
    let git_ref = get("branch").map(|branch| format!("refs/heads/{branch}").parse()).transpose();
    let number = get("pull_request").map(|number| number.parse()).transpose();
    let status = get("status").map(|status| {
        RunStatus::ALL.into_iter().find(|known| known.name() == status).ok_or_else(|| bad("status"))
    });
    Ok(RunQuery {
        git_ref: git_ref.map_err(|_| bad("branch"))?,
        file: get("workflow"),
        pull_request: number.map_err(|_| bad("pull request"))?,
        status: status.transpose()?,
        ..RunQuery::default()
    })
}

/// The branches that were active lately, each with the newest run of each workflow.
fn branches(recent: &[RecentRun], filters: &Filters, now: DateTime<Utc>) -> Vec<BranchView> {
    let mut found: Vec<(&str, Vec<&RecentRun>)> = Vec::new();
    for run in recent {
        let Some(branch) = run.git_ref.branch() else { continue };
        let at = found.iter().position(|(known, _)| *known == branch).unwrap_or_else(|| {
            found.push((branch, Vec::new()));
            found.len() - 1
        });
        let runs = &mut found[at].1;
        if runs.len() < MAX_WORKFLOWS && !runs.iter().any(|known| known.file == run.file) {
            runs.push(run);
        }
    }
    found.truncate(MAX_BRANCHES);
    let run = |run: &RecentRun| BranchRun {
        href: format!("/runs/{}", run.id),
        workflow: run.workflow.clone(),
        badge: run_badge(run.status),
        created: When::new(run.created_at, now),
    };
    let view = |(name, runs): (&str, Vec<&RecentRun>)| BranchView {
        name: name.to_owned(),
        href: filters.href("branch", Some(name)),
        runs: runs.into_iter().map(run).collect(),
    };
    found.into_iter().map(view).collect()
}

/// The workflows of the last runs, those of the newest run first.
fn files(recent: &[RecentRun]) -> Vec<(&str, &str)> {
    let mut files: Vec<(&str, &str)> = Vec::new();
    for run in recent {
        if files.len() < MAX_WORKFLOWS && !files.iter().any(|(file, _)| *file == run.file) {
            files.push((&run.file, &run.workflow));
        }
    }
    files
}

fn workflows(recent: &[RecentRun], filters: &Filters, now: DateTime<Utc>) -> Vec<WorkflowView> {
    let chosen = |run: &&RecentRun| {
        let branch = filters.get("branch");
        branch.is_none_or(|branch| run.git_ref.branch() == Some(branch))
    };
    let view = |(file, name): (&str, &str)| {
        let of = recent.iter().filter(|run| run.file == file && !run.broken);
        let over = of.filter(chosen).filter_map(|run| Some((run, run.finished_at?)));
        let mut over: Vec<(&RecentRun, DateTime<Utc>)> = over.take(MAX_MARKS).collect();
        over.reverse();
        workflow(&over, file, name, filters, now)
    };
    let wanted =
        |(file, _): &(&str, &str)| filters.get("workflow").is_none_or(|only| only == *file);
    let all = files(recent).into_iter().filter(wanted).map(view);
    all.filter(|one| !one.marks.is_empty()).collect()
}

/// `over`: its runs that are over, oldest first.
fn workflow(
    over: &[(&RecentRun, DateTime<Utc>)],
    file: &str,
    name: &str,
    filters: &Filters,
    now: DateTime<Utc>,
) -> WorkflowView {
    let took: Vec<i64> =
        over.iter().map(|(run, at)| (*at - run.created_at).num_milliseconds()).collect();
    let (places, top) = marks(&took);
    let text = |ms: i64| duration(TimeDelta::milliseconds(ms));
    let mark = |(((run, _), place), took): ((&(&RecentRun, _), chart::Mark), &i64)| MarkView {
        x: place.x,
        y: place.y,
        shape: shape(run.status),
        badge: run_badge(run.status),
        href: format!("/runs/{}", run.id),
        took: text(*took),
        branch: run.git_ref.short().to_owned(),
        created: When::new(run.created_at, now),
    };
    let good: Vec<i64> = over
        .iter()
        .zip(&took)
        .filter(|((run, _), _)| run.status == RunStatus::Succeeded)
        .map(|(_, took)| *took)
        .collect();
    WorkflowView {
        name: name.to_owned(),
        file: file.to_owned(),
        href: filters.href("workflow", Some(file)),
        rate: rate(over),
        median: median(&good).map_or_else(String::new, text),
        top: text(top),
        marks: over.iter().zip(places).zip(&took).map(mark).collect(),
    }
}

/// How many of a hundred succeeded, of those that succeeded or failed.
fn rate(over: &[(&RecentRun, DateTime<Utc>)]) -> String {
    let count = |status| over.iter().filter(|(run, _)| run.status == status).count();
    let (good, bad) = (count(RunStatus::Succeeded), count(RunStatus::Failed));
    match good + bad {
        0 => String::new(),
        all => format!("{} %", good * 100 / all),
    }
}

fn choices(recent: &[RecentRun], filters: &Filters) -> Vec<Choice> {
    let mut branches: Vec<(&str, &str)> = Vec::new();
    let mut pulls: Vec<(&str, &str)> = Vec::new();
    for run in recent {
        if let Some(branch) = run.git_ref.branch() {
            if branches.len() < MAX_BRANCHES && !branches.contains(&(branch, branch)) {
                branches.push((branch, branch));
            }
        } else if let Some(number) = pull_request(run.git_ref.as_str())
            && pulls.len() < MAX_WORKFLOWS
            && !pulls.contains(&(number, number))
        {
            pulls.push((number, number));
        }
    }
    let statuses = RunStatus::ALL.map(|status| (status.name(), run_badge(status).text));
    let mut choices = vec![filters.choice("Status", "status", statuses)];
    if branches.len() > 1 || filters.get("branch").is_some() {
        choices.push(filters.choice("Branch", "branch", branches));
    }
    if files(recent).len() > 1 || filters.get("workflow").is_some() {
        choices.push(filters.choice("Workflow", "workflow", files(recent)));
    }
    if !pulls.is_empty() || filters.get("pull_request").is_some() {
        choices.push(filters.choice("Pull request", "pull_request", pulls));
    }
    choices
}

/// The number in `refs/pull/7/head`.
fn pull_request(git_ref: &str) -> Option<&str> {
    let number = git_ref.strip_prefix("refs/pull/")?.split('/').next()?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then_some(number)
}

/// The badge of what is chosen, and how to show it elsewhere.
fn badge(base: &str, of: &Repository, filters: &Filters) -> (String, String) {
    let chosen = ["branch", "workflow"].map(|name| (name, filters.get(name).map(str::to_owned)));
    let path = format!("/badges/{}/{}.svg", of.forge, of.name);
    let badge = Filters::new(path, chosen).href("", None);
    let base = base.trim_end_matches('/');
    let page = repository_href(&of.forge, &of.name);
    let markdown = format!("[![Solstice CI]({base}{badge})]({base}{page})");
    (badge, markdown)
}
