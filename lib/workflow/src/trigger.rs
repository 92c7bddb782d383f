//! `on` nodes: which events start a workflow.

use serde::Serialize;
use solstice_kdl::{Problem, Reader, Refusal, Value, nearest, quoted, value};
use solstice_model::GitRef;

use crate::limits::MAX_PATTERNS;
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
    },
    /// A pull request was opened or got new commits.
    PullRequest {
        /// Base branches, into which it would be merged; without any: all.
        branches: Vec<Pattern>,
    },
    /// Somebody asked for it.
    Manual,
}

impl Trigger {
    /// What starts a workflow that has no `on`: each push of a branch, each pull request.
    pub fn defaults() -> Vec<Self> {
        vec![
            Self::Push { branches: Vec::new(), tags: Vec::new() },
            Self::PullRequest { branches: Vec::new() },
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
    /// Somebody asked for a run.
    Manual,
}

/// Whether an event starts a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It does.
    Start,
    /// It does not.
    Ignore {
        /// Why not, one lower-case line for people.
        reason: String,
    },
}

/// Decides whether any of the triggers fits the event.
pub(crate) fn decide(triggers: &[Trigger], event: &TriggerEvent<'_>) -> Decision {
    if triggers.iter().any(|trigger| trigger.fits(event)) {
        return Decision::Start;
    }
    let reason = match event {
        TriggerEvent::Manual => "the workflow has no `on \"manual\"`".to_owned(),
        TriggerEvent::PullRequest { base } => {
            format!("no `on \"pull_request\"` covers the base branch {}", quoted(base))
        }
        TriggerEvent::Push { git_ref } => match (git_ref.branch(), git_ref.tag()) {
            (Some(branch), _) => format!("no `on \"push\"` covers the branch {}", quoted(branch)),
            (_, Some(tag)) => format!("no `on \"push\" tags=…` covers the tag {}", quoted(tag)),
            _ => format!("{} is neither a branch nor a tag", quoted(git_ref.as_str())),
        },
    };
    Decision::Ignore { reason }
}

impl Trigger {
    fn fits(&self, event: &TriggerEvent<'_>) -> bool {
        let any = |patterns: &[Pattern], name| patterns.iter().any(|one| one.matches(name));
        match (self, event) {
            (Self::Manual, TriggerEvent::Manual) => true,
            (Self::PullRequest { branches }, TriggerEvent::PullRequest { base }) => {
                branches.is_empty() || any(branches, base)
            }
            (Self::Push { branches, tags }, TriggerEvent::Push { git_ref }) => {
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
}

/// The events that `on` can name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Push,
    PullRequest,
    Manual,
}

/// Reads one `on` node; `None` if it was reported.
pub(crate) fn read(mut node: Reader<'_>) -> Option<Trigger> {
    let branches = node.list("branches", value::spanned(rules::text(Pattern::of_names)));
    let tags = node.list("tags", value::spanned(rules::text(Pattern::of_names)));
    rules::refuse_planned(&mut node);
    // What belongs to an event that we do not know is not unknown in itself.
    let kind = node.required_arg("an event", kind)?;
    for (name, list, fits) in
        [("branches", &branches, kind != Kind::Manual), ("tags", &tags, kind == Kind::Push)]
    {
        let list = list.as_deref().unwrap_or_default();
        if let (Some(first), false) = (list.first(), fits) {
            let problem = Problem::new(first.span, format!("this event has no {}", quoted(name)));
            node.report(problem.help("remove them, or write them with on \"push\""));
        }
        if let Some(surplus) = list.get(MAX_PATTERNS) {
            node.report(too_many_of("patterns", MAX_PATTERNS, surplus.span));
        }
    }
    node.finish();
    let [branches, tags] =
        [branches, tags].map(|list| list.into_iter().flatten().map(|one| one.value).collect());
    Some(match kind {
        Kind::Push => Trigger::Push { branches, tags },
        Kind::PullRequest => Trigger::PullRequest { branches },
        Kind::Manual => Trigger::Manual,
    })
}

fn kind(given: &Value) -> Result<Kind, Refusal> {
    const EVENTS: [&str; 3] = ["push", "pull_request", "manual"];
    let name = value::string(given)?;
    Ok(match name.as_str() {
        "push" => Kind::Push,
        "pull_request" => Kind::PullRequest,
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
        let text =
            format!("workflow {{\n{on}\njob id=\"a\" runs_on=\"x\" {{ step run=\"true\"; }}\n}}");
        let workflow = match parse("w.kdl", text.as_bytes()) {
            Ok(workflow) => workflow,
            Err(wrong) => panic!("{on}: {}", wrong.list()[0].one_line()),
        };
        workflow.triggered_by(event) == Decision::Start
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
    fn an_ignored_event_has_a_reason() {
        let git_ref = "refs/heads/topic".parse().unwrap();
        assert_eq!(
            decide(&[Trigger::Manual], &TriggerEvent::Push { git_ref: &git_ref }),
            Decision::Ignore { reason: "no `on \"push\"` covers the branch `topic`".to_owned() }
        );
    }
}
