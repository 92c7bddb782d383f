//! `artifact` nodes: which files a job leaves behind.

use solstice_kdl::{Problem, Reader, value};
use solstice_model::ArtifactRule;

use crate::expand::Budget;
use crate::interpolate::{Templated, templated};
use crate::limits::MAX_ARTIFACT_RULES;
use crate::matrix::{Axes, Cell};
use crate::pattern;
use crate::rules::too_many_of;

/// One `artifact` node.
pub(crate) struct Draft {
    patterns: Vec<Templated<String>>,
    exclude: Vec<Templated<String>>,
    required: bool,
    may_change: bool,
    junit: bool,
}

/// Reads the `artifact` nodes of a job.
pub(crate) fn read_all(job: &mut Reader<'_>, axes: Axes<'_>) -> Vec<Draft> {
    let mut count = 0;
    let mut drafts = Vec::new();
    for node in job.children("artifact") {
        let span = node.span();
        let draft = read(node, axes);
        let before = count;
        count += draft.patterns.len();
        if before <= MAX_ARTIFACT_RULES && count > MAX_ARTIFACT_RULES {
            job.report(too_many_of("patterns of artifacts", MAX_ARTIFACT_RULES, span));
        }
        drafts.push(draft);
    }
    drafts
}

fn read(mut node: Reader<'_>, axes: Axes<'_>) -> Draft {
    let required = node.setting("required", value::boolean).unwrap_or_default();
    let may_change = node.setting("may_change", value::boolean).unwrap_or_default();
    let junit = node.setting("junit", value::boolean).unwrap_or_default();
    let patterns = node.required_args("a pattern", templated(axes, pattern::files));
    let mut exclude = Vec::new();
    for mut child in node.children("exclude") {
        exclude.extend(child.required_args("a pattern", templated(axes, pattern::files)));
        child.finish();
    }
    if exclude.len() > MAX_ARTIFACT_RULES {
        node.report(too_many_of("excluded patterns", MAX_ARTIFACT_RULES, node.span()));
    }
    node.finish();
    Draft { patterns, exclude, required, may_change, junit }
}

impl Draft {
    /// A rule for each of its patterns.
    pub(crate) fn resolve(
        &self,
        cell: &Cell,
        budget: &mut Budget,
    ) -> Result<Vec<ArtifactRule>, Problem> {
        let resolve_all = |patterns: &[Templated<String>], budget: &mut Budget| {
            patterns.iter().map(|one| one.resolve_item(cell, budget)).collect::<Result<Vec<_>, _>>()
        };
        let rule = |pattern: &Templated<String>| {
            Ok(ArtifactRule {
                pattern: pattern.resolve_item(cell, budget)?,
                exclude: resolve_all(&self.exclude, budget)?,
                required: self.required,
                may_change: self.may_change,
                junit: self.junit,
            })
        };
        self.patterns.iter().map(rule).collect()
    }
}
