//! The policy of a repository, and what it says of an event.

use std::collections::BTreeSet;

use solstice_kdl::quoted;
use solstice_model::GitRef;
use solstice_workflow::Pattern;

use crate::layer::{Approval, Layer, Start};

/// The policy of a repository, complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Who may start jobs.
    pub start: Start,
    /// Who counts as a member by name, in lower case.
    users: BTreeSet<String>,
    /// What waits for an approval.
    pub approval: Approval,
    /// Branches whose push starts something; all if absent.
    branches: Option<Vec<Pattern>>,
    /// Tags, likewise.
    tags: Option<Vec<Pattern>>,
    /// Whether a commit's message may ask for no run.
    pub skip_markers: bool,
    /// Whether a new commit of a pull request ends what its older ones run.
    pub supersede: bool,
}

impl Default for Policy {
    /// Everyone may; strangers' pull requests wait for an approval.
    fn default() -> Self {
        Self {
            start: Start::default(),
            users: BTreeSet::new(),
            approval: Approval::default(),
            branches: None,
            tags: None,
            skip_markers: true,
            supersede: true,
        }
    }
}

/// Something that would start jobs, as far as a policy asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'s> {
    /// A push of this ref. Whoever made it could push: it has no strangers.
    Push(&'s GitRef),
    /// A pull request.
    PullRequest {
        /// Whether its commits come from outside the repository.
        outside: bool,
    },
    /// A merge queue's entry, which somebody let into the queue.
    MergeGroup,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Its jobs may start.
    Start,
    /// They wait for somebody's approval.
    Approval,
    /// There are none.
    Ignore {
        /// Why, for people.
        reason: String,
    },
}

