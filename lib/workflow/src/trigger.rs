//! `on` nodes: which events start a workflow.

use serde::Serialize;
use solstice_kdl::{Problem, Reader, Refusal, Value, nearest, quoted, value};
use solstice_model::GitRef;

use crate::limits::MAX_PATTERNS;
use crate::paths::PathFilter;
use crate::pattern::Pattern;
use crate::rules::{self, too_many_of};

/// One `on` node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "on", rename_all = "snake_case")]
pub enum Trigger {
    /// A push. Without any pattern: of every branch, of no tag.
    Push {
        /// Branches whose push starts the workflow.
        branches: Vec<Pattern>,
        /// Tags whose push starts the workflow.
        tags: Vec<Pattern>,
        /// The files of which one must have changed.
        #[serde(flatten)]
        files: PathFilter,
    },
    /// A pull request was opened or got new commits.
    PullRequest {
        /// Base branches, into which it would be merged; without any: all.
        branches: Vec<Pattern>,
        /// The files of which one must have changed.
        #[serde(flatten)]
        files: PathFilter,
    },
    /// A merge queue wants to know whether its entry may be merged. It gets what
    /// [`Trigger::PullRequest`] starts as well.
    MergeGroup {
        /// Base branches, as of a pull request.
        branches: Vec<Pattern>,
    },
    /// Somebody asked for it.
    Manual,
}

impl Trigger {
    /// What starts a workflow that has no `on`: each push of a branch, each pull request.
    pub fn defaults() -> Vec<Self> {
        vec![
            Self::Push { branches: Vec::new(), tags: Vec::new(), files: PathFilter::default() },
            Self::PullRequest { branches: Vec::new(), files: PathFilter::default() },
        ]
    }
}

/// Something that happened, as far as triggers ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerEvent<'e> {
    /// Commits, or a tag, were pushed.
    Push {
        /// The ref that moved.
        git_ref: &'e GitRef,
    },
    /// A pull request was opened or got new commits.
    PullRequest {
        /// The branch into which it would be merged, without `refs/heads/`.
        base: &'e str,
    },
    /// A merge queue has an entry.
    MergeGroup {
        /// As of a pull request.
        base: &'e str,
    },
    /// Somebody asked for a run.
    Manual,
}

/// Whether an event starts a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It does.
    Start,
    /// It does if one of these wants one of the files that changed.
    StartIfChanged {
        /// At least one, none of which wants all.
        filters: Vec<PathFilter>,
    },
    /// It does not.
    Ignore {
        /// Why not, one lower-case line for people.
        reason: String,
    },
}

/// Decides whether any of the triggers fits the event.
pub(crate) fn decide(triggers: &[Trigger], event: &TriggerEvent<'_>) -> Decision {
    let fitting: Vec<&Trigger> = triggers.iter().filter(|trigger| trigger.fits(event)).collect();
    // What a queue asks for is wanted whole: it is about to be merged.
    let all = matches!(event, TriggerEvent::MergeGroup { .. });
    if fitting.iter().any(|trigger| all || trigger.files().is_none()) {
        return Decision::Start;
    }
    if !fitting.is_empty() {
        let filters = fitting.into_iter().filter_map(Trigger::files).cloned().collect();
        return Decision::StartIfChanged { filters };
    }
    let reason = match event {
        TriggerEvent::Manual => "the workflow has no `on \"manual\"`".to_owned(),
        TriggerEvent::PullRequest { base } => {
            format!("no `on \"pull_request\"` covers the base branch {}", quoted(base))
        }
        TriggerEvent::MergeGroup { base } => {
            let base = quoted(base);
            format!("no `on \"merge_group\"` or `on \"pull_request\"` covers the branch {base}")
        }
        TriggerEvent::Push { git_ref } => match (git_ref.branch(), git_ref.tag()) {
            (Some(branch), _) => format!("no `on \"push\"` covers the branch {}", quoted(branch)),
            (_, Some(tag)) => format!("no `on \"push\" tags=…` covers the tag {}", quoted(tag)),
            _ => format!("{} is neither a branch nor a tag", quoted(git_ref.as_str())),
        },
    };
    Decision::Ignore { reason }
}

/// Which of the triggers an event starts the workflow by: one that asks for no
/// files before those that do.
pub(crate) fn which(triggers: &[Trigger], event: &TriggerEvent<'_>) -> Option<usize> {
    let fits = |(_, trigger): &(usize, &Trigger)| trigger.fits(event);
    let of_all = |(_, trigger): &(usize, &Trigger)| trigger.files().is_none();
    let mut fitting = triggers.iter().enumerate().filter(fits);
    let first = fitting.clone().next();
    fitting.find(of_all).or(first).map(|(index, _)| index)
}

