//! Rows, tables, and the page that they go to.

use std::fmt;

use camino::Utf8Path;

use crate::Failure;
use crate::stats::{Figure, number};

/// One thing that was measured.
#[derive(Debug)]
struct Row {
    what: String,
    figure: Figure,
    /// What it is compared with, and that figure.
    baseline: Option<(String, Figure)>,
}

/// The rows of one measurement.
#[derive(Debug)]
pub(crate) struct Section {
    title: &'static str,
    about: &'static str,
    rows: Vec<Row>,
}

impl Section {
    pub(crate) fn new(title: &'static str, about: &'static str) -> Self {
        Self { title, about, rows: Vec::new() }
    }

    /// Adds a figure that stands alone.
    pub(crate) fn alone(&mut self, what: impl Into<String>, figure: Figure) {
        self.rows.push(Row { what: what.into(), figure, baseline: None });
    }

    /// Adds a figure and what it is compared with; the ratio is the first by the second.
    pub(crate) fn beside(
        &mut self,
        what: impl Into<String>,
        figure: Figure,
        with: impl Into<String>,
        baseline: Figure,
    ) {
        let baseline = Some((with.into(), baseline));
        self.rows.push(Row { what: what.into(), figure, baseline });
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}\n\n{}\n", self.title, self.about)?;
        writeln!(f, "| what | figure | beside | its figure | ratio |")?;
        writeln!(f, "| --- | --- | --- | --- | --- |")?;
        for Row { what, figure, baseline } in &self.rows {
            let (with, theirs, ratio) = match baseline {
                Some((with, theirs)) => {
                    let ratio = number(figure.median / theirs.median);
                    (with.as_str(), theirs.to_string(), ratio)
                }
                None => ("", String::new(), String::new()),
            };
            writeln!(f, "| {what} | {figure} | {with} | {theirs} | {ratio} |")?;
        }
        Ok(())
    }
}

/// All sections of one run.
pub(crate) struct Report {
    head: String,
    sections: Vec<Section>,
}

impl Report {
    /// Notes where and when this is.
    pub(crate) fn begin() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let model =
            cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let cpus = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let load = read("/proc/loadavg");
        let head = format!(
            "{cpus} processors ({}), Linux {}, load {} at the start; {}.",
            model.map_or("unknown", |(_, model)| model),
            read("/proc/sys/kernel/osrelease").trim(),
            load.split(' ').next().unwrap_or("unknown"),
            chrono::Utc::now().format("%Y-%m-%d"),
        );
        Self { head, sections: Vec::new() }
    }

    pub(crate) fn add(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// Writes the page.
    pub(crate) fn write(&self, path: &Utf8Path) -> Result<(), Failure> {
        let sections: Vec<String> = self.sections.iter().map(Section::to_string).collect();
        let text = format!(
            "# Benchmarks\n\nWritten by `cargo xtask bench`, which measures everything on one \
             computer in one run: each figure stands beside what it is compared with, and the \
             ratio is the first by the second. Figures are medians, least and most in brackets.\n\n\
             {}\n\n{}",
            self.head,
            sections.join("\n")
        );
        std::fs::write(path, text).map_err(|error| format!("{path}: {error}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_both_figures_and_their_ratio() {
        let mut section = Section::new("Title", "About.");
        section.beside("ours", Figure::once(3.0, "s"), "theirs", Figure::once(2.0, "s"));
        section.alone("memory", Figure::once(10.0, "MiB"));
        let text = section.to_string();
        assert!(text.contains("| ours | 3.00 s | theirs | 2.00 s | 1.50 |"), "{text}");
        assert!(text.contains("| memory | 10.0 MiB |  |  |  |"), "{text}");
    }
}
