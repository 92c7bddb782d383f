//! The parts of a run's page: the drawing of its jobs, its matrices as tables, what
//! was not run, what tools had to say.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use solstice_api::user::Job;
use solstice_display::duration;
use solstice_forge::Forge;
use solstice_model::{Annotation, CommitSha, JobName, Outcome};
use solstice_store::RunAnnotation;
use url::Url;

use super::format::{Badge, job_badge, level_badge};
use super::graph::{self, Input, draw};
use super::matrix::{Row, table};
use super::run::{JobView, failed};

/// A matrix of so many jobs is one node of the drawing, and a table.
const MANY: usize = 4;

/// How much of a text fits into a node, in characters.
const NODE_CHARS: usize = 21;

/// What the page says of the jobs.
pub(super) struct Parts {
    pub(super) graph: Option<GraphView>,
    pub(super) jobs: Vec<JobView>,
    pub(super) matrices: Vec<MatrixView>,
    pub(super) not_run: Vec<NotRun>,
}

impl Parts {
    /// `views`: of the same jobs, in the same order.
    pub(super) fn new(jobs: &[Job], views: Vec<JobView>, now: DateTime<Utc>) -> Self {
        let groups = groups(jobs);
        let matrices = groups.iter().enumerate().filter(|(_, group)| group.jobs.len() >= MANY);
        let matrices = matrices.map(|(id, group)| matrix(id, group, jobs, &views)).collect();
        let graph = drawing(&groups, jobs, &views, now);
        let not_run = not_run(jobs, &views);
        let small: Vec<usize> = groups
            .iter()
            .filter(|group| group.jobs.len() < MANY)
            .flat_map(|group| group.jobs.iter().copied())
            .collect();
        // What is in a table is told once more only if it failed.
        let told =
            |(index, job): (usize, &Job)| !skipped(job) && (failed(job) || small.contains(&index));
        let told: Vec<bool> = jobs.iter().enumerate().map(told).collect();
        let kept = views.into_iter().zip(told).filter(|(_, told)| *told);
        Self { graph, jobs: kept.map(|(view, _)| view).collect(), matrices, not_run }
    }
}

fn skipped(job: &Job) -> bool {
    matches!(job.state.outcome(), Some(Outcome::Skipped { .. }))
}

/// Jobs that are drawn as one: those of a matrix, if they are many.
struct Group {
    name: JobName,
    jobs: Vec<usize>,
}

fn groups(jobs: &[Job]) -> Vec<Group> {
    let mut sizes: HashMap<&JobName, usize> = HashMap::new();
    for cell in jobs.iter().filter_map(|job| job.matrix.as_ref()) {
        *sizes.entry(&cell.job).or_default() += 1;
    }
    let mut groups: Vec<Group> = Vec::new();
    let mut at: HashMap<&JobName, usize> = HashMap::new();
    for (index, job) in jobs.iter().enumerate() {
        let of = job.matrix.as_ref().map(|cell| &cell.job);
        let of = of.filter(|name| sizes[*name] >= MANY);
        let Some(name) = of else {
            groups.push(Group { name: job.name.clone(), jobs: vec![index] });
            continue;
        };
        match at.get(name) {
            Some(group) => groups[*group].jobs.push(index),
            None => {
                at.insert(name, groups.len());
                groups.push(Group { name: name.clone(), jobs: vec![index] });
            }
        }
    }
    groups
}

// --- The drawing ---

/// The jobs and what they need, drawn.
pub(super) struct GraphView {
    pub(super) width: i64,
    pub(super) height: i64,
    pub(super) node_width: i64,
    pub(super) node_height: i64,
    pub(super) nodes: Vec<NodeView>,
    pub(super) edges: Vec<EdgeView>,
    /// The path that took longest, as text; empty if it is not known.
    pub(super) critical: String,
}

pub(super) struct NodeView {
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) href: String,
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) state: String,
    /// All of it, for whom the drawing is read.
    pub(super) label: String,
    pub(super) critical: bool,
}

pub(super) struct EdgeView {
    pub(super) path: String,
    pub(super) critical: bool,
}