impl Trigger {
    fn fits(&self, event: &TriggerEvent<'_>) -> bool {
        let any = |patterns: &[Pattern], name| patterns.iter().any(|one| one.matches(name));
        match (self, event) {
            (Self::Manual, TriggerEvent::Manual) => true,
            (Self::PullRequest { branches, .. }, TriggerEvent::PullRequest { base })
            | (
                // An entry gets whatever its pull request got: a check that the queue
                // requires and that never comes would hold it up for ever.
                Self::PullRequest { branches, .. } | Self::MergeGroup { branches },
                TriggerEvent::MergeGroup { base },
            ) => branches.is_empty() || any(branches, base),
            (Self::Push { branches, tags, .. }, TriggerEvent::Push { git_ref }) => {
                match (git_ref.branch(), git_ref.tag()) {
                    (Some(_), _) if branches.is_empty() && tags.is_empty() => true,
                    (Some(branch), _) => any(branches, branch),
                    (None, Some(tag)) => any(tags, tag),
                    (None, None) => false,
                }
            }
            _ => false,
        }
    }

    /// The files that it is for, if these are not all.
    fn files(&self) -> Option<&PathFilter> {
        match self {
            Self::Push { files, .. } | Self::PullRequest { files, .. } => {
                (!files.wants_all()).then_some(files)
            }
            Self::MergeGroup { .. } | Self::Manual => None,
        }
    }
}

/// The events that `on` can name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Push,
    PullRequest,
    MergeGroup,
    Manual,
}

impl Kind {
    /// Whether it may say this list of patterns.
    fn has(self, list: &str) -> bool {
        match list {
            "branches" => self != Kind::Manual,
            "tags" => self == Kind::Push,
            _ => matches!(self, Kind::Push | Kind::PullRequest),
        }
    }
}

/// Reads one `on` node; `None` if it was reported.
pub(crate) fn read(mut node: Reader<'_>) -> Option<Trigger> {
    let names = value::spanned(rules::text(Pattern::of_names));
    let files = value::spanned(rules::text(Pattern::of_paths));
    let lists = [
        ("branches", node.list("branches", &names)),
        ("tags", node.list("tags", &names)),
        ("paths", node.list("paths", &files)),
        ("paths_ignore", node.list("paths_ignore", &files)),
    ];
    rules::refuse_planned(&mut node);
    // What belongs to an event that we do not know is not unknown in itself.
    let kind = node.required_arg("an event", kind)?;
    for (name, list) in &lists {
        let list = list.as_deref().unwrap_or_default();
        if let (Some(first), false) = (list.first(), kind.has(name)) {
            let problem = Problem::new(first.span, format!("this event has no {}", quoted(name)));
            node.report(problem.help("remove them, or write them with on \"push\""));
        }
        if let Some(surplus) = list.get(MAX_PATTERNS) {
            node.report(too_many_of("patterns", MAX_PATTERNS, surplus.span));
        }
    }
    node.finish();
    let [branches, tags, paths, paths_ignore] =
        lists.map(|(_, list)| list.into_iter().flatten().map(|one| one.value).collect());
    let files = PathFilter { paths, paths_ignore };
    Some(match kind {
        Kind::Push => Trigger::Push { branches, tags, files },
        Kind::PullRequest => Trigger::PullRequest { branches, files },
        Kind::MergeGroup => Trigger::MergeGroup { branches },
        Kind::Manual => Trigger::Manual,
    })
}

