//! zlogin(1): a zone's console. Nothing can be run in a zone whose only process
//! is bhyve.
//!
//! Source: illumos-gate usr/src/cmd/zlogin/zlogin.c.

use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, OutputModes, Termios, tcgetattr, tcsetattr,
};

use super::door::{self, Failure};
use super::kernel::Status;
use super::store::{Stage, Store};
use super::{not_simulated, strerror};
use crate::command::getopt::Given;
use crate::command::rbac::Caller;
use crate::{Reply, World, WorldError, state_dir};

const USAGE: &str =
    "usage: zlogin [-dinCEQS] [-e cmdchar] [-l user] zonename [command [args ...] ]";
/// How much is read at once.
const BUFFER: usize = 8192;
/// Ends a session, behind a `~` at the beginning of a line.
const DISCONNECT: u8 = b'.';

/// What of the options matters here.
struct Options {
    escapes: bool,
    quiet: bool,
    disconnect: bool,
}

/// Runs zlogin.
pub(super) fn run(arguments: &[String]) -> Result<Reply, WorldError> {
    let Ok(given) = Given::parse(arguments, "dinCER:Se:l:Q", &[]) else {
        return Ok(Reply::fail(2, USAGE));
    };
    for letter in ['R', 'e', 'i', 'S', 'l', 'n'] {
        if given.has(letter) {
            return Ok(not_simulated(&format!("zlogin -{letter}")));
        }
    }
    let console = given.has('C');
    let [zone, command @ ..] = given.operands else { return Ok(Reply::fail(2, USAGE)) };
    if given.has('d') && !console {
        return Ok(usage("-d may only be specified with console login"));
    }
    if console && !command.is_empty() {
        return Ok(usage("Commands may not be specified for console login."));
    }
    if let Some(reply) = refusal(zone, console)? {
        return Ok(reply);
    }
    if !console {
        return Ok(not_simulated("a command in a bhyve zone"));
    }
    let options =
        Options { escapes: !given.has('E'), quiet: given.has('Q'), disconnect: given.has('d') };
    attach(zone, &options)
}

fn fail(text: impl AsRef<str>) -> Reply {
    Reply::fail(1, format!("zlogin: {}", text.as_ref()))
}

fn usage(text: &str) -> Reply {
    Reply::fail(2, format!("zlogin: {text}\n{USAGE}"))
}

/// The checks that come before anything else, in their order.
fn refusal(zone: &str, console: bool) -> Result<Option<Reply>, WorldError> {
    if zone == "global" {
        return Ok(Some(fail("'zlogin' not applicable to the global zone")));
    }
    let Some(entry) = Store::host().entry(zone) else {
        return Ok(Some(fail(format!("zone '{zone}' unknown"))));
    };
    if entry.stage != Stage::Installed {
        let state = entry.stage.name();
        return Ok(Some(fail(format!("cannot login to a zone which is '{state}'"))));
    }
    let (caller, status) = World::with(state_dir(), |world| {
        world.zones.settle();
        let status = world.zones.active.get(zone).map(|active| active.status);
        (Caller::current(world), status)
    })?;
    let user = &caller.user;
    let text = if !caller.all_privileges() {
        "You lack sufficient privilege to run this command (all privs required)".to_owned()
    } else if !caller.authorized(&format!("solaris.zone.manage/{zone}")) {
        // The blanks are zlogin's.
        if console {
            format!("{user} is not authorized for console access to  {zone} zone.")
        } else {
            format!(
                "{user} is not authorized for  failsafe or non-interactive login to  {zone} zone."
            )
        }
    } else if !console && status != Some(Status::Running) {
        let state = status.map_or("installed", Status::name);
        format!("login allowed only to running zones ({zone} is '{state}').")
    } else {
        return Ok(None);
    };
    Ok(Some(fail(text)))
}

