//! Outside: in the place of `/sbin/zfs` and `/sbin/zpool`, passes its own call on to the
//! guest and ends as the command there did.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use rustix::fs::{FlockOperation, flock};
use zfs_contract::SOCKET;
use zfs_guest::wire;

fn main() -> ExitCode {
    let argv: Vec<String> = std::env::args().collect();
    match pass(&argv) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("zfs-shim: {error}");
            ExitCode::from(125)
        }
    }
}

fn pass(argv: &[String]) -> io::Result<u8> {
    let mut argv = argv.to_vec();
    if let Some(program) = argv.first_mut() {
        *program = format!("/sbin/{}", program.rsplit('/').next().unwrap_or_default());
    }
    // One port, so one call at a time.
    let lock = File::create(format!("{SOCKET}.lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    let mut port = UnixStream::connect(SOCKET)?;
    wire::ask(&mut port, &argv)?;
    let reply = wire::answered(&mut port)?;
    io::stdout().write_all(&reply.stdout)?;
    io::stderr().write_all(&reply.stderr)?;
    u8::try_from(reply.code).map_err(io::Error::other)
}