fn kind(given: &Value) -> Result<Kind, Refusal> {
    const EVENTS: [&str; 4] = ["push", "pull_request", "merge_group", "manual"];
    let name = value::string(given)?;
    Ok(match name.as_str() {
        "push" => Kind::Push,
        "pull_request" => Kind::PullRequest,
        "merge_group" => Kind::MergeGroup,
        "manual" => Kind::Manual,
        "schedule" => {
            return Err(Refusal::because("`schedule` is not supported by this version")
                .help("it is planned; remove it until then"));
        }
        _ => {
            let help = match nearest(&name, EVENTS) {
                Some(meant) => format!("did you mean {}?", quoted(meant)),
                None => format!("the events are {}", EVENTS.join(", ")),
            };
            return Err(Refusal::because(format!("there is no event {}", quoted(&name))).help(help));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    /// Whether a workflow with these `on` nodes is started by a push of the ref.
    fn pushed(on: &str, git_ref: &str) -> bool {
        let git_ref = git_ref.parse().unwrap();
        starts(on, &TriggerEvent::Push { git_ref: &git_ref })
    }

    fn starts(on: &str, event: &TriggerEvent<'_>) -> bool {
        decision(on, event) == Decision::Start
    }

    fn decision(on: &str, event: &TriggerEvent<'_>) -> Decision {
        let text =
            format!("workflow {{\n{on}\njob id=\"a\" runs_on=\"x\" {{ step run=\"true\"; }}\n}}");
        let workflow = match parse("w.kdl", text.as_bytes()) {
            Ok(workflow) => workflow,
            Err(wrong) => panic!("{on}: {}", wrong.list()[0].one_line()),
        };
        workflow.triggered_by(event)
    }

    #[test]
    fn a_star_stays_within_one_part_of_a_branch() {
        for on in [
            "on \"push\" branches=\"main\" \"release/*\"",
            "on \"push\" { branches \"main\" \"release/*\"; }",
        ] {
            assert!(pushed(on, "refs/heads/main"));
            assert!(pushed(on, "refs/heads/release/1.2"));
            assert!(!pushed(on, "refs/heads/release/1.2/hotfix"));
            assert!(!pushed(on, "refs/heads/maintenance"));
            assert!(!pushed(on, "refs/tags/main"));
        }
        assert!(pushed("on \"push\" branches=\"release/**\"", "refs/heads/release/1.2/hotfix"));
    }

    #[test]
    fn tags_start_nothing_unless_they_are_asked_for() {
        assert!(!pushed("on \"push\"", "refs/tags/v1"));
        assert!(pushed("on \"push\" tags=\"v*\"", "refs/tags/v1"));
        assert!(!pushed("on \"push\" tags=\"v*\"", "refs/heads/main"));
        let both = "on \"push\" branches=\"main\" tags=\"v*\"";
        assert!(pushed(both, "refs/tags/v1") && pushed(both, "refs/heads/main"));
    }

    #[test]
    fn without_on_every_branch_and_pull_request_starts_it() {
        assert!(pushed("", "refs/heads/any/branch"));
        assert!(starts("", &TriggerEvent::PullRequest { base: "main" }));
        assert!(!starts("", &TriggerEvent::Manual));
        assert!(!pushed("", "refs/notes/commits"));
    }

    #[test]
    fn each_event_needs_a_trigger_of_its_kind() {
        let pull_request = TriggerEvent::PullRequest { base: "main" };
        assert!(starts("on \"manual\"", &TriggerEvent::Manual));
        assert!(!starts("on \"manual\"", &pull_request));
        assert!(starts("on \"pull_request\" branches=\"main\"", &pull_request));
        assert!(!starts("on \"pull_request\" branches=\"stable\"", &pull_request));
        assert!(!starts("on \"push\"", &pull_request));
        assert!(starts("on \"push\"\non \"pull_request\"", &pull_request));
    }

    #[test]
    fn a_merge_group_starts_what_its_pull_request_started_and_all_of_it() {
        let entry = TriggerEvent::MergeGroup { base: "main" };
        for on in [
            "",
            "on \"merge_group\"",
            "on \"merge_group\" branches=\"main\"",
            "on \"pull_request\" branches=\"main\" paths=\"src/**\"",
        ] {
            assert!(starts(on, &entry), "{on}");
        }
        for on in ["on \"push\"", "on \"merge_group\" branches=\"stable\"", "on \"manual\""] {
            assert!(!starts(on, &entry), "{on}");
        }
        let pull_request = TriggerEvent::PullRequest { base: "main" };
        assert!(!starts("on \"merge_group\"", &pull_request));
    }

    #[test]
    fn files_decide_unless_a_trigger_is_for_all_of_them() {
        let git_ref = "refs/heads/main".parse().unwrap();
        let push = TriggerEvent::Push { git_ref: &git_ref };
        let on =
            "on \"push\" branches=\"main\" paths=\"src/**\" \"*.toml\" paths_ignore=\"**/*.md\"";
        let Decision::StartIfChanged { filters } = decision(on, &push) else { panic!("{on}") };
        let wanted = |path| filters.iter().any(|filter| filter.wants(path));
        for path in ["src/main.rs", "src/a/b.rs", "Cargo.toml"] {
            assert!(wanted(path), "{path}");
        }
        for path in ["src/README.md", "docs/a.rs", "lib/Cargo.toml"] {
            assert!(!wanted(path), "{path}");
        }
        assert!(starts(&format!("{on}\non \"push\""), &push));
        let Decision::StartIfChanged { filters } =
            decision("on \"push\" paths_ignore=\"docs/**\"", &push)
        else {
            panic!("only ignored files")
        };
        assert!(filters[0].wants("any/file") && !filters[0].wants("docs/a"));
    }

    #[test]
    fn an_ignored_event_has_a_reason() {
        let git_ref = "refs/heads/topic".parse().unwrap();
        assert_eq!(
            decide(&[Trigger::Manual], &TriggerEvent::Push { git_ref: &git_ref }),
            Decision::Ignore { reason: "no `on \"push\"` covers the branch `topic`".to_owned() }
        );
    }
}
