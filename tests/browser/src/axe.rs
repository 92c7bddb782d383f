//! The check for accessibility: axe-core, run in the page.
//!
//! It comes in through WebDriver, which the pages' security policy does not
//! bind, so the policy stays as strict as it is.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::json;

use crate::browser::Browser;
use crate::error::BrowserError;

/// The environment variable that says where `axe.min.js` is.
pub const AXE: &str = "SOLSTICE_TEST_AXE";

/// The levels A and AA of WCAG 2.1.
const TAGS: [&str; 4] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];

/// The script, read once.
pub struct Axe {
    source: String,
}

/// A rule that a page breaks.
#[derive(Clone, Debug, Deserialize)]
pub struct Violation {
    /// The rule: `color-contrast`.
    pub id: String,
    /// What it asks for.
    pub help: String,
    /// The elements that break it, and how.
    pub nodes: Vec<String>,
}

impl Axe {
    /// Reads it from where [`AXE`] says.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] that says what is missing.
    pub fn from_env() -> Result<Self, BrowserError> {
        let path = std::env::var_os(AXE).map(PathBuf::from).ok_or_else(|| {
            let why = format!("{AXE} does not say where axe.min.js is; run `cargo xtask test`");
            BrowserError::NoAxe(why)
        })?;
        match std::fs::read_to_string(&path) {
            Ok(source) => Ok(Self { source }),
            Err(source) => Err(BrowserError::File { path, source }),
        }
    }

    /// Checks the page that a browser shows.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if it cannot be run there.
    pub async fn check(&self, browser: &Browser) -> Result<Vec<Violation>, BrowserError> {
        const RUN: &str = "
            const [tags, done] = arguments;
            const told = (node) => `${node.target.join(' ')}: ${node.failureSummary}\n${node.html}`;
            axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] })
                .then((found) => done(found.violations.map((one) =>
                    ({ id: one.id, help: one.help, nodes: one.nodes.map(told) }))))
                .catch((why) => done([{ id: 'axe', help: String(why), nodes: [] }]));";
        browser.run(&self.source, json!([])).await?;
        let found = browser.run_async(RUN, json!([TAGS])).await?;
        serde_json::from_value(found.clone()).map_err(|_| BrowserError::Odd {
            command: "axe.run".to_owned(),
            answer: found.to_string(),
        })
    }
}
