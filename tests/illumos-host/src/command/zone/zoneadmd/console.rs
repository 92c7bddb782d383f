//! A zone's console: one client at a time, who gets what the guest prints from
//! then on, and notices of what becomes of the zone. What is printed without a
//! client is lost; a client that does not read holds the guest up.
//!
//! Source: illumos-gate usr/src/cmd/zoneadmd/zcons.c (#do_console_io).

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::event::{PollFd, PollFlags, poll};

use super::super::store::Store;

/// How much is read at once (BUFSIZ).
const BUFFER: usize = 1024;

/// What the console is told, a byte each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Event {
    /// Only to look at the zone's state.
    Null,
    Readied,
    Booting,
    Halted,
    Uninstalling,
    BootFailed,
}

impl Event {
    const ALL: [Event; 6] = [
        Event::Null,
        Event::Readied,
        Event::Booting,
        Event::Halted,
        Event::Uninstalling,
        Event::BootFailed,
    ];

    fn notice(self, disconnect: bool) -> Option<&'static str> {
        match self {
            Event::Null => None,
            Event::Readied => Some("Zone readied"),
            Event::Booting => Some("Zone booting up"),
            Event::Halted if disconnect => Some("Zone halted.  Disconnecting..."),
            Event::Halted => Some("Zone halted"),
            Event::Uninstalling => Some("Zone is being uninstalled.  Disconnecting..."),
            Event::BootFailed => Some("Zone boot failed"),
        }
    }
}

/// Who is connected.
struct Client {
    stream: UnixStream,
    pid: String,
    /// Whether it wants to be disconnected when the zone halts.
    disconnect: bool,
}

/// The console.
pub(super) struct Console {
    /// Where clients connect.
    server: UnixListener,
    /// Where bhyve connects: the console's device.
    device: UnixListener,
    guest: Option<UnixStream>,
    client: Option<Client>,
    events: UnixStream,
    paths: [Utf8PathBuf; 2],
}

/// Where bhyve finds the console of a zone.
pub(super) fn device_path(store: &Store, zone: &str) -> Utf8PathBuf {
    store.run.join(format!("{zone}.zconsole"))
}

/// Whether to go on with the present client.
enum Next {
    Stay,
    Leave,
}

impl Console {
    pub(super) fn open(store: &Store, zone: &str, events: UnixStream) -> io::Result<Self> {
        let paths = [store.run.join(format!("{zone}.console_sock")), device_path(store, zone)];
        let [server, device] = &paths;
        let (server, device) = (bind(server)?, bind(device)?);
        Ok(Self { server, device, guest: None, client: None, events, paths })
    }

    /// Lets go of the sockets' names.
    pub(super) fn close(self) {
        for path in &self.paths {
            let _gone = fs::remove_file(path);
        }
    }

    /// Serves until the client is gone, or until something happens that no
    /// client hears of.
    pub(super) fn serve(&mut self) {
        while let Ok(ready) = self.wait() {
            if matches!(self.turn(&ready), Ok(Next::Leave) | Err(_)) {
                break;
            }
        }
        self.client = None;
    }

