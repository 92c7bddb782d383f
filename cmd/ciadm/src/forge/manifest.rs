//! The manifest of our GitHub App, and the page that sends it.
//!
//! <https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest>

use serde_json::{Value, json};
use url::Url;

/// The longest name of an App, in characters.
pub(super) const MAX_NAME_CHARS: usize = 34;

/// What the App may do: read code and pull requests, show checks, and answer
/// merge queues. Nothing of it lets anybody change a repository.
const PERMISSIONS: [(&str, &str); 5] = [
    ("checks", "write"),
    ("contents", "read"),
    ("merge_queues", "read"),
    ("metadata", "read"),
    ("pull_requests", "read"),
];

/// What its webhook tells of.
const EVENTS: [&str; 5] = ["check_run", "check_suite", "merge_group", "pull_request", "push"];

/// The App that is to be made.
pub(super) struct App {
    pub(super) name: String,
    /// Where people reach the server.
    pub(super) server: Url,
    /// Where its webhooks go.
    pub(super) webhook: Url,
    /// Where the browser comes back to.
    pub(super) redirect: Url,
}

impl App {
    fn manifest(&self) -> Value {
        let permissions: serde_json::Map<String, Value> =
            PERMISSIONS.iter().map(|(name, level)| ((*name).to_owned(), json!(level))).collect();
        json!({
            "name": self.name,
            "description": "Runs jobs in virtual machines and shows what came of them.",
            "url": self.server,
            "hook_attributes": { "url": self.webhook, "active": true },
            "redirect_url": self.redirect,
            "public": false,
            "default_permissions": permissions,
            "default_events": EVENTS,
        })
    }

    /// The page whose button sends the manifest to `action`.
    pub(super) fn page(&self, action: &Url) -> String {
        let (action, manifest) = (escaped(action.as_str()), escaped(&self.manifest().to_string()));
        let (name, host) = (escaped(&self.name), escaped(self.server.as_str()));
        page(
            "Connect GitHub",
            &format!(
                "<p>GitHub will ask whether to make the App <b>{name}</b> for {host}.</p>\n\
                 <form action=\"{action}\" method=\"post\">\n\
                 <input type=\"hidden\" name=\"manifest\" value=\"{manifest}\">\n\
                 <button type=\"submit\">Go on to GitHub</button>\n</form>"
            ),
        )
    }
}

/// A small page; the body is HTML.
pub(super) fn page(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>:root{{color-scheme:light dark}}body{{font:1rem sans-serif;max-width:40rem;\
         margin:4rem auto;padding:0 1rem}}button{{font:inherit;padding:.5rem 1rem}}</style>\n\
         <h1>{title}</h1>\n{body}\n</html>\n"
    )
}

/// A text as HTML shows it, in attributes too.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}
