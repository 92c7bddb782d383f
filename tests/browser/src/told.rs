//! What the browser says of its visits: messages on its console, and every
//! request that it made, from chromedriver's logs.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::error::BrowserError;

/// A line on the browser's console: an error, a warning, what a policy forbade.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Message {
    /// `SEVERE`, `WARNING`, `INFO`, `DEBUG`.
    pub level: String,
    /// Where it comes from: `network`, `security`, `javascript`, `console-api`…
    pub source: String,
    /// What it says, with its place.
    #[serde(rename = "message")]
    pub text: String,
}

/// What was told since it was last asked.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Messages, in order.
    pub messages: Vec<Message>,
    /// The URLs of all requests, those to `data:` included, in order.
    pub requests: Vec<String>,
}

impl Told {
    /// Requests to anywhere but `base`. Data in the page itself are none, nor are
    /// the browser's own parts.
    pub fn foreign(&self, base: &str) -> Vec<&str> {
        let at_home = |url: &&str| {
            let rest = url.strip_prefix(base);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let own = ["data:", "about:", "blob:", "chrome:"];
        let requests = self.requests.iter().map(String::as_str);
        let foreign =
            |url: &&str| !at_home(url) && !own.iter().any(|scheme| url.starts_with(scheme));
        requests.filter(foreign).collect()
    }

    /// Messages that should not be: all errors and warnings. A page that answers
    /// with a status of its own, such as 404, is told as one; see `expected`.
    pub fn complaints(&self, expected: &str) -> Vec<&Message> {
        let bad = |message: &&Message| {
            let quiet = matches!(message.level.as_str(), "INFO" | "DEBUG");
            let known = !expected.is_empty() && message.text.contains(expected);
            !quiet && !known
        };
        self.messages.iter().filter(bad).collect()
    }
}

impl Browser {
    /// What was told since this was last called.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if the browser does not tell.
    pub async fn told(&self) -> Result<Told, BrowserError> {
        let mut told = Told::default();
        for entry in self.log("browser").await? {
            told.messages.extend(serde_json::from_value::<Message>(entry));
        }
        for entry in self.log("performance").await? {
            let event: Value = serde_json::from_str(entry["message"].as_str().unwrap_or_default())
                .unwrap_or_default();
            let event = &event["message"];
            if event["method"] == "Network.requestWillBeSent"
                && let Some(url) = event["params"]["request"]["url"].as_str()
            {
                told.requests.push(url.to_owned());
            }
        }
        Ok(told)
    }

    async fn log(&self, which: &str) -> Result<Vec<Value>, BrowserError> {
        let entries = self.wire().post("/se/log", &json!({ "type": which })).await?;
        Ok(entries.as_array().cloned().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_server_is_home() {
        let told = Told {
            requests: [
                "http://127.0.0.1:80/x",
                "http://127.0.0.1:80",
                "http://127.0.0.1:8080/",
                "data:,x",
                "https://fonts.example/",
            ]
            .map(str::to_owned)
            .to_vec(),
            ..Told::default()
        };
        let foreign = told.foreign("http://127.0.0.1:80");
        assert_eq!(foreign, ["http://127.0.0.1:8080/", "https://fonts.example/"]);
    }
}