impl Policy {
    /// What these layers say together: of each node the last that says it.
    pub fn of<'l>(layers: impl IntoIterator<Item = &'l Layer>) -> Self {
        let mut policy = Self::default();
        for layer in layers {
            let Layer { start, users, approval, branches, tags, skip_markers, supersede } =
                layer.clone();
            policy.start = start.unwrap_or(policy.start);
            policy.users = users.unwrap_or(policy.users);
            policy.approval = approval.unwrap_or(policy.approval);
            policy.branches = branches.or(policy.branches);
            policy.tags = tags.or(policy.tags);
            policy.skip_markers = skip_markers.unwrap_or(policy.skip_markers);
            policy.supersede = supersede.unwrap_or(policy.supersede);
        }
        policy
    }

    /// Whether this user counts as a member whatever the forge says.
    pub fn is_named(&self, user: &str) -> bool {
        self.users.contains(&user.to_lowercase())
    }

    /// Whether it plays a part who is a member: then it is worth finding out.
    pub fn asks_for_members(&self, subject: &Subject<'_>) -> bool {
        match subject {
            Subject::Push(_) | Subject::MergeGroup => false,
            Subject::PullRequest { outside } => {
                self.start == Start::Members || (*outside && self.approval == Approval::Outside)
            }
        }
    }

    /// Decides; `strangers` are those behind it who are no members, if that
    /// [was asked for](Policy::asks_for_members).
    pub fn rule(&self, subject: &Subject<'_>, strangers: &[&str]) -> Ruling {
        match *subject {
            Subject::MergeGroup => Ruling::Start,
            Subject::Push(git_ref) => match self.left_out(git_ref) {
                Some(reason) => Ruling::Ignore { reason },
                None if self.approval == Approval::All => Ruling::Approval,
                None => Ruling::Start,
            },
            Subject::PullRequest { outside } => match (self.start, strangers.first()) {
                (Start::Members, Some(stranger)) => Ruling::Ignore {
                    reason: format!(
                        "the policy lets only members start jobs, and {} may not push and is \
                         not named in it",
                        quoted(stranger)
                    ),
                },
                (_, stranger) => self.of_pull_request(outside, stranger.is_some()),
            },
        }
    }

    /// Which of its rules lets something start, or makes it wait, one line for
    /// people; `strangers` as for [`Policy::rule`].
    pub fn because(&self, subject: &Subject<'_>, strangers: &[&str]) -> String {
        match (*subject, self.approval, strangers.first()) {
            (Subject::MergeGroup, ..) => "what a merge queue has let in always starts".to_owned(),
            (Subject::Push(_), Approval::All, _) => {
                "`approval \"all\"`: every push waits for an approval".to_owned()
            }
            (Subject::Push(git_ref), ..) => match (git_ref.branch(), git_ref.tag()) {
                (Some(_), _) if self.branches.is_some() => {
                    "the policy's `branches` cover it".to_owned()
                }
                (_, Some(_)) if self.tags.is_some() => "the policy's `tags` cover it".to_owned(),
                _ => "the policy lets every push start".to_owned(),
            },
            (Subject::PullRequest { .. }, Approval::Never, _) => {
                "`approval \"never\"`: no pull request waits for an approval".to_owned()
            }
            (Subject::PullRequest { .. }, Approval::PullRequests | Approval::All, _) => {
                "the policy lets every pull request wait for an approval".to_owned()
            }
            (Subject::PullRequest { outside: false }, Approval::Outside, _) => {
                "a pull request from the repository itself needs no approval".to_owned()
            }
            (Subject::PullRequest { outside: true }, Approval::Outside, None) => {
                "it comes from outside, and everybody behind it is a member".to_owned()
            }
            (Subject::PullRequest { outside: true }, Approval::Outside, Some(stranger)) => {
                format!("it comes from outside, and {} is no member", quoted(stranger))
            }
        }
    }

    fn of_pull_request(&self, outside: bool, strange: bool) -> Ruling {
        let waits = match self.approval {
            Approval::Never => false,
            Approval::Outside => outside && strange,
            Approval::PullRequests | Approval::All => true,
        };
        if waits { Ruling::Approval } else { Ruling::Start }
    }

    /// Why a push of this ref starts nothing, if so.
    fn left_out(&self, git_ref: &GitRef) -> Option<String> {
        let (node, patterns, name) = match (git_ref.branch(), git_ref.tag()) {
            (Some(branch), _) => ("branches", self.branches.as_ref()?, branch),
            (_, Some(tag)) => ("tags", self.tags.as_ref()?, tag),
            _ => return None,
        };
        let covered = patterns.iter().any(|pattern| pattern.matches(name));
        (!covered).then(|| format!("the policy's `{node}` do not cover {}", quoted(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::parse;

    fn layer(inside: &str) -> Layer {
        parse("policy.kdl", format!("policy {{\n{inside}\n}}").as_bytes()).unwrap()
    }

    fn policy(inside: &str) -> Policy {
        Policy::of([&layer(inside)])
    }

    /// A word for what becomes of it: `s`tart, `a`pproval, `i`gnore.
    fn word(policy: &Policy, subject: &Subject<'_>, strangers: &[&str]) -> char {
        match policy.rule(subject, strangers) {
            Ruling::Start => 's',
            Ruling::Approval => 'a',
            Ruling::Ignore { .. } => 'i',
        }
    }

    #[test]
    fn every_pair_of_a_policy_and_an_event() {
        let branch: GitRef = "refs/heads/main".parse().unwrap();
        let inside = Subject::PullRequest { outside: false };
        let fork = Subject::PullRequest { outside: true };
        // A push; a pull request of the repository by members, by a stranger; one
        // from outside by members, by a stranger; a merge group.
        let table = [
            ("", "sss", "sas"),
            ("start \"members\"", "ssi", "sis"),
            ("approval \"never\"", "sss", "sss"),
            ("approval \"never\"; start \"members\"", "ssi", "sis"),
            ("approval \"pull_requests\"", "saa", "aas"),
            ("approval \"all\"", "aaa", "aas"),
            ("approval \"all\"; start \"members\"", "aai", "ais"),
            ("branches \"release/*\"", "iss", "sas"),
        ];
        for (given, first, second) in table {
            let policy = policy(given);
            let row: String = [
                (Subject::Push(&branch), &[][..]),
                (inside, &[]),
                (inside, &["mallory"]),
                (fork, &[]),
                (fork, &["mallory"]),
                (Subject::MergeGroup, &[]),
            ]
            .iter()
            .map(|(subject, strangers)| word(&policy, subject, strangers))
            .collect();
            assert_eq!(row, format!("{first}{second}"), "{given}");
        }
    }

    #[test]
    fn nobody_is_asked_for_what_plays_no_part() {
        let branch: GitRef = "refs/heads/main".parse().unwrap();
        let inside = Subject::PullRequest { outside: false };
        let fork = Subject::PullRequest { outside: true };
        for (given, asks) in [
            ("", [false, true]),
            ("start \"members\"", [true, true]),
            ("approval \"never\"", [false, false]),
            ("approval \"all\"", [false, false]),
            ("approval \"never\"; start \"members\"", [true, true]),
        ] {
            let policy = policy(given);
            assert_eq!([inside, fork].map(|it| policy.asks_for_members(&it)), asks, "{given}");
            for never in [Subject::MergeGroup, Subject::Push(&branch)] {
                assert!(!policy.asks_for_members(&never), "{given}");
            }
        }
    }

    #[test]
    fn patterns_decide_on_pushes_of_their_own_kind() {
        let policy = policy("branches \"main\" \"release/*\"; tags \"v*\"");
        for (git_ref, starts) in [
            ("refs/heads/main", true),
            ("refs/heads/release/1", true),
            ("refs/heads/topic", false),
            ("refs/heads/v1", false),
            ("refs/tags/v1", true),
            ("refs/tags/main", false),
        ] {
            let git_ref = git_ref.parse().unwrap();
            let ruling = policy.rule(&Subject::Push(&git_ref), &[]);
            assert_eq!(ruling == Ruling::Start, starts, "{git_ref}");
        }
        let tag = "refs/tags/any".parse().unwrap();
        assert_eq!(super::Policy::default().rule(&Subject::Push(&tag), &[]), Ruling::Start);
    }

    #[test]
    fn each_node_is_layered_by_itself_and_the_last_wins() {
        let forge = layer("start \"members\"; user \"ada\"; skip_markers #false");
        let file = layer("approval \"never\"; user \"Bob\"; branches \"main\"");
        let last = layer("approval \"all\"; supersede #false");
        let policy = Policy::of([&forge, &file, &last]);
        assert_eq!((policy.start, policy.approval), (Start::Members, Approval::All));
        assert_eq!((policy.skip_markers, policy.supersede), (false, false));
        assert!(policy.is_named("BOB") && !policy.is_named("ada"));
        let topic = "refs/heads/topic".parse().unwrap();
        assert!(matches!(policy.rule(&Subject::Push(&topic), &[]), Ruling::Ignore { .. }));
        assert_eq!(Policy::of([]), Policy::default());
    }
}
