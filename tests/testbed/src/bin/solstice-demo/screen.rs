//! What the person sees while it happens.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use solstice_model::{JobName, Stream};
use solstice_testbed::TestbedError;

use crate::story::Ending;

/// The terminal, with colours if it is one.
pub(crate) struct Screen {
    began: Instant,
    colours: bool,
}

/// The pause after which a wait says that it still waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

impl Screen {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), colours: std::io::stdout().is_terminal() }
    }

    /// A heading with the time since the beginning.
    pub(crate) fn heading(&self, text: &str) {
        let at = self.began.elapsed().as_secs_f64();
        println!("\n{}", self.paint("1", &format!("[{at:6.2} s] {text}")));
    }

    /// A fact.
    pub(crate) fn fact(&self, name: &str, value: impl std::fmt::Display) {
        println!("  {} {value}", self.paint("2", &format!("{name:<14}")));
    }

    /// Something that a job did, or that is done to it.
    pub(crate) fn event(&self, job: &JobName, text: &str) {
        let at = self.began.elapsed().as_secs_f64();
        println!("{} {}", self.gutter(job), self.paint("36", &format!("{text}  ({at:.2} s)")));
    }

    /// A line that a step wrote.
    pub(crate) fn line(&self, job: &JobName, stream: Stream, text: &str) {
        let text = match stream {
            Stream::Stdout => text.to_owned(),
            Stream::Stderr => self.paint("33", text),
        };
        println!("{} {text}", self.gutter(job));
        // A line is to be seen when it is written, in a pipe as well.
        let _ = std::io::stdout().flush();
    }

    /// A line of a table or of another block.
    pub(crate) fn plain(&self, text: &str) {
        println!("  {text}");
    }

    /// Says that a wait goes on.
    pub(crate) fn waiting(&self, what: &str, since: Duration) {
        println!("{}", self.paint("2", &format!("  … {what} ({} s)", since.as_secs())));
    }

    /// The last word.
    pub(crate) fn ending(&self, ending: &Ending) {
        let colour = if matches!(ending, Ending::Succeeded) { "32;1" } else { "31;1" };
        println!("\n{}", self.paint(colour, &ending.to_string()));
    }

    /// The last word if the installation itself is broken.
    pub(crate) fn broken(&self, error: &TestbedError) {
        eprintln!("\n{} {}", self.paint("31;1", "error:"), solstice_log::chain(error));
    }

    fn gutter(&self, job: &JobName) -> String {
        self.paint("2", &format!("  {job:>8} │"))
    }

    fn paint(&self, sgr: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{sgr}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
