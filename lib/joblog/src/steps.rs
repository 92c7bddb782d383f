//! Where in a log the steps are.

use crate::checkpoint::{Checkpoint, Edge};

/// The most steps that are told; a workflow has no more.
pub(crate) const MAX_STEPS: usize = 256;

/// A place between lines of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepEdge {
    /// The record that tells of the edge.
    pub seq: u64,
    /// How many lines of output began before it.
    pub lines: u64,
}

/// Where the output of one step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepExtent {
    /// Index into the job's steps.
    pub step: u32,
    /// Where it begins.
    pub begin: StepEdge,
    /// Where it ends; `None` if it has not.
    pub end: Option<StepEdge>,
}

/// The steps in the order in which they began, each once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Steps(Vec<StepExtent>);

impl Steps {
    /// Takes what a record says of a step; `false` if that is nothing new.
    pub(crate) fn note(&mut self, checkpoint: &Checkpoint) -> bool {
        let edge = StepEdge { seq: checkpoint.seq, lines: checkpoint.numbers.lines() };
        match checkpoint.edge {
            Edge::None => false,
            Edge::Begin(step) => self.begin(step, edge),
            Edge::End(step) => {
                let open = |extent: &&mut StepExtent| extent.step == step && extent.end.is_none();
                let extent = self.0.iter_mut().find(open);
                extent.map(|extent| extent.end = Some(edge)).is_some()
            }
        }
    }

    fn begin(&mut self, step: u32, begin: StepEdge) -> bool {
        if self.0.len() == MAX_STEPS || self.0.iter().any(|extent| extent.step == step) {
            return false;
        }
        self.0.push(StepExtent { step, begin, end: None });
        true
    }

    pub(crate) fn extents(&self) -> &[StepExtent] {
        &self.0
    }
}
