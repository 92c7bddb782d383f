//! The capture at work: one loop over the terminal and the clients.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use solstice_exec::CommandLine;

use super::filter::{End, Filter};
use super::terminal::Terminal;
use super::{ATTACHED, CaptureError, HELD, QUIT, Task};
use crate::folder::Folder;

/// How many clients are served at a time; more of them wait.
const MOST_CLIENTS: usize = 64;

/// Captures what `zlogin`, a command, prints on its terminal, to its end.
pub(super) fn capture(task: &Task, zlogin: &CommandLine) -> Result<(), CaptureError> {
    let folder = Folder::at(task.folder.clone());
    let failed = || CaptureError::folder(&task.folder);
    let lock = folder.open_lock().map_err(failed())?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            tell(HELD);
            return Ok(());
        }
        Err(TryLockError::Error(source)) => {
            return Err(CaptureError::System { what: "lock the console", source });
        }
    }
    let listener = listen(&folder)?;
    let log = folder.open_console().map_err(failed())?;
    let written = log.metadata().map_err(CaptureError::system("look at the console's file"))?.len();
    let mut capture = Capture {
        listener,
        clients: Vec::new(),
        terminal: Terminal::open(zlogin)?,
        filter: Filter::new(task.zone.as_str()),
        log: Log { file: log, left: task.most.saturating_sub(written) },
        attached: false,
    };
    let worked = capture.work();
    let Capture { terminal, filter, mut log, listener, clients, .. } = capture;
    terminal.close();
    let (rest, end) = filter.finish();
    log.append(&rest);
    if end == End::Halted {
        folder.mark_started().map_err(failed())?;
    }
    // Who is told of the end finds everything written and the lock free.
    drop((listener, lock));
    drop(clients);
    worked
}

/// Says a word to whoever started us, who may be gone.
fn tell(word: &str) {
    let _gone = io::stdout().write_all(word.as_bytes()).and_then(|()| io::stdout().flush());
}

fn listen(folder: &Folder) -> Result<UnixListener, CaptureError> {
    let failed = || CaptureError::system("listen on the console's socket");
    match std::fs::remove_file(folder.socket()) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed()(error)),
        _ => {}
    }
    let listener = UnixListener::bind(folder.socket()).map_err(failed())?;
    listener.set_nonblocking(true).map_err(failed())?;
    Ok(listener)
}

struct Capture {
    listener: UnixListener,
    clients: Vec<UnixStream>,
    terminal: Terminal,
    filter: Filter,
    log: Log,
    attached: bool,
}

/// What there is to do after a wait.
#[derive(Default)]
struct Ready {
    terminal: bool,
    listener: bool,
    clients: Vec<usize>,
    /// Nothing happened for as long as the filter waits.
    nothing: bool,
}

impl Capture {
    /// Works until the terminal or a client ends it.
    fn work(&mut self) -> Result<(), CaptureError> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let ready = self.wait()?;
            if ready.nothing {
                let bytes = self.filter.release();
                self.log.append(&bytes);
            }
            if ready.terminal {
                match self.terminal.master.read(&mut buffer) {
                    Ok(0) => return Ok(()),
                    Ok(n) => self.take(&buffer[..n]),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    // Linux says so when nobody has the other end open any more.
                    Err(_) => return Ok(()),
                }
            }
            // From behind: one that goes leaves the numbers before it as they are.
            for number in ready.clients.into_iter().rev() {
                if self.hear(number) {
                    return Ok(());
                }
            }
            if ready.listener {
                self.accept();
            }
        }
    }

    fn wait(&self) -> Result<Ready, CaptureError> {
        let full = self.clients.len() >= MOST_CLIENTS;
        let readable = PollFlags::IN;
        let mut fds = vec![PollFd::new(&self.terminal.master, readable)];
        // Errors and hang-ups are told without being asked for.
        let asked = if full { PollFlags::empty() } else { readable };
        fds.push(PollFd::new(&self.listener, asked));
        fds.extend(self.clients.iter().map(|client| PollFd::new(client, readable)));
        let patience = self.filter.patience().map(timespec);
        let begun = Instant::now();
        let count = loop {
            match poll(&mut fds, patience.as_ref()) {
                Err(rustix::io::Errno::INTR) => {}
                other => break other.map_err(CaptureError::system("wait for the console"))?,
            }
        };
        let is_ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
        let waited = self.filter.patience().is_some_and(|limit| begun.elapsed() >= limit);
        let clients = fds[2..].iter().enumerate().filter(|(_, fd)| is_ready(fd));
        Ok(Ready {
            terminal: is_ready(&fds[0]),
            listener: is_ready(&fds[1]),
            clients: clients.map(|(number, _)| number).collect(),
            nothing: count == 0 && waited,
        })
    }

    fn take(&mut self, bytes: &[u8]) {
        let bytes = self.filter.feed(bytes);
        self.log.append(&bytes);
        if !self.attached && self.filter.is_attached() {
            self.attached = true;
            self.clients.retain_mut(|client| client.write_all(ATTACHED.as_bytes()).is_ok());
            tell(ATTACHED);
        }
    }

    /// Whether this client wants us to end. One that is gone is forgotten.
    fn hear(&mut self, number: usize) -> bool {
        let mut byte = [0];
        match self.clients[number].read(&mut byte) {
            Ok(1..) => byte[0] == QUIT,
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            _ => {
                self.clients.remove(number);
                false
            }
        }
    }

    fn accept(&mut self) {
        // One that is gone already is nobody's loss.
        let Ok((mut client, _)) = self.listener.accept() else { return };
        let told = !self.attached || client.write_all(ATTACHED.as_bytes()).is_ok();
        if told && client.set_nonblocking(true).is_ok() {
            self.clients.push(client);
        }
    }
}

