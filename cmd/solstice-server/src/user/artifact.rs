//! A job's artifacts, to be saved and never to be shown: their bytes are a
//! stranger's.

use dropshot::{Body, ErrorStatusCode, HttpError};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use slog::o;
use solstice_api::conditional::{is_known, not_modified, put_tag};
use solstice_log::keys;
use solstice_model::JobId;

use crate::context::Context;
use crate::error::{client_error, from_artifact, from_store, removed};
use crate::pages::secure;
use crate::respond::transfer;

/// Answers with an artifact, or with a part of it.
pub(super) async fn download(
    context: &Context,
    job: JobId,
    index: u32,
    headers: &HeaderMap,
) -> Result<Response<Body>, HttpError> {
    let (attempt, artifact) = context.store.artifact(job, index).await.map_err(from_store)?;
    if artifact.removed_at.is_some() {
        return Err(removed("the artifact"));
    }
    let reader = context.artifacts.open(attempt, index).await.map_err(from_artifact)?;
    let tag = format!("\"{}\"", artifact.sha256.hex());
    if is_known(headers.get_all(header::IF_NONE_MATCH), &tag) {
        return Ok(not_modified(&tag));
    }
    let range = wanted(headers, reader.bytes(), &tag)?;
    let (from, length) = range.unwrap_or((0, reader.bytes()));
    let total = reader.bytes();
    let log = context.log.new(o!(keys::ATTEMPT => attempt.to_string()));
    let body = transfer(context, reader.stream(from, length), log)?;
    let mut response = Response::new(body);
    secure(&mut response);
    if range.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let part = format!("bytes {from}-{}/{total}", from + length - 1);
        put(&mut response, header::CONTENT_RANGE, &part);
    }
    put(&mut response, header::CONTENT_TYPE, "application/octet-stream");
    put(&mut response, header::CONTENT_LENGTH, &length.to_string());
    put(&mut response, header::CONTENT_DISPOSITION, &disposition(&artifact.path));
    put(&mut response, header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox");
    put(&mut response, header::ACCEPT_RANGES, "bytes");
    put_tag(&mut response, &tag);
    Ok(response)
}

fn put(response: &mut Response<Body>, name: header::HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("only printable ASCII is put together here");
    response.headers_mut().insert(name, value);
}

/// How the file is to be called (RFC 6266): the last part of its path, once with
/// what is harmless everywhere and once in full (RFC 8187).
fn disposition(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    let mut ascii: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    if ascii.trim_matches(['.', '_']).is_empty() {
        ascii = "artifact".to_owned();
    }
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let encoded: String = name
        .bytes()
        .map(|b| if unreserved(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

/// The part that is asked for: offset and length. One range is honoured; any
/// other wish for several is answered with all, as RFC 9110, section 14.2, allows.
fn wanted(headers: &HeaderMap, total: u64, tag: &str) -> Result<Option<(u64, u64)>, HttpError> {
    let Some(range) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else {
        return Ok(None);
    };
    if headers.get(header::IF_RANGE).is_some_and(|value| value.as_bytes() != tag.as_bytes()) {
        return Ok(None);
    }
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-'))
    else {
        return Ok(None);
    };
    let (first, last) = (first.trim(), last.trim());
    let part = match (first.parse::<u64>().ok(), last.parse::<u64>().ok()) {
        (Some(from), to) if to.is_some() || last.is_empty() => {
            let to = to.unwrap_or(u64::MAX).min(total.saturating_sub(1));
            (from < total && from <= to).then(|| (from, to - from + 1))
        }
        (None, Some(last)) if first.is_empty() => {
            let length = last.min(total);
            (length > 0).then(|| (total - length, length))
        }
        _ => return Ok(None),
    };
    part.map(Some).ok_or_else(|| {
        let mut error = client_error(
            ErrorStatusCode::RANGE_NOT_SATISFIABLE,
            "bad_range",
            format!("the artifact has {total} bytes"),
        );
        let value = HeaderValue::from_str(&format!("bytes */{total}")).expect("digits are ASCII");
        error.headers_mut().insert(header::CONTENT_RANGE, value);
        error
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(
            disposition("out/a b\"\r\nX: y.txt"),
            "attachment; filename=\"a_b___X__y.txt\"; \
             filename*=UTF-8''a%20b%22%0D%0AX%3A%20y.txt"
        );
        assert!(disposition("out/….").contains("filename=\"artifact\""));
        assert!(disposition("x/\\..\\y").contains("filename=\"_.._y\""));
    }

    #[test]
    fn one_range_is_honoured_and_nonsense_is_not() {
        let ask = |range: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, range.parse().unwrap());
            wanted(&headers, 10, "\"t\"").map_err(|error| error.status_code.as_u16())
        };
        for (range, part) in [
            ("bytes=0-3", Ok(Some((0, 4)))),
            ("bytes=4-", Ok(Some((4, 6)))),
            ("bytes=4-99", Ok(Some((4, 6)))),
            ("bytes=-3", Ok(Some((7, 3)))),
            ("bytes=-99", Ok(Some((0, 10)))),
            ("bytes=10-", Err(416)),
            ("bytes=5-4", Err(416)),
            ("bytes=-0", Err(416)),
            ("bytes=0-1,3-4", Ok(None)),
            ("lines=1-2", Ok(None)),
            ("bytes=x-", Ok(None)),
        ] {
            assert_eq!(ask(range), part, "{range}");
        }
    }
}
