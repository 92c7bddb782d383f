//! Where somebody goes after signing in: a path of ours and nothing else.

use http::HeaderMap;
use url::Url;

/// The longest path that is remembered, in bytes.
const MAX_BYTES: usize = 2_000;

/// The path and query that are meant, if they are of our pages. What a browser
/// would make of the text is asked of the URL standard's own parser: `//evil` and
/// `/\evil` name another host.
pub(crate) fn ours(given: &str, base: &Url) -> Option<String> {
    let plain = given.starts_with('/') && given.len() <= MAX_BYTES;
    if !plain || given.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return None;
    }
    let url = base.join(given).ok()?;
    if url.origin() != base.origin() || !url.username().is_empty() {
        return None;
    }
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    // The path of `/.//evil` is `//evil`.
    let leads_on = path.starts_with("//")
        || ["/login", "/logout"].iter().any(|own| {
            path.strip_prefix(own)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        });
    (!leads_on).then(|| path.to_owned())
}

/// The page that a link or a form is on, if it is one of ours.
pub(crate) fn referer(headers: &HeaderMap, base: &Url) -> Option<String> {
    let url: Url = headers.get(http::header::REFERER)?.to_str().ok()?.parse().ok()?;
    if url.origin() != base.origin() {
        return None;
    }
    ours(&url[url::Position::BeforePath..url::Position::AfterQuery], base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours_are_returned_to() {
        let base = "https://ci.example.org".parse().unwrap();
        for (given, path) in [
            ("/", "/"),
            ("/runs/1?x=%2F%2Fevil", "/runs/1?x=%2F%2Fevil"),
            ("/a/../jobs/1#L5", "/jobs/1"),
            ("/loginner", "/loginner"),
        ] {
            assert_eq!(ours(given, &base).as_deref(), Some(path), "{given}");
        }
        let long = format!("/{}", "x".repeat(MAX_BYTES));
        for bad in [
            "",
            "runs",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            " //evil.example",
            "/.//evil.example",
            "/x/..//evil.example",
            "/%2e//evil.example",
            "https://evil.example/",
            "https:evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "//ci.example.org@evil.example/",
            "/login",
            "/login?return_to=/",
            "/login/forge",
            "/logout",
            &long,
        ] {
            assert_eq!(ours(bad, &base), None, "{bad:?}");
        }
    }

    #[test]
    fn the_page_of_a_link_is_ours_or_nothing() {
        let base = "https://ci.example.org".parse().unwrap();
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(http::header::REFERER, value.parse().unwrap());
            referer(&headers, &base)
        };
        assert_eq!(of("https://ci.example.org/runs/1?a=b").as_deref(), Some("/runs/1?a=b"));
        for bad in ["https://evil.example/runs/1", "/runs/1", "https://ci.example.org//evil"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
