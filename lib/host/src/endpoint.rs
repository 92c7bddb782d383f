//! The file that says where guests are served.
//!
//! The port may be a new one after each start, so whoever relays a guest's
//! connection reads it anew for each.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use camino::Utf8Path;

use crate::file;

/// The file's name inside the data directory.
pub const ENDPOINT_FILE: &str = "agent-endpoint";

/// Writes the address, atomically.
///
/// # Errors
///
/// If the file cannot be written.
pub(crate) fn publish(path: &Utf8Path, address: SocketAddr) -> io::Result<()> {
    file::write_atomic(path, format!("{address}\n").as_bytes())
}

/// Reads the address.
///
/// # Errors
///
/// If the file cannot be read or holds no address.
pub(crate) fn read(path: &Path) -> io::Result<SocketAddr> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display()))
    })?;
    text.trim().parse().map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidData, format!("{} holds no address", path.display()))
    })
}