    /// What there is to read: from the guest (or a new one), the client, a new
    /// client, the events.
    fn wait(&self) -> io::Result<[bool; 4]> {
        let guest = self.guest.as_ref().map_or(self.device.as_fd(), UnixStream::as_fd);
        let client = self.client.as_ref().map(|client| client.stream.as_fd());
        let mut fds: Vec<PollFd<'_>> =
            [Some(guest), Some(self.server.as_fd()), Some(self.events.as_fd()), client]
                .into_iter()
                .flatten()
                .map(|fd: BorrowedFd<'_>| PollFd::from_borrowed_fd(fd, PollFlags::IN))
                .collect();
        loop {
            match poll(&mut fds, None) {
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let ready = |at: usize| fds.get(at).is_some_and(|fd| !fd.revents().is_empty());
        Ok([ready(0), ready(3), ready(1), ready(2)])
    }

    fn turn(&mut self, [guest, client, server, events]: &[bool; 4]) -> io::Result<Next> {
        if *guest {
            self.read_guest()?;
        }
        if *client && matches!(self.read_client()?, Next::Leave) {
            return Ok(Next::Leave);
        }
        if *server && matches!(self.accept()?, Next::Leave) {
            return Ok(Next::Leave);
        }
        if *events {
            return self.event();
        }
        Ok(Next::Stay)
    }

    /// Passes on what the guest prints; gives whether there may be more.
    fn read_guest(&mut self) -> io::Result<bool> {
        let Some(guest) = &mut self.guest else {
            self.guest = Some(self.device.accept()?.0);
            return Ok(true);
        };
        let mut buffer = [0; BUFFER];
        // A guest that was killed resets the connection.
        let read = guest.read(&mut buffer).unwrap_or(0);
        if read == 0 {
            self.guest = None;
            return Ok(false);
        }
        if let Some(client) = &mut self.client {
            // It is noticed elsewhere that a client is gone.
            let _gone = client.stream.write_all(&buffer[..read]);
        }
        Ok(true)
    }

    fn read_client(&mut self) -> io::Result<Next> {
        let Some(client) = &mut self.client else { return Ok(Next::Stay) };
        let mut buffer = [0; BUFFER];
        let read = client.stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(Next::Leave);
        }
        if let Some(guest) = &mut self.guest {
            let _gone = guest.write_all(&buffer[..read]);
        }
        Ok(Next::Stay)
    }

    /// A new client, who is told of the one that there is already.
    fn accept(&mut self) -> io::Result<Next> {
        let (mut stream, _) = self.server.accept()?;
        let ident = ident(&mut stream)?;
        if let Some(client) = &self.client {
            // Whoever does not read it does not want to know.
            let _gone = writeln!(stream, "{}", client.pid);
            return Ok(Next::Stay);
        }
        let Some((pid, disconnect)) = parse(&ident) else { return Ok(Next::Leave) };
        let _gone = stream.write_all(b"OK\n");
        self.client = Some(Client { stream, pid, disconnect });
        Ok(Next::Stay)
    }

    fn event(&mut self) -> io::Result<Next> {
        let mut byte = [0];
        self.events.read_exact(&mut byte)?;
        let event = Event::ALL.into_iter().find(|event| *event as u8 == byte[0]);
        let event = event.unwrap_or(Event::Null);
        if event == Event::Halted {
            // All that the guest still printed: bhyve has ended.
            while self.guest.is_some() && self.read_guest()? {}
        }
        let Some(client) = &mut self.client else { return Ok(Next::Leave) };
        if let Some(notice) = event.notice(client.disconnect) {
            let _gone = write!(client.stream, "\r\n[NOTICE: {notice}]\r\n");
        }
        let leave = event == Event::Uninstalling || event == Event::Halted && client.disconnect;
        Ok(if leave { Next::Leave } else { Next::Stay })
    }
}

fn bind(path: &Utf8Path) -> io::Result<UnixListener> {
    let _stale = fs::remove_file(path);
    UnixListener::bind(path)
}

/// The line by which a client introduces itself; all of them wait for it.
fn ident(stream: &mut UnixStream) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte)? == 1 && byte[0] != b'\n' {
        if line.len() < BUFFER {
            line.push(byte[0]);
        }
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// `IDENT PID LOCALE DISCONNECT`.
fn parse(ident: &str) -> Option<(String, bool)> {
    let mut words = ident.strip_prefix("IDENT ")?.split(' ');
    let pid = words.next()?.parse::<u32>().ok()?;
    Some((pid.to_string(), words.nth(1) == Some("1")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_says_who_it_is() {
        assert_eq!(parse("IDENT 12 C 1"), Some(("12".to_owned(), true)));
        assert_eq!(parse("IDENT 12 C 0"), Some(("12".to_owned(), false)));
        assert_eq!(parse("IDENT 12 C"), Some(("12".to_owned(), false)));
        for bad in ["", "IDENT", "IDENT x C 0", "HELLO 12 C 0"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
