//! An HTTP server on the loopback interface that serves one file and misbehaves
//! as it is told, a connection at a time.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How one request is answered.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// The connection ends after so many bytes of the body.
    CutAfter(usize),
    /// Nothing more comes after so many bytes, and the connection stays.
    StallAfter(usize),
    /// The whole, whatever was asked for.
    IgnoreRange,
    /// No tag and no time.
    NoValidator,
    /// A tag that promises little.
    WeakTag,
    /// Another length than the body's.
    Claim(u64),
    /// Zeros without an end or a length.
    Endless,
    /// This status line and these headers, without a body.
    Head(&'static str),
    /// As it should be, this many bytes and then a short rest, and so on.
    Slow(usize),
}

/// One request, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) range: Option<String>,
    pub(crate) if_range: Option<String>,
}

#[derive(Debug)]
struct State {
    body: Vec<u8>,
    tag: String,
    ways: VecDeque<Way>,
    always: Option<Way>,
    asked: Vec<Asked>,
    sent: usize,
}

/// The server. It runs until the test's process ends.
#[derive(Clone)]
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// Serves these bytes.
    pub(crate) fn new(body: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let state = State {
            body,
            tag: "\"1\"".to_owned(),
            ways: VecDeque::new(),
            always: None,
            asked: Vec::new(),
            sent: 0,
        };
        let address = listener.local_addr().unwrap();
        let server = Self { address, state: Arc::new(Mutex::new(state)) };
        let accepting = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = accepting.clone();
                // A client that goes away is what many tests are about.
                std::thread::spawn(move || server.serve(stream).unwrap_or_default());
            }
        });
        server
    }

    /// Where the file is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/disk.raw", self.address)
    }

    /// Answers the next requests in these ways, and then as it should.
    pub(crate) fn script(&self, ways: impl IntoIterator<Item = Way>) {
        self.state.lock().unwrap().ways.extend(ways);
    }

    /// Answers every request in this way that no script answers.
    pub(crate) fn always(&self, way: Way) {
        self.state.lock().unwrap().always = Some(way);
    }

    /// Serves other bytes from now on.
    pub(crate) fn replace(&self, body: Vec<u8>, tag: &str) {
        let mut state = self.state.lock().unwrap();
        state.body = body;
        state.tag = tag.to_owned();
    }

    /// What was asked for so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    /// How many bytes of the body were sent so far, all requests together.
    pub(crate) fn sent(&self) -> usize {
        self.state.lock().unwrap().sent
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let asked = read_request(&stream)?;
        let (way, body, tag) = {
            let mut state = self.state.lock().unwrap();
            state.asked.push(asked.clone());
            let way = state.ways.pop_front().or(state.always.clone());
            (way, state.body.clone(), state.tag.clone())
        };
        let validator = match way {
            Some(Way::NoValidator) => String::new(),
            Some(Way::WeakTag) => format!("ETag: W/{tag}\r\n"),
            _ => format!("ETag: {tag}\r\n"),
        };
        if let Some(Way::Head(head)) = way {
            return write!(
                stream,
                "HTTP/1.1 {head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
        if let Some(Way::Endless) = way {
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            loop {
                stream.write_all(&[0; 65536])?;
            }
        }
        let from = match (&asked.range, &way) {
            (_, Some(Way::IgnoreRange)) | (None, _) => 0,
            (Some(_), _) if asked.if_range.as_ref() != Some(&tag) => 0,
            (Some(range), _) => {
                range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap()
            }
        };
        let size = body.len();
        if from >= size {
            let head = "416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close";
            return write!(stream, "HTTP/1.1 {head}\r\nContent-Range: bytes */{size}\r\n\r\n");
        }
        let rest = &body[from..];
        if from == 0 {
            write!(stream, "HTTP/1.1 200 OK\r\n")?;
        } else {
            let range = format!("bytes {from}-{}/{size}", size - 1);
            write!(stream, "HTTP/1.1 206 Partial Content\r\nContent-Range: {range}\r\n")?;
        }
        let length = if let Some(Way::Claim(length)) = way { length } else { rest.len() as u64 };
        write!(stream, "{validator}Content-Length: {length}\r\nConnection: close\r\n\r\n")?;
        self.send(stream, rest, way)
    }

    fn send(&self, mut stream: TcpStream, body: &[u8], way: Option<Way>) -> std::io::Result<()> {
        let (most, piece) = match way {
            Some(Way::CutAfter(most) | Way::StallAfter(most)) => (most, 4096),
            Some(Way::Slow(piece)) => (body.len(), piece),
            _ => (body.len(), 65536),
        };
        for bytes in body[..most.min(body.len())].chunks(piece) {
            stream.write_all(bytes)?;
            self.state.lock().unwrap().sent += bytes.len();
            if let Some(Way::Slow(_)) = way {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        if let Some(Way::StallAfter(_)) = way {
            // Until the client has had enough.
            let _gone = BufReader::new(stream).fill_buf()?.len();
        }
        Ok(())
    }
}

fn read_request(stream: &TcpStream) -> std::io::Result<Asked> {
    let mut asked = Asked { range: None, if_range: None };
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else {
            if line.is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "range" => asked.range = Some(value.to_owned()),
            "if-range" => asked.if_range = Some(value.to_owned()),
            _ => {}
        }
    }
    Ok(asked)
}
