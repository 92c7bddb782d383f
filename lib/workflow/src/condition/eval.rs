//! Deciding a condition once the run is known.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::types::{Comparison, Flag, Status, Test, Text, Variable};
use crate::plan::RunContext;

/// All that a condition may ask for.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'f> {
    /// The run.
    pub(crate) run: &'f RunContext<'f>,
    /// The values of the job's matrix.
    pub(crate) matrix: &'f BTreeMap<String, String>,
    /// Variables, the innermost block first.
    pub(crate) env: [&'f BTreeMap<String, String>; 2],
    /// Whether a step before this one failed.
    pub(crate) failed: bool,
}

impl Test {
    pub(crate) fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Test::Literal(truth) => *truth,
            Test::Flag(Flag::PullRequest) => facts.run.pull_request.is_some(),
            Test::Flag(Flag::Fork) => facts.run.fork,
            Test::Status(Status::Success) => !facts.failed,
            Test::Status(Status::Failure) => facts.failed,
            Test::Status(Status::Always) => true,
            Test::Not(test) => !test.holds(facts),
            Test::All(left, right) => left.holds(facts) && right.holds(facts),
            Test::Any(left, right) => left.holds(facts) || right.holds(facts),
            Test::SameTruth(left, right) => left.holds(facts) == right.holds(facts),
            Test::SameText(left, right) => left.of(facts) == right.of(facts),
            Test::Matches(subject, pattern) => pattern.matches(&subject.of(facts)),
            Test::Compare(comparison, subject, part) => {
                let (subject, part) = (subject.of(facts), part.of(facts));
                match comparison {
                    Comparison::StartsWith => subject.starts_with(part.as_ref()),
                    Comparison::EndsWith => subject.ends_with(part.as_ref()),
                    Comparison::Contains => subject.contains(part.as_ref()),
                }
            }
        }
    }

    /// Whether `success()`, `failure()` or `always()` is anywhere in it.
    pub(crate) fn asks_for_status(&self) -> bool {
        match self {
            Test::Status(_) => true,
            Test::Not(test) => test.asks_for_status(),
            Test::All(left, right) | Test::Any(left, right) | Test::SameTruth(left, right) => {
                left.asks_for_status() || right.asks_for_status()
            }
            _ => false,
        }
    }
}

impl Text {
    fn of<'f>(&'f self, facts: &Facts<'f>) -> Cow<'f, str> {
        let known =
            |values: &'f BTreeMap<String, String>, name| values.get(name).map(String::as_str);
        Cow::Borrowed(match self {
            Text::Literal(text) => text,
            Text::Matrix(axis) => known(facts.matrix, axis).unwrap_or_default(),
            Text::Env(name) => {
                let mut values = facts.env.into_iter().filter_map(|block| known(block, name));
                values.next().unwrap_or_default()
            }
            Text::Of(variable) => return facts.run.text(*variable),
        })
    }
}

impl RunContext<'_> {
    /// A pull request names its source as it likes: its head may be a branch
    /// `main` of a fork. So it has neither branch nor tag, and a ref that is its own.
    fn text(&self, variable: Variable) -> Cow<'_, str> {
        let pushed = self.pull_request.is_none();
        Cow::Borrowed(match variable {
            Variable::Event => self.event.name(),
            Variable::Branch => self.git_ref.branch().filter(|_| pushed).unwrap_or_default(),
            Variable::Tag => self.git_ref.tag().filter(|_| pushed).unwrap_or_default(),
            Variable::Ref => match self.pull_request {
                Some(number) => return Cow::Owned(format!("refs/pull/{number}/head")),
                None => self.git_ref.as_str(),
            },
            Variable::Repository => self.repository.as_str(),
            Variable::Actor => self.actor,
            Variable::Base => self.base.unwrap_or_default(),
        })
    }
}
