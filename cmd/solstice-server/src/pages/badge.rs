//! Badges: how a branch stands, as a small picture for other people's pages.
//!
//! A badge is asked for without credentials, by proxies that show no picture for
//! any answer but 200. So what is unknown, private, or not for the public is one
//! and the same picture that says so: `unknown`.

use askama::Template;
use dropshot::{Body, HttpError};
use http::{HeaderValue, Response, StatusCode, header};
use solstice_api::user::{RepositoryPath, RunStatus};
use solstice_model::Sha256Digest;
use solstice_store::Sight;

use super::repository::names;
use super::{Rqctx, query, rendered, secure};
use crate::error::{from_store, not_found};

/// The longest name on a badge, in characters.
const MAX_NAME: usize = 40;

/// Room on both sides of a text, in tenths of a pixel.
const PAD: u32 = 60;

#[derive(Template)]
#[template(path = "badge.svg", escape = "html")]
struct BadgePicture {
    name: String,
    state: &'static str,
    colour: &'static str,
    width: u32,
    name_width: u32,
    state_width: u32,
    name_middle: u32,
    state_middle: u32,
    name_length: u32,
    state_length: u32,
}

/// Answers with the badge of a branch.
pub(super) async fn answer(
    rqctx: &Rqctx,
    mut path: RepositoryPath,
) -> Result<Response<Body>, HttpError> {
    let context = rqctx.context();
    let Some(name) = path.name.strip_suffix(".svg").map(str::to_owned) else {
        return Err(not_found("badges end with .svg"));
    };
    path.name = name;
    let asked = |name| query(rqctx, name).filter(|value| !value.is_empty());
    let workflow = asked("workflow");
    let name = workflow.clone().unwrap_or_else(|| "build".to_owned());
    let status = match (names(path), context.anonymous) {
        (Ok((forge, repository)), Some(_)) => {
            let sight = Sight::public();
            let branch = asked("branch");
            let store = &context.store;
            let found = store.branch_status(forge, repository, sight, branch, workflow).await;
            found.map_err(from_store)?
        }
        _ => None,
    };
    Ok(picture(rqctx, &rendered(&badge(&name, status))?))
}

fn picture(rqctx: &Rqctx, svg: &str) -> Response<Body> {
    let tag = format!("\"{}\"", &Sha256Digest::of(svg.as_bytes()).hex()[..16]);
    let sent = rqctx.request.headers().get(header::IF_NONE_MATCH);
    let known = sent
        .and_then(|sent| sent.to_str().ok())
        .is_some_and(|sent| sent.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    let mut response = Response::new(match known {
        true => Body::empty(),
        false => Body::from(svg.to_owned()),
    });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let tag = HeaderValue::from_str(&tag).expect("hex digits in quotes are a header value");
    let fields = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60")),
        (header::ETAG, tag),
    ];
    response.headers_mut().extend(fields);
    secure(&mut response);
    response
}

fn badge(name: &str, status: Option<RunStatus>) -> BadgePicture {
    // White on each of these has a contrast of 4.5 or more.
    let (state, colour) = match status {
        Some(RunStatus::Succeeded) => ("passing", "#17693a"),
        Some(RunStatus::Failed) => ("failing", "#a3161f"),
        Some(RunStatus::InfraFailed) => ("could not be run", "#7a4b00"),
        Some(RunStatus::Cancelled) => ("cancelled", "#59626d"),
        _ => ("unknown", "#59626d"),
    };
    let plain = name.chars().filter(|c| !c.is_control());
    let mut name: String = plain.clone().take(MAX_NAME).collect();
    if plain.count() > MAX_NAME {
        name.push('…');
    }
    let (name_length, state_length) = (width(&name), width(state));
    let (name_width, state_width) = (name_length + 2 * PAD, state_length + 2 * PAD);
    BadgePicture {
        name,
        state,
        colour,
        width: (name_width + state_width) / 10,
        name_width: name_width / 10,
        state_width: (name_width + state_width) / 10 - name_width / 10,
        name_middle: name_width / 2,
        state_middle: name_width + state_width / 2,
        name_length,
        state_length,
    }
}

/// How wide a text is in Verdana of 11 pixels, in tenths of a pixel.
fn width(text: &str) -> u32 {
    let units: u32 = text.chars().map(advance).sum();
    units * 110 / 2048
}

/// How far a character moves the next one, in units of which 2048 are an em: the
/// font's own figures (its `hmtx` table). What is not ASCII is as wide as an em.
fn advance(c: char) -> u32 {
    const ASCII: [u32; 95] = [
        720, 806, 940, 1676, 1302, 2204, 1488, 550, 930, 930, 1302, 1676, 745, 930, 745, 930, 1302,
        1302, 1302, 1302, 1302, 1302, 1302, 1302, 1302, 1302, 930, 930, 1676, 1676, 1676, 1117,
        2048, 1400, 1404, 1430, 1578, 1295, 1177, 1588, 1539, 862, 931, 1419, 1140, 1726, 1532,
        1612, 1235, 1612, 1424, 1400, 1262, 1499, 1400, 2025, 1403, 1260, 1403, 930, 930, 930,
        1676, 1302, 1302, 1230, 1276, 1067, 1276, 1220, 720, 1276, 1296, 562, 705, 1212, 562, 1992,
        1296, 1243, 1276, 1276, 874, 1067, 807, 1296, 1212, 1676, 1212, 1212, 1076, 1300, 930,
        1300, 1676,
    ];
    let index = usize::try_from(u32::from(c)).ok().and_then(|code| code.checked_sub(32));
    index.and_then(|index| ASCII.get(index)).copied().unwrap_or(2048)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn badges_are_as_they_were_agreed_upon() {
        let svg = badge("build", Some(RunStatus::Succeeded)).render().unwrap();
        assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""), "{svg}");
        for part in ["role=\"img\"", "<title>build: passing</title>", "#17693a", "textLength"] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        let unknown = badge("build", None).render().unwrap();
        assert!(unknown.contains("<title>build: unknown</title>"));
    }

    #[test]
    fn a_name_is_text_and_bounded() {
        let svg = badge("<script>\"&'\u{7}</script>", None).render().unwrap();
        assert!(!svg.contains("<script") && !svg.contains("\"&'") && !svg.contains('\u{7}'));
        let long = badge(&"m".repeat(500), None);
        assert_eq!(long.name.chars().count(), MAX_NAME + 1);
        assert!(long.width < 700);
    }

    #[test]
    fn widths_are_the_font_s() {
        // 5 letters of Verdana: b u i l d = 1276 + 1296 + 562 + 562 + 1276.
        assert_eq!(width("build"), 4972 * 110 / 2048);
        assert!(width("iiii") < width("mmmm") / 3);
        assert_eq!(width("ü"), 110);
    }
}