/// Nothing is drawn where nothing needs anything: the list says it all.
fn drawing(
    groups: &[Group],
    jobs: &[Job],
    views: &[JobView],
    now: DateTime<Utc>,
) -> Option<GraphView> {
    let input = input(groups, jobs, now);
    if input.iter().all(|one| one.needs.is_empty()) {
        return None;
    }
    let drawing = draw(&input);
    let on_path = |from: usize, to: usize| {
        drawing.critical.windows(2).any(|pair| pair[0] == from && pair[1] == to)
    };
    let nodes = groups.iter().enumerate().map(|(index, group)| {
        let (x, y) = drawing.nodes[index];
        let (href, badge, state) = told(index, group, jobs, views);
        let critical = drawing.critical.len() > 1 && drawing.critical.contains(&index);
        let suffix = if critical { ", on the critical path" } else { "" };
        NodeView {
            label: format!("{}: {state}{suffix}", group.name),
            kind: badge.kind,
            name: cut(group.name.as_str()),
            state: cut(&state),
            href,
            x,
            y,
            critical,
        }
    });
    let edge = |edge: &graph::Edge| EdgeView {
        critical: on_path(edge.from, edge.to),
        path: edge.path.clone(),
    };
    Some(GraphView {
        width: drawing.width,
        height: drawing.height,
        node_width: graph::WIDTH,
        node_height: graph::HEIGHT,
        nodes: nodes.collect(),
        edges: drawing.edges.iter().map(edge).collect(),
        critical: critical(&drawing.critical, groups, &input),
    })
}

fn input(groups: &[Group], jobs: &[Job], now: DateTime<Utc>) -> Vec<Input> {
    let mut group_of: HashMap<&JobName, usize> = HashMap::new();
    for (at, group) in groups.iter().enumerate() {
        group_of.extend(group.jobs.iter().map(|job| (&jobs[*job].name, at)));
    }
    let one = |(at, group): (usize, &Group)| {
        let needs = group.jobs.iter().flat_map(|job| &jobs[*job].needs);
        let needs = needs.filter_map(|need| group_of.get(&need.job).copied());
        let took = group.jobs.iter().map(|job| took_ms(&jobs[*job], now));
        Input {
            needs: needs.filter(|need| *need != at).collect(),
            took_ms: took.max().unwrap_or(0),
        }
    };
    groups.iter().enumerate().map(one).collect()
}

/// How long a job was, or has been, at work.
fn took_ms(job: &Job, now: DateTime<Utc>) -> u64 {
    let Some(began) = job.started_at.or(job.claimed_at) else { return 0 };
    let ended = job.finished_at.unwrap_or(now);
    u64::try_from((ended - began).num_milliseconds()).unwrap_or(0)
}

/// Where a node leads, and what it says.
fn told(at: usize, group: &Group, jobs: &[Job], views: &[JobView]) -> (String, Badge, String) {
    if let [only] = group.jobs[..] {
        let view = &views[only];
        let took = view.took.as_deref().unwrap_or(&view.so_far);
        let state = match took {
            "" => view.badge.text.to_owned(),
            took => format!("{}, {took}", view.badge.text),
        };
        return (view.href.clone(), view.badge, state);
    }
    let mut counts: BTreeMap<(u8, &str), (Badge, usize)> = BTreeMap::new();
    for job in &group.jobs {
        let badge = job_badge(&jobs[*job].state);
        counts.entry((rank(badge), badge.text)).or_insert((badge, 0)).1 += 1;
    }
    let texts: Vec<String> =
        counts.values().map(|(badge, count)| format!("{count} {}", badge.text)).collect();
    let worst = counts.values().next().map_or(Badge { kind: "", text: "" }, |(badge, _)| *badge);
    (format!("#matrix-{at}"), worst, texts.join(", "))
}

/// What is told first of many.
fn rank(badge: Badge) -> u8 {
    match badge.kind {
        "bad" => 0,
        "warn" => 1,
        "live" => 2,
        "ok" => 4,
        _ => 3,
    }
}

fn critical(path: &[usize], groups: &[Group], input: &[Input]) -> String {
    if path.len() < 2 {
        return String::new();
    }
    let names: Vec<&str> = path.iter().map(|at| groups[*at].name.as_str()).collect();
    let spent: u64 = path.iter().map(|at| input[*at].took_ms).sum();
    let spent = TimeDelta::milliseconds(i64::try_from(spent).unwrap_or(i64::MAX / 2));
    format!("{} ({})", names.join(" → "), duration(spent))
}

fn cut(text: &str) -> String {
    if text.chars().count() <= NODE_CHARS {
        return text.to_owned();
    }
    let kept: String = text.chars().take(NODE_CHARS - 1).collect();
    format!("{}…", kept.trim_end())
}

// --- The matrices ---

/// The jobs of a matrix as a table.
pub(super) struct MatrixView {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) axes: Vec<String>,
    /// The axis across; empty if there is none.
    pub(super) across: String,
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<MatrixRow>,
}

pub(super) struct MatrixRow {
    pub(super) values: Vec<String>,
    pub(super) cells: Vec<Vec<CellView>>,
}

pub(super) struct CellView {
    pub(super) href: String,
    pub(super) name: String,
    pub(super) badge: Badge,
    pub(super) took: String,
}

