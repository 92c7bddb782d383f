//! Every page there is, found by its links from the start page.

use std::collections::{BTreeMap, HashSet, VecDeque};

use serde_json::json;

use crate::story::Story;

/// The most pages of one kind that are looked at.
const MAX_ALIKE: usize = 12;

/// The most of a kind with a query: filters have more combinations than there is time.
const MAX_QUERIES: usize = 3;

/// What a walk along all links found.
pub(crate) struct Tour {
    pub(crate) pages: Vec<Page>,
    /// Links that lead nowhere.
    pub(crate) dead: Vec<String>,
}

/// A page.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Its kind, its heading and what stands there, fit for a file name:
    /// `jobs-id.3-build-failed`.
    pub(crate) name: String,
    pub(crate) path: String,
    /// What the browser's console says of it, rightly.
    pub(crate) expected: &'static str,
}

/// Follows every link that leads to a page, and adds pages that none leads to.
pub(crate) async fn tour(story: &Story) -> Tour {
    let mut queue: VecDeque<String> = ["/".to_owned()].into();
    let mut seen: HashSet<String> = queue.iter().cloned().collect();
    let mut alike: BTreeMap<String, usize> = BTreeMap::new();
    let (mut pages, mut dead) = (Vec::new(), Vec::new());
    while let Some(path) = queue.pop_front() {
        let kind = kind(&path);
        let count = alike.entry(kind.clone()).or_default();
        if *count == if path.contains('?') { MAX_QUERIES } else { MAX_ALIKE } {
            continue;
        }
        *count += 1;
        let count = *count;
        story.open(&path).await;
        let status = story.browser.run(STATUS, json!([])).await.unwrap();
        if status != 200 {
            dead.push(format!("{path}: {status}"));
            continue;
        }
        let name = format!("{kind}.{count}{}", heading(story).await);
        pages.push(Page { name, path, expected: "" });
        let found = links(story).await;
        queue.extend(found.into_iter().filter(|link| seen.insert(link.clone())));
    }
    pages.push(Page { name: "login".to_owned(), path: "/login".to_owned(), expected: "" });
    pages.push(Page {
        name: "not-found".to_owned(),
        path: "/runs/00000000-0000-7000-8000-000000000000".to_owned(),
        expected: "status of 404",
    });
    for needed in ["start", "runs-id", "jobs-id"] {
        assert!(alike.contains_key(needed), "no link leads to {needed}: {alike:?}");
    }
    story.browser.told().await.unwrap();
    Tour { pages, dead }
}

/// With what status the page was answered.
const STATUS: &str = "return performance.getEntriesByType('navigation')[0].responseStatus";

/// The pages that the one in the browser leads to.
async fn links(story: &Story) -> Vec<String> {
    const LINKS: &str = "return [...document.querySelectorAll('a[href]:not([download])')]
        .map((link) => new URL(link.getAttribute('href'), location.href))
        .filter((url) => url.origin === location.origin && !/^\\/(api|assets)\\//.test(url.pathname))
        .map((url) => url.pathname + url.search)";
    let found = story.browser.run(LINKS, json!([])).await.unwrap();
    let paths = found.as_array().unwrap().iter();
    paths.map(|path| path.as_str().unwrap().to_owned()).collect()
}

/// What a page is called after its count: words of its heading and first badge.
async fn heading(story: &Story) -> String {
    const HEADING: &str = "return ['h1', 'main .badge'].map((it) =>
        document.querySelector(it)?.innerText.slice(0, 40) ?? '').join(' ')";
    let text = story.browser.run(HEADING, json!([])).await.unwrap();
    let text = text.as_str().unwrap().to_lowercase();
    let words = text.split(|it: char| !it.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.take(7).map(|word| format!("-{}", &word[..word.len().min(12)])).collect()
}

/// A path without what tells one page from another of its kind.
fn kind(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let odd = |part: &str| part.len() > 20 || part.chars().any(|it| it.is_ascii_digit());
    let parts = path.split('/').filter(|part| !part.is_empty());
    let parts: Vec<&str> = parts.map(|part| if odd(part) { "id" } else { part }).collect();
    let query = if query.is_empty() { "" } else { "-query" };
    let kind = if parts.is_empty() { "start".to_owned() } else { parts.join("-") };
    kind + query
}
