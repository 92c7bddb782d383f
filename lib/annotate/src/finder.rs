//! Goes through what one stream of a step wrote.

use crate::command::Commands;
use crate::findings::Findings;
use crate::gcc::Gcc;
use crate::go::{GoErrors, GoTests};
use crate::make::Folders;
use crate::panic::Panics;
use crate::perl::Perl;
use crate::pytest::Pytest;
use crate::rustc::Rustc;
use crate::sink::{Matcher, Sink};
use crate::tap::Tap;
use crate::workspace::Workspace;

/// The longest part of a line that is looked at, in bytes.
pub const MAX_LINE_BYTES: usize = 16 * 1024;

/// Recognises remarks in what one stream of one step wrote. What it holds is
/// bounded, however long the output is.
#[derive(Debug)]
pub struct Finder {
    workspace: Workspace,
    /// What of the current line was written so far.
    line: Vec<u8>,
    folders: Folders,
    matchers: Vec<Box<dyn Matcher>>,
}

impl Finder {
    /// At the beginning of a stream.
    pub fn new(workspace: Workspace) -> Self {
        let matchers: Vec<Box<dyn Matcher>> = vec![
            Box::<Commands>::default(),
            Box::<Rustc>::default(),
            Box::<Panics>::default(),
            Box::<Gcc>::default(),
            Box::<GoErrors>::default(),
            Box::<GoTests>::default(),
            Box::<Pytest>::default(),
            Box::<Tap>::default(),
            Box::<Perl>::default(),
        ];
        Self { workspace, line: Vec::new(), folders: Folders::default(), matchers }
    }

    /// Takes what was written next, a line or a part of one; `newline` says
    /// whether that ended the line.
    pub fn output(&mut self, bytes: &[u8], newline: bool, findings: &mut Findings) {
        let room = MAX_LINE_BYTES.saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if newline {
            self.end_line(findings);
        }
    }

    /// The stream is over. Another one may begin, such as a step's next try.
    pub fn end(&mut self, findings: &mut Findings) {
        if !self.line.is_empty() {
            self.end_line(findings);
        }
        let dir = self.folders.current();
        let mut sink = Sink { workspace: &self.workspace, dir, findings };
        self.matchers.iter_mut().for_each(|matcher| matcher.end(&mut sink));
        self.folders = Folders::default();
    }

    fn end_line(&mut self, findings: &mut Findings) {
        let line = solstice_display::line(&self.line, false);
        self.line.clear();
        let line = line.trim_end();
        self.folders.line(line);
        let dir = self.folders.current();
        let mut sink = Sink { workspace: &self.workspace, dir, findings };
        self.matchers.iter_mut().for_each(|matcher| matcher.line(line, &mut sink));
    }
}