fn matrix(at: usize, group: &Group, jobs: &[Job], views: &[JobView]) -> MatrixView {
    let none = BTreeMap::new();
    let values: Vec<&BTreeMap<String, String>> = group
        .jobs
        .iter()
        .map(|job| jobs[*job].matrix.as_ref().map_or(&none, |cell| &cell.values))
        .collect();
    let table = table(&values);
    let cell = |job: usize| {
        let view = &views[group.jobs[job]];
        CellView {
            href: view.href.clone(),
            name: view.name.clone(),
            badge: view.badge,
            took: view.took.clone().unwrap_or_default(),
        }
    };
    let row = |Row { values, cells }| MatrixRow {
        values,
        cells: cells.into_iter().map(|jobs| jobs.into_iter().map(cell).collect()).collect(),
    };
    MatrixView {
        id: format!("matrix-{at}"),
        name: group.name.to_string(),
        summary: told(at, group, jobs, views).2,
        axes: table.axes,
        across: table.across.unwrap_or_default(),
        columns: table.columns,
        rows: table.rows.into_iter().map(row).collect(),
    }
}

// --- What was not run ---

/// Jobs that were not run for the same reason.
pub(super) struct NotRun {
    pub(super) why: String,
    /// Where they are, and their names.
    pub(super) jobs: Vec<(String, String)>,
}

fn not_run(jobs: &[Job], views: &[JobView]) -> Vec<NotRun> {
    let mut all: Vec<NotRun> = Vec::new();
    for (_, view) in jobs.iter().zip(views).filter(|(job, _)| skipped(job)) {
        let job = (view.href.clone(), view.name.clone());
        match all.iter_mut().find(|known| known.why == view.why) {
            Some(known) => known.jobs.push(job),
            None => all.push(NotRun { why: view.why.clone(), jobs: vec![job] }),
        }
    }
    all
}

// --- What tools had to say ---

/// Where the forge shows a run's repository, and the files of its commit.
pub(super) struct Source<'a> {
    forge: Option<&'a dyn Forge>,
    repository: Option<Url>,
    commit: &'a CommitSha,
}

impl<'a> Source<'a> {
    /// `repository`: the address of its page.
    pub(super) fn new(
        forge: Option<&'a dyn Forge>,
        repository: &str,
        commit: &'a CommitSha,
    ) -> Self {
        let web = |url: &Url| matches!(url.scheme(), "http" | "https");
        Self { forge, repository: repository.parse().ok().filter(web), commit }
    }

    /// The repository's page; empty if there is none.
    pub(super) fn repository(&self) -> String {
        self.repository.as_ref().map_or_else(String::new, Url::to_string)
    }

    /// The page of a line.
    fn line(&self, path: &str, line: u32) -> Option<String> {
        let url = self.forge?.line_url(self.repository.as_ref()?, self.commit, path, line)?;
        Some(url.to_string())
    }
}

/// A remark on a place in the source.
pub(super) struct RemarkView {
    pub(super) badge: Badge,
    pub(super) place: String,
    /// The place at the forge.
    pub(super) href: Option<String>,
    pub(super) title: String,
    pub(super) message: String,
    pub(super) job: String,
    pub(super) job_href: String,
}

impl RemarkView {
    pub(super) fn new(of: RunAnnotation, source: &Source<'_>) -> Self {
        let Annotation { path, line, level, title, message, .. } = of.annotation;
        Self {
            badge: level_badge(level),
            href: source.line(&path, line),
            place: format!("{path}:{line}"),
            title,
            message,
            job: of.name.to_string(),
            job_href: format!("/jobs/{}#annotations", of.job),
        }
    }
}

#[cfg(test)]
mod tests {
    use solstice_forge::fake::FakeForge;

    use super::*;

    #[test]
    fn a_line_is_linked_where_the_forge_shows_it_and_nowhere_else() {
        let commit: CommitSha = "a1".repeat(20).parse().unwrap();
        let forge = FakeForge::new("forge".parse().unwrap());
        let source = |page| Source::new(Some(&forge), page, &commit);
        let good = source("https://forge.example/ada/engine");
        let line = good.line("src//a b#?.rs", 7).unwrap();
        let page = format!("https://forge.example/ada/engine/blob/{commit}");
        assert_eq!(line, format!("{page}/src/a%20b%23%3F.rs#L7"));
        assert!(!good.line("../../../evil", 1).unwrap().contains(".."));
        let odd = source("javascript:alert(1)");
        assert_eq!((odd.repository(), odd.line("a", 1)), (String::new(), None));
        let unknown = Source::new(None, "https://forge.example/ada/engine", &commit);
        assert_eq!(unknown.line("a", 1), None);
    }

    #[test]
    fn what_does_not_fit_is_cut() {
        assert_eq!(cut("build"), "build");
        assert_eq!(cut(&"x".repeat(99)).chars().count(), NODE_CHARS);
    }
}
