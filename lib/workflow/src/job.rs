//! `job` nodes: a label, what must come before, and steps.

use std::collections::BTreeMap;

use solstice_kdl::{Problem, Reader, Span, Spanned, value};
use solstice_model::spec::DEFAULT_TIMEOUT_S;
use solstice_model::{JobName, JobSpec, Label, Need, NeededOutcome, StepSpec};

use crate::env::{self, Env};
use crate::limits::MAX_STEPS;
use crate::{rules, step};

/// A job with the places of its names, before its needs are looked up.
pub(crate) struct Draft {
    /// Its id; where it has none that is valid, that was reported.
    pub(crate) id: Option<Spanned<JobName>>,
    /// The jobs that it names.
    pub(crate) needs: Vec<Spanned<JobName>>,
    runs_on: Option<Label>,
    env: Env,
    timeout_s: Option<u32>,
    steps: Vec<StepSpec>,
}

impl Draft {
    /// The job, with the workflow's variables under its own; `None` if something
    /// that it cannot be without was reported missing or wrong.
    pub(crate) fn finish(self, workflow_env: &Env) -> Option<JobSpec> {
        let mut env: BTreeMap<_, _> = workflow_env.clone();
        env.extend(self.env);
        Some(JobSpec {
            name: self.id?.value,
            runs_on: self.runs_on?,
            needs: self
                .needs
                .into_iter()
                .map(|need| Need { job: need.value, outcome: NeededOutcome::Succeeded })
                .collect(),
            matrix: None,
            size: None,
            unmet: None,
            retries: 0,
            continue_on_error: false,
            priority: 0,
            artifacts: Vec::new(),
            env,
            timeout_s: self.timeout_s.unwrap_or(DEFAULT_TIMEOUT_S),
            steps: self.steps,
        })
    }
}

/// Reads one job.
pub(crate) fn read(mut node: Reader<'_>) -> Draft {
    let id = node.required_prop("id", value::spanned(rules::word::<JobName>));
    let runs_on = node.required_setting("runs_on", rules::word::<Label>);
    let timeout_s = node.setting("timeout", rules::timeout);
    let needs = node.list("needs", value::spanned(rules::word::<JobName>));
    let env = env::read(&mut node);
    let nodes = node.required_children("step", "add at least one: step run=\"…\"");
    let too_many = nodes.get(MAX_STEPS).map(Reader::span);
    let steps = nodes.into_iter().filter_map(step::read).collect();
    rules::refuse_planned(&mut node);
    if let Some(span) = too_many {
        node.report(too_many_of("steps", MAX_STEPS, span));
    }
    node.finish();
    Draft { id, needs: needs.unwrap_or_default(), runs_on, env, timeout_s, steps }
}

/// There are more of something than one file or job may have.
pub(crate) fn too_many_of(what: &str, most: usize, span: Span) -> Problem {
    Problem::new(span, format!("there are more than {most} {what}"))
        .label("one too many")
        .help("put several commands into one, or split the file")
}
