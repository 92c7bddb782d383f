//! The way of one guest connection to the agent endpoint.
//!
//! QEMU's user network starts a program per connection (`guestfwd=…-cmd:`) with
//! the connection as its standard input and output. This is that program: it
//! connects to where the endpoint file says and copies both ways. It is started
//! once per connection, so it does without an async runtime.

use std::fs::{File, TryLockError};
use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::endpoint;

/// The variable in which a hypervisor names the machine's folder.
const MACHINE: &str = "SOLSTICE_MACHINE";

/// How long an orchestrator that is away is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// The pause between tries.
const PAUSE: Duration = Duration::from_millis(100);
/// How long one try may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// How long a guest may go on sending after its host has hung up.
const LINGER: Duration = Duration::from_secs(2);

/// The most connections of one guest at a time; an agent needs two or three.
const MAX_CONNECTIONS: usize = 16;

/// Copies standard input and output to and from the endpoint until either ends.
///
/// # Errors
///
/// If nobody answers at the endpoint for a few seconds, or a connection breaks.
pub fn run(endpoint_file: &Path) -> io::Result<()> {
    let _slot = match std::env::var_os(MACHINE) {
        Some(folder) => Some(take_slot(Path::new(&folder))?),
        None => None,
    };
    let stream = connect(endpoint_file)?;
    stream.set_nodelay(true)?;
    let towards_host = stream.try_clone()?;
    let (ended, upwards) = mpsc::channel();
    std::thread::spawn(move || {
        let copied = copy(io::stdin().lock(), &towards_host);
        // The guest has said all; the host's answer may still come.
        let closed = towards_host.shutdown(Shutdown::Write);
        // The main thread may have gone already.
        let _ = ended.send(copied.and(closed));
    });
    let downwards = copy(&stream, io::stdout().lock());
    hang_up_on_guest();
    downwards?;
    // The guest sees that its connection ends. It may finish its sentence.
    match upwards.recv_timeout(LINGER) {
        Ok(copied) => copied.or_else(|error| match error.kind() {
            // The host was done with it.
            io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::NotConnected => Ok(()),
            _ => Err(error),
        }),
        Err(_) => Ok(()),
    }
}

/// Takes one of the guest's places, held until this process ends. A guest that
/// opens connection after connection must not use up the host's processes.
fn take_slot(machine: &Path) -> io::Result<File> {
    for place in 0..MAX_CONNECTIONS {
        let path = machine.join(format!("relay.{place}"));
        let slot = File::options().append(true).create(true).open(path)?;
        match slot.try_lock() {
            Ok(()) => return Ok(slot),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    let why = format!("the guest has {MAX_CONNECTIONS} connections already");
    Err(io::Error::new(io::ErrorKind::QuotaExceeded, why))
}

/// Copies without delay: what was read is written before more is read.
fn copy(mut from: impl io::Read, mut to: impl io::Write) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => {
                to.write_all(&buffer[..n])?;
                to.flush()?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Ends the guest's reading side. Standard input and output are one socket, so
/// that closing a descriptor would not show.
fn hang_up_on_guest() {
    if let Ok(descriptor) = io::stdout().as_fd().try_clone_to_owned() {
        // It fails where they are pipes, which end with this process.
        let _ = UnixStream::from(descriptor).shutdown(Shutdown::Write);
    }
}

fn connect(endpoint_file: &Path) -> io::Result<TcpStream> {
    let started = Instant::now();
    loop {
        match try_to_connect(endpoint_file) {
            Err(_) if started.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
            tried => return tried,
        }
    }
}

/// One try. The file is read each time: a restarted orchestrator may have
/// another port.
fn try_to_connect(endpoint_file: &Path) -> io::Result<TcpStream> {
    let address = endpoint::read(endpoint_file)?;
    TcpStream::connect_timeout(&address, CONNECT_LIMIT).map_err(|error| {
        io::Error::new(error.kind(), format!("no orchestrator answers at {address}: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_has_sixteen_connections_and_gets_a_place_back() {
        let machine = tempfile::tempdir().unwrap();
        let mut held: Vec<_> =
            (0..MAX_CONNECTIONS).map(|_| take_slot(machine.path()).unwrap()).collect();
        let refused = take_slot(machine.path()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::QuotaExceeded);
        held.pop();
        take_slot(machine.path()).unwrap();
    }
}