/// The console's file, up to its bound.
struct Log {
    file: File,
    left: u64,
}

impl Log {
    /// What finds no room is lost, as is all that comes after it: a guest whose
    /// console nobody reads would stand still.
    fn append(&mut self, bytes: &[u8]) {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        self.left -= most as u64;
        if let Err(error) = self.file.write_all(&bytes[..most]) {
            eprintln!("solstice-console: the rest of the console is lost: {error}");
            self.left = 0;
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use camino::Utf8PathBuf;

    use super::*;

    const TEXT: &str = "line 1\r\n\ttab, \x03 and \x04\n";

    /// A machine's folder, and a capture of what a shell prints in it.
    struct World {
        dir: tempfile::TempDir,
        script: String,
        most: u64,
    }

    impl World {
        /// The guest's text between the lines of zoneadmd and zlogin; `wait`
        /// is what the shell does while the guest runs.
        fn new(wait: &str) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let text = dir.path().join("text");
            std::fs::write(&text, TEXT).unwrap();
            let script = format!(
                "printf \"[Connected to zone 'z' console]\\n\"; \
                 printf '\\r\\n[NOTICE: Zone booting up]\\r\\n'; cat {}; {wait}; \
                 printf '\\r\\n[NOTICE: Zone halted.  Disconnecting...]\\r\\n'; \
                 printf \"\\n[Connection to zone 'z' console closed]\\n\"",
                text.display()
            );
            Self { dir, script, most: 1 << 20 }
        }

        fn folder(&self) -> Folder {
            Folder::at(Utf8PathBuf::from_path_buf(self.dir.path().into()).unwrap())
        }

        fn capture(&self) -> Result<(), CaptureError> {
            let folder = self.folder().path().to_owned();
            let task = Task { zone: "z".parse().unwrap(), folder, most: self.most };
            capture(&task, &CommandLine(["/bin/sh", "-c", &self.script].map(Into::into).into()))
        }

        fn console(&self) -> String {
            std::fs::read_to_string(self.folder().console()).unwrap()
        }

        fn client(&self) -> UnixStream {
            loop {
                if let Ok(client) = UnixStream::connect(self.folder().socket()) {
                    return client;
                }
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn the_guests_bytes_are_kept_as_they_are_and_the_end_is_noted() {
        let world = World::new("true");
        world.capture().unwrap();
        assert_eq!(world.console(), TEXT);
        assert!(world.dir.path().join("started").exists());
    }

    #[test]
    fn what_is_beyond_the_bound_is_lost() {
        let world = World { most: 5, ..World::new("true") };
        world.capture().unwrap();
        assert_eq!(world.console(), "line ");
        world.capture().unwrap();
        assert_eq!(world.console(), "line ");
    }

    #[test]
    fn clients_are_told_of_the_beginning_and_of_the_end_when_all_is_written() {
        let world = World::new("read line");
        std::thread::scope(|scope| {
            let capture = scope.spawn(|| world.capture());
            let mut clients = [world.client(), world.client()];
            for client in &mut clients {
                let mut said = [0; ATTACHED.len()];
                client.read_exact(&mut said).unwrap();
                assert_eq!(said, ATTACHED.as_bytes());
            }
            // All but the last line's end, which may be the beginning of a notice.
            while world.console().len() + 1 < TEXT.len() {
                std::thread::yield_now();
            }
            let [mut one, mut two] = clients;
            one.write_all(&[QUIT]).unwrap();
            two.read_to_end(&mut Vec::new()).unwrap();
            assert_eq!(world.console(), TEXT);
            assert!(world.folder().open_lock().unwrap().try_lock().is_ok());
            capture.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_second_capture_of_a_machine_ends_at_once() {
        let world = World::new("true");
        let lock = world.folder().open_lock().unwrap();
        lock.lock().unwrap();
        world.capture().unwrap();
        assert!(!world.folder().console().exists());
    }
}
