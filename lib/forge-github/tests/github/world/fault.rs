//! Failures that a test orders.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http::Response;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use serde_json::json;

use super::server::{Body, Reply};

/// What the fake does to a call instead of answering it.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Answers with this status, these headers and this message.
    Answer(u16, Vec<(&'static str, String)>, &'static str),
    /// Answers properly, but only after this time.
    Slow(Duration),
    /// Answers 200 with a page for people.
    Page,
    /// Does what was asked, and breaks off in the middle of the answer.
    Lost,
    /// Answers 200 with so many bytes of a JSON array that never ends.
    Endless(usize),
}

impl Fault {
    pub(crate) fn status(status: u16) -> Self {
        Fault::Answer(status, Vec::new(), "ordered by the test")
    }

    /// The answer that it gives instead, if it gives one.
    pub(crate) fn play(&self) -> Option<Response<Body>> {
        match self {
            Fault::Slow(_) | Fault::Lost => None,
            Fault::Answer(status, headers, message) => {
                let error = json!({ "message": message, "documentation_url": "https://docs" });
                let mut reply = Reply::json(*status, error);
                let owned = |(name, value): &(&'static str, String)| (*name, value.clone());
                reply.headers.extend(headers.iter().map(owned));
                Some(reply.response())
            }
            Fault::Page => {
                let page = "<!DOCTYPE html><title>Be right back</title>";
                Some(Reply::bytes(200, page.as_bytes().to_vec()).response())
            }
            Fault::Endless(bytes) => {
                let chunk = Bytes::from(vec![b' '; 64 * 1024]);
                let begin = futures::stream::iter([Bytes::from_static(b"[")]);
                let count = bytes.div_ceil(64 * 1024);
                let chunks = begin.chain(futures::stream::repeat(chunk).take(count));
                let frames = chunks.map(|chunk| Ok(Frame::data(chunk)));
                Some(Response::new(BodyExt::boxed(StreamBody::new(frames))))
            }
        }
    }
}

/// An answer that breaks off.
pub(crate) fn cut(mut response: Response<Body>) -> Response<Body> {
    let cut = io::Error::new(io::ErrorKind::ConnectionAborted, "ordered by the test");
    let parts = [Ok(Frame::data(Bytes::from_static(b"{\"id\":"))), Err(cut)];
    *response.body_mut() = BodyExt::boxed(StreamBody::new(futures::stream::iter(parts)));
    response
}