/// Connects to the console and passes bytes until either side ends.
fn attach(zone: &str, options: &Options) -> Result<Reply, WorldError> {
    let store = Store::host();
    match door::ensure(&store, zone) {
        Ok(warnings) => eprint!("{warnings}"),
        Err(Failure::NotStarted(text)) => {
            return Ok(Reply::fail(1, format!("{text}zlogin: could not start zoneadmd")));
        }
        Err(Failure::World(error)) => return Err(error),
    }
    let path = store.run.join(format!("{zone}.console_sock"));
    let mut stream = match UnixStream::connect(path) {
        Ok(stream) => stream,
        Err(error) => {
            return Ok(fail(format!("Could not connect to zone console: {}", strerror(&error))));
        }
    };
    match handshake(&mut stream, options.disconnect) {
        Ok(answer) if answer == "OK" => {}
        Ok(pid) => return Ok(fail(format!("Console is already in use by process ID {pid}."))),
        Err(error) => {
            return Ok(fail(format!("Could not connect to zone console: {}", strerror(&error))));
        }
    }
    if !options.quiet {
        say(&format!("[Connected to zone '{zone}' console]\n"));
    }
    let saved = match raw() {
        Ok(saved) => saved,
        Err(error) => {
            let reason = strerror(&error.into());
            return Ok(fail(format!(
                "failed to get user terminal settings: {reason}\n\
                 zlogin: failed to set stdin pty to raw mode: {reason}"
            )));
        }
    };
    // The terminal or the console is gone: that is how it ends.
    let _ended = pass(stream, options.escapes);
    let _gone = tcsetattr(io::stdin(), OptionalActions::Drain, &saved);
    if !options.quiet {
        say(&format!("\n[Connection to zone '{zone}' console closed]\n"));
    }
    Ok(Reply::ok())
}

/// Prints at once: the reply comes only when all is over.
fn say(text: &str) {
    print!("{text}");
    let _gone = io::stdout().flush();
}

/// Introduces itself; gives the console's answer.
fn handshake(stream: &mut UnixStream, disconnect: bool) -> io::Result<String> {
    writeln!(stream, "IDENT {} C {}", std::process::id(), u8::from(disconnect))?;
    let mut answer = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte)? == 1 && byte[0] != b'\n' {
        answer.push(byte[0]);
    }
    if answer.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Makes the terminal raw; gives what it was.
fn raw() -> rustix::io::Result<Termios> {
    let saved = tcgetattr(io::stdin())?;
    let mut raw = saved.clone();
    raw.input_modes -= InputModes::ISTRIP | InputModes::IXON | InputModes::IXANY;
    raw.input_modes -= InputModes::INLCR | InputModes::ICRNL | InputModes::IGNCR;
    raw.output_modes -= OutputModes::OPOST;
    raw.local_modes -= LocalModes::ICANON | LocalModes::ISIG;
    raw.local_modes -= LocalModes::ECHO | LocalModes::IEXTEN;
    tcsetattr(io::stdin(), OptionalActions::Flush, &raw)?;
    Ok(saved)
}

fn pass(mut stream: UnixStream, escapes: bool) -> io::Result<()> {
    let mut escape = Escape { enabled: escapes, state: Position::LineStart };
    let mut buffer = vec![0; BUFFER];
    loop {
        let stdin = io::stdin();
        let mut fds = [
            PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN),
            PollFd::new(&stream, PollFlags::IN),
        ];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [typed, printed] = fds.map(|fd| !fd.revents().is_empty());
        if printed {
            let read = stream.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            io::stdout().write_all(&buffer[..read])?;
            io::stdout().flush()?;
        }
        if typed {
            let read = rustix::io::read(io::stdin(), &mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            let (bytes, leave) = escape.filter(&buffer[..read]);
            stream.write_all(&bytes)?;
            if leave {
                return Ok(());
            }
        }
    }
}

/// Looks for `~.` at the beginning of a line.
struct Escape {
    enabled: bool,
    state: Position,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    LineStart,
    Tilde,
    Elsewhere,
}

impl Escape {
    /// What is to be sent of what was typed, and whether to leave.
    fn filter(&mut self, typed: &[u8]) -> (Vec<u8>, bool) {
        if !self.enabled {
            return (typed.to_vec(), false);
        }
        let mut bytes = Vec::new();
        for &byte in typed {
            match (self.state, byte) {
                (Position::LineStart, b'~') => {
                    self.state = Position::Tilde;
                    continue;
                }
                (Position::Tilde, DISCONNECT) => return (bytes, true),
                (Position::Tilde, other) if other != b'~' => bytes.push(b'~'),
                _ => {}
            }
            bytes.push(byte);
            let line_end = byte == b'\r' || byte == b'\n';
            self.state = if line_end { Position::LineStart } else { Position::Elsewhere };
        }
        (bytes, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_and_a_dot_leave_at_the_beginning_of_a_line_only() {
        let mut escape = Escape { enabled: true, state: Position::LineStart };
        assert_eq!(escape.filter(b"a~.\r~"), (b"a~.\r".to_vec(), false));
        assert_eq!(escape.filter(b"x\r~~\r~."), (b"~x\r~\r".to_vec(), true));
        let mut none = Escape { enabled: false, state: Position::LineStart };
        assert_eq!(none.filter(b"~."), (b"~.".to_vec(), false));
    }
}
