//! WebDriver on the wire: JSON over HTTP, one connection to one session.

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::Value;

use crate::error::BrowserError;

/// No command takes longer: pages and scripts have shorter limits of their own.
const LIMIT: Duration = Duration::from_secs(60);

/// The most of an odd answer that is shown.
const MAX_SHOWN: usize = 500;

/// A connection to a driver, later to a session of it.
pub(crate) struct Wire {
    http: Client,
    /// What commands are relative to.
    base: String,
}

impl Wire {
    /// A connection to the driver at `base`.
    pub(crate) fn new(base: String) -> Self {
        let http = Client::builder().no_proxy().timeout(LIMIT).build();
        Self { http: http.expect("a plain client needs nothing of the system"), base }
    }

    /// The same connection, to a session.
    pub(crate) fn session(self, id: &str) -> Self {
        let base = format!("{}/session/{id}", self.base);
        Self { http: self.http, base }
    }

    /// Sends a command with arguments.
    pub(crate) async fn post(&self, command: &str, body: &Value) -> Result<Value, BrowserError> {
        self.send(Method::POST, command, Some(body)).await
    }

    /// Sends a command that asks.
    pub(crate) async fn get(&self, command: &str) -> Result<Value, BrowserError> {
        self.send(Method::GET, command, None).await
    }

    /// Ends what the connection is to.
    pub(crate) async fn delete(&self) -> Result<Value, BrowserError> {
        self.send(Method::DELETE, "", None).await
    }

    async fn send(
        &self,
        method: Method,
        command: &str,
        body: Option<&Value>,
    ) -> Result<Value, BrowserError> {
        let mut request = self.http.request(method, format!("{}{command}", self.base));
        if let Some(body) = body {
            request = request.json(body);
        }
        let silent = |source| BrowserError::Silent { command: command.to_owned(), source };
        let text = request.send().await.map_err(silent)?.text().await.map_err(silent)?;
        answer(command, &text)
    }
}

/// The value in an answer, or the error in its place.
fn answer(command: &str, text: &str) -> Result<Value, BrowserError> {
    let command = command.to_owned();
    let Ok(Value::Object(mut answer)) = serde_json::from_str(text) else {
        let answer = text.chars().take(MAX_SHOWN).collect();
        return Err(BrowserError::Odd { command, answer });
    };
    let value = answer.remove("value").unwrap_or_default();
    match value["error"].as_str() {
        Some(error) if value["stacktrace"].is_string() => {
            let message = value["message"].as_str().unwrap_or_default().to_owned();
            Err(BrowserError::Refused { command, error: error.to_owned(), message })
        }
        _ => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_from_a_value() {
        let said = r#"{"value":{"error":"no such element","message":"m","stacktrace":""}}"#;
        let wrong = answer("/element", said).expect_err("it is an error");
        assert!(wrong.retry() && wrong.to_string() == "`/element`: no such element: m", "{wrong}");
        assert_eq!(answer("/url", r#"{"value":"http://x/"}"#).expect("a value"), "http://x/");
        assert!(matches!(answer("/url", "<html>"), Err(BrowserError::Odd { .. })));
    }
}
