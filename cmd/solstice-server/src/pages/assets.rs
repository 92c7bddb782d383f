//! The style sheet and the script: inside the program, cached by content.

use bytes::Bytes;
use dropshot::Body;
use http::{HeaderMap, Response, StatusCode, header};
use solstice_model::Sha256Digest;

use super::secure;

/// An embedded file.
struct Asset {
    name: &'static str,
    media_type: &'static str,
    content: &'static str,
}

static ASSETS: [Asset; 4] = [
    Asset {
        name: "solstice.css",
        media_type: "text/css; charset=utf-8",
        content: include_str!("../../assets/solstice.css"),
    },
    Asset {
        name: "solstice.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_str!("../../assets/solstice.js"),
    },
    Asset {
        name: "log.css",
        media_type: "text/css; charset=utf-8",
        content: include_str!("../../assets/log.css"),
    },
    Asset {
        name: "log.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_str!("../../assets/log.js"),
    },
];

/// Where pages find the assets. Each URL names the content, so a browser may
/// keep it for ever and still sees the next version at once.
#[derive(Clone, Debug)]
pub(crate) struct AssetUrls {
    /// The style sheet.
    pub(crate) css: String,
    /// The script.
    pub(crate) js: String,
    /// The style sheet of logs.
    pub(crate) log_css: String,
    /// The script of logs.
    pub(crate) log_js: String,
}

impl AssetUrls {
    /// Computes the URLs; once per server.
    pub(crate) fn new() -> Self {
        let url = |asset: &Asset| format!("/assets/{}?v={}", asset.name, version(asset));
        let [css, js, log_css, log_js] = ASSETS.each_ref().map(url);
        Self { css, js, log_css, log_js }
    }
}

fn version(asset: &Asset) -> String {
    Sha256Digest::of(asset.content.as_bytes()).hex()[..16].to_owned()
}

/// Answers a request for an asset; `None` if there is no such file.
pub(crate) fn answer(
    name: &str,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Option<Response<Body>> {
    let asset = ASSETS.iter().find(|asset| asset.name == name)?;
    let version = version(asset);
    let tag = format!("\"{version}\"");
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|sent| {
        sent.to_str().is_ok_and(|sent| sent.split(',').any(|one| one.trim() == tag))
    });
    let cache = if query == Some(&format!("v={version}")) {
        "public, max-age=31536000, immutable"
    } else {
        "public, no-cache"
    };
    let mut response = Response::new(if known {
        Body::empty()
    } else {
        Body::from(Bytes::from_static(asset.content.as_bytes()))
    });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let fields = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::ETAG, tag.as_str()),
        (header::CACHE_CONTROL, cache),
    ];
    for (name, value) in fields {
        let value = value.parse().expect("the texts above are header values");
        response.headers_mut().insert(name, value);
    }
    secure(&mut response);
    Some(response)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn the_script_and_the_style_ask_nobody_else_for_anything() {
        for asset in &ASSETS {
            for foreign in ["http://", "https://", "@import", "url(", "innerHTML", "eval("] {
                assert!(!asset.content.contains(foreign), "{} has {foreign}", asset.name);
            }
        }
    }

    /// The colours of one scheme, by name.
    fn colours(block: &str) -> HashMap<&str, [f64; 3]> {
        let lines = block.split(';').filter_map(|line| line.trim().split_once(": #"));
        let colour = |hex: &str| {
            let part = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
            Some([part(0)?, part(2)?, part(4)?].map(f64::from))
        };
        lines.filter_map(|(name, hex)| Some((name.trim(), colour(hex)?))).collect()
    }

    /// The contrast of two colours (WCAG 2.2, "contrast ratio").
    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let luminance = |colour: [f64; 3]| {
            let [r, g, b] = colour.map(|part| match part / 255.0 {
                low if low <= 0.04045 => low / 12.92,
                high => ((high + 0.055) / 1.055).powf(2.4),
            });
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(one), luminance(other));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Each text and what it stands on.
    fn pairs() -> Vec<(String, String)> {
        let mut pairs = vec![("on-accent", "accent"), ("accent", "card"), ("ink", "idle-bg")];
        for text in ["ink", "soft", "link"] {
            pairs.extend([(text, "bg"), (text, "card")]);
        }
        let mut pairs: Vec<(String, String)> =
            pairs.into_iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
        for state in ["ok", "bad", "warn", "live", "idle"] {
            pairs.push((state.to_owned(), format!("{state}-bg")));
            pairs.push(("ink".to_owned(), format!("{state}-bg")));
        }
        pairs
    }

    #[test]
    fn every_text_can_be_read_on_what_it_stands_in_light_and_dark() {
        let mut blocks = ASSETS[0].content.split(":root {").skip(1);
        let mut block = || blocks.next().unwrap().split('}').next().unwrap();
        let light = colours(block());
        let mut dark = light.clone();
        dark.extend(colours(block()));
        for (scheme, colours) in [("light", light), ("dark", dark)] {
            for (text, ground) in pairs() {
                let of = |name: &str| colours[format!("--{name}").as_str()];
                let ratio = contrast(of(&text), of(&ground));
                assert!(ratio >= 4.5, "{scheme}: {text} on {ground} has {ratio:.2}");
            }
        }
    }

    #[test]
    fn the_scripts_stay_small() {
        assert!(ASSETS[1].content.lines().count() < 280);
        assert!(ASSETS[3].content.lines().count() < 800);
    }

    #[test]
    fn a_known_version_is_not_sent_again() {
        let first = answer("solstice.css", None, &HeaderMap::new()).unwrap();
        assert_eq!(first.status(), StatusCode::OK);
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        let again = answer("solstice.css", None, &headers).unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert!(answer("../secret", None, &headers).is_none());
    }
}
