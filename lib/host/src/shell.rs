//! Shells in machines of which a step has failed, for a person at this host.
//!
//! The agent asks for what is typed; that makes a [`Visit`], which goes to
//! whoever was given to [`Settings`](crate::Settings). A host of a server has
//! nobody, and its agents are not told of shells at all.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use solstice_model::terminal::Input;
use solstice_model::{AttemptId, JobName};
use tokio::sync::mpsc;

/// How much may be on its way in each direction, in pieces.
const PIECES: usize = 16;

/// A shell that waits for its person. It ends when `typed` is dropped or
/// `printed` says that nothing follows.
#[derive(Debug)]
pub struct Visit {
    /// The job.
    pub job: JobName,
    /// Takes what the person does.
    pub typed: mpsc::Sender<Input>,
    /// Gives what the shell prints.
    pub printed: mpsc::Receiver<Bytes>,
}

/// Where visits go.
#[derive(Clone, Debug)]
pub struct Visitors {
    visits: mpsc::Sender<Visit>,
    /// Where the output of each shell goes that has begun to listen. Never
    /// held across an await.
    outputs: Arc<Mutex<HashMap<AttemptId, mpsc::Sender<Bytes>>>>,
}

impl Visitors {
    /// Visits go through this channel, one for each machine.
    pub fn new(visits: mpsc::Sender<Visit>) -> Self {
        Self { visits, outputs: Arc::default() }
    }

    /// Begins a visit; gives what is typed. `None` if nobody is there any more.
    pub(crate) async fn begin(&self, attempt: AttemptId, job: JobName) -> Option<Typed> {
        let (typed, keys) = mpsc::channel(PIECES);
        let (output, printed) = mpsc::channel(PIECES);
        self.outputs().insert(attempt, output);
        self.visits.send(Visit { job, typed, printed }).await.ok()?;
        Some(Typed(keys))
    }

    /// Where the output of a visit that has begun goes.
    pub(crate) fn output(&self, attempt: AttemptId) -> Option<mpsc::Sender<Bytes>> {
        self.outputs().remove(&attempt)
    }

    fn outputs(&self) -> MutexGuard<'_, HashMap<AttemptId, mpsc::Sender<Bytes>>> {
        self.outputs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is typed, as the body of an answer.
pub(crate) struct Typed(mpsc::Receiver<Input>);

impl Body for Typed {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let next = self.0.poll_recv(cx);
        next.map(|input| input.map(|input| Ok(Frame::data(input.to_bytes().into()))))
    }
}
