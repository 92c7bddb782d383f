//! Requests, one at a time.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use super::super::door::{Answer, Request};
use super::super::kernel::Status;
use super::super::machine::{self, Signal};
use super::super::store::Stage;
use super::Daemon;
use super::console::Event;
use crate::{World, state_dir};

/// How long a request may be, in bytes.
const MOST_REQUEST: u64 = 1024;
/// How often a shutdown looks whether the zone is down.
const GLANCE: Duration = Duration::from_millis(50);

impl Daemon {
    /// Answers whoever comes. The daemon's end ends it.
    pub(super) fn answer_all(self: &Arc<Self>, door: &UnixListener) {
        for client in door.incoming().flatten() {
            let daemon = Arc::clone(self);
            thread::spawn(move || {
                // A client that is gone cancels nothing.
                let _gone = daemon.answer(&client);
            });
        }
    }

    fn answer(self: &Arc<Self>, client: &UnixStream) -> io::Result<()> {
        let mut line = String::new();
        BufReader::new(io::Read::take(client, MOST_REQUEST)).read_line(&mut line)?;
        let Ok(request) = serde_json::from_str::<Request>(&line) else { return Ok(()) };
        let guard = self.lock.lock().expect("no thread panics with the lock");
        if *guard {
            return Ok(());
        }
        let (answer, guard) = self.serve(request, guard);
        // The console looks whether there is still something to do.
        self.tell(Event::Null);
        let mut text = serde_json::to_string(&answer).expect("an answer can be written as JSON");
        text.push('\n');
        // Under the lock, without which the daemon does not end.
        let sent = { client }.write_all(text.as_bytes());
        drop(guard);
        sent
    }

    fn serve<'a>(
        self: &'a Arc<Self>,
        request: Request,
        guard: MutexGuard<'a, bool>,
    ) -> (Answer, MutexGuard<'a, bool>) {
        let stage = self.store.entry(&self.zone).map(|entry| entry.stage);
        let answer = match (self.status(), request) {
            (Some(Status::Running), Request::Shutdown) => return self.shutdown(guard),
            (Some(status), request) => self.active(status, request),
            (None, request) if stage == Some(Stage::Installed) => self.installed(request),
            (None, request) => failed(format!(
                "{} operation is invalid for zones in state '{}'",
                name(request),
                stage.map_or("configured", Stage::name)
            )),
        };
        (answer, guard)
    }

    fn installed(self: &Arc<Self>, request: Request) -> Answer {
        match request {
            Request::Ready => self.make_ready(),
            Request::Boot => {
                self.tell(Event::Booting);
                self.boot(true)
            }
            Request::Halt => done("zone is already halted"),
            Request::Uninstalling => {
                self.tell(Event::Uninstalling);
                Answer { rval: -1, ..Answer::default() }
            }
            Request::Shutdown => invalid(request, "installed"),
        }
    }

    fn active(self: &Arc<Self>, status: Status, request: Request) -> Answer {
        match (status, request) {
            (_, Request::Uninstalling | Request::Shutdown) => invalid(request, status.name()),
            (Status::Ready, Request::Ready) => done("zone is already ready"),
            (Status::Ready, Request::Boot) => {
                self.tell(Event::Booting);
                self.boot(false)
            }
            (_, Request::Boot) => done("zone is already booted"),
            (_, Request::Halt) => {
                self.halt();
                Answer::default()
            }
            (_, Request::Ready) => {
                self.halt();
                self.make_ready()
            }
        }
    }

    fn make_ready(self: &Arc<Self>) -> Answer {
        match self.ready() {
            Ok(()) => {
                self.tell(Event::Readied);
                Answer::default()
            }
            Err(message) => failed(message),
        }
    }

    fn boot(self: &Arc<Self>, from_installed: bool) -> Answer {
        let ready = if from_installed { self.ready() } else { Ok(()) };
        match ready.and_then(|()| self.bootup()) {
            Ok(()) => Answer::default(),
            Err(message) => {
                self.take_down();
                self.tell(Event::BootFailed);
                failed(message)
            }
        }
    }

    /// Asks the guest to go down and waits for it, with others being served meanwhile.
    fn shutdown<'a>(&'a self, guard: MutexGuard<'a, bool>) -> (Answer, MutexGuard<'a, bool>) {
        {
            let mut under_way = self.shutting_down.lock().expect("no thread panics with it");
            if *under_way {
                return (failed("shutdown already in progress"), guard);
            }
            *under_way = true;
        }
        drop(guard);
        if let Some(process) = self.init() {
            machine::signal(&self.store, &self.zone, process, Signal::Terminate);
        }
        let patience = World::with(state_dir(), |world| world.zones.shutdown_patience());
        let deadline = Instant::now() + patience.unwrap_or_default();
        while self.status().is_some() && Instant::now() < deadline {
            thread::sleep(GLANCE);
        }
        let guard = self.lock.lock().expect("no thread panics with the lock");
        *self.shutting_down.lock().expect("no thread panics with it") = false;
        match self.status() {
            None => (Answer::default(), guard),
            Some(_) => (failed("unable to shutdown zone"), guard),
        }
    }
}

fn name(request: Request) -> &'static str {
    match request {
        Request::Boot => "boot",
        Request::Halt => "halt",
        Request::Ready => "ready",
        Request::Shutdown => "shutdown",
        Request::Uninstalling => "note_uninstalling",
    }
}

fn invalid(request: Request, state: &str) -> Answer {
    failed(format!("{} operation is invalid for zones in state '{state}'", name(request)))
}

fn failed(message: impl Into<String>) -> Answer {
    Answer { rval: -1, messages: vec![message.into()] }
}

/// Nothing had to be done, which is worth a word.
fn done(message: &str) -> Answer {
    Answer { rval: 0, messages: vec![message.to_owned()] }
}
