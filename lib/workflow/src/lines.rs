//! On which lines of the file things are written, for those who ask why.

use std::collections::BTreeMap;

use solstice_kdl::Span;
use solstice_model::{JobLines, JobName, StepLines};

use crate::job;

/// The lines of a workflow's parts, from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    /// Of the triggers, in order; none where the usual ones are meant.
    pub(crate) triggers: Vec<u32>,
    /// Of the jobs, by their ids in the file.
    pub(crate) jobs: BTreeMap<JobName, JobLines>,
}

/// Where a workflow's parts are in the bytes of its file.
#[derive(Default)]
pub(crate) struct Spans {
    pub(crate) triggers: Vec<Span>,
    jobs: BTreeMap<JobName, JobSpans>,
}

struct JobSpans {
    job: Span,
    parts: job::Spans,
    needs: Vec<(JobName, Span)>,
    /// Each step and its time limit.
    steps: Vec<(Span, Option<Span>)>,
}

impl Spans {
    /// Keeps where the jobs are.
    pub(crate) fn note_jobs(&mut self, drafts: &[job::Draft]) {
        for draft in drafts {
            let Some(id) = &draft.id else { continue };
            let needs = draft.needs.iter().map(|need| (need.job.value.clone(), need.job.span));
            let steps = draft.steps.iter().map(|step| (step.span, step.timeout_span));
            let spans = JobSpans {
                job: draft.span,
                parts: draft.spans,
                needs: needs.collect(),
                steps: steps.collect(),
            };
            self.jobs.insert(id.value.clone(), spans);
        }
    }

    /// The same as lines of the file with these bytes.
    pub(crate) fn lines(self, bytes: &[u8]) -> Lines {
        let newlines: Vec<usize> =
            (0..).zip(bytes).filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect();
        let line = |span: Span| {
            let before = newlines.partition_point(|newline| *newline < span.offset());
            u32::try_from(before + 1).unwrap_or(u32::MAX)
        };
        let job = |spans: JobSpans| JobLines {
            job: line(spans.job),
            runs_on: spans.parts.runs_on.map(line),
            condition: spans.parts.condition.map(line),
            timeout: spans.parts.timeout.map(line),
            needs: spans.needs.into_iter().map(|(name, span)| (name, line(span))).collect(),
            steps: spans
                .steps
                .into_iter()
                .map(|(step, timeout)| StepLines { step: line(step), timeout: timeout.map(line) })
                .collect(),
        };
        Lines {
            triggers: self.triggers.into_iter().map(line).collect(),
            jobs: self.jobs.into_iter().map(|(name, spans)| (name, job(spans))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{TriggerEvent, parse};

    const FILE: &str = r#"workflow {
    on "push" branches="main" paths="src/**"
    on "pull_request"
    on "push" branches="main"
    job id="build" runs_on="illumos" timeout="5m" {
        step run="make"
    }
    job id="test" needs="build" {
        runs_on "illumos"
        if "branch == 'main'"
        step run="make check"
        step name="Long" {
            run "make stress"
            timeout "1h"
        }
    }
}
"#;

    #[test]
    fn every_part_has_its_line() {
        let workflow = parse("w.kdl", FILE.as_bytes()).unwrap();
        let git_ref = "refs/heads/main".parse().unwrap();
        let grounds = workflow.grounds(&TriggerEvent::Push { git_ref: &git_ref });
        assert_eq!(grounds.trigger, Some(4), "the one that asks for no files");
        let build = &grounds.jobs[&"build".parse().unwrap()];
        assert_eq!((build.job, build.runs_on, build.timeout), (5, Some(5), Some(5)));
        assert_eq!((build.steps[0].step, build.steps[0].timeout), (6, None));
        let test = &grounds.jobs[&"test".parse().unwrap()];
        assert_eq!((test.job, test.runs_on, test.condition), (8, Some(9), Some(10)));
        assert_eq!(test.needs.values().copied().collect::<Vec<_>>(), [8]);
        assert_eq!((test.steps[1].step, test.steps[1].timeout), (12, Some(14)));
        assert_eq!(workflow.grounds(&TriggerEvent::Manual).trigger, None);
    }

    #[test]
    fn usual_triggers_are_written_nowhere() {
        let file = b"workflow { job id=\"a\" runs_on=\"x\" { step run=\"true\"; }; }";
        let workflow = parse("w.kdl", file).unwrap();
        assert_eq!(workflow.grounds(&TriggerEvent::PullRequest { base: "main" }).trigger, None);
        assert_eq!(workflow.grounds(&TriggerEvent::Manual).jobs.len(), 1);
    }
}
