//! What the shim and the guest's agent say to each other, on one serial port:
//! a request is an argument vector, a reply is how the command ended.
//!
//! Every number is a little-endian `u32`. A request is its length and the
//! arguments, each ended by a zero; a reply is exit code, length of standard
//! output, length of standard error, and both.

use std::io::{self, Read, Write};

/// The longest request and the longest output of one kind.
const MOST: u32 = 4 * 1024 * 1024;

/// How a command ended in the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its exit code; 128 and the signal's number if a signal ended it.
    pub code: u32,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

/// Writes a request.
///
/// # Errors
///
/// If the port breaks.
pub fn ask(port: &mut impl Write, argv: &[String]) -> io::Result<()> {
    let mut body = Vec::new();
    for argument in argv {
        body.extend_from_slice(argument.as_bytes());
        body.push(0);
    }
    put(port, &body)?;
    port.flush()
}

/// Reads a request.
///
/// # Errors
///
/// If the port breaks or the request is none.
pub fn asked(port: &mut impl Read) -> io::Result<Vec<String>> {
    let body = String::from_utf8(get(port)?).map_err(io::Error::other)?;
    Ok(body.split_terminator('\0').map(str::to_owned).collect())
}

/// Writes a reply.
///
/// # Errors
///
/// If the port breaks.
pub fn answer(port: &mut impl Write, reply: &Reply) -> io::Result<()> {
    port.write_all(&reply.code.to_le_bytes())?;
    put(port, &reply.stdout)?;
    put(port, &reply.stderr)?;
    port.flush()
}

/// Reads a reply.
///
/// # Errors
///
/// If the port breaks or the reply is none.
pub fn answered(port: &mut impl Read) -> io::Result<Reply> {
    let code = number(port)?;
    Ok(Reply { code, stdout: get(port)?, stderr: get(port)? })
}

fn put(port: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    port.write_all(&length.to_le_bytes())?;
    port.write_all(bytes)
}

fn get(port: &mut impl Read) -> io::Result<Vec<u8>> {
    let length = number(port)?;
    if length > MOST {
        return Err(io::Error::other(format!("{length} bytes are too many")));
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    port.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn number(port: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    port.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        let argv = ["zfs", "", "list -H"].map(str::to_owned).to_vec();
        let mut port = Vec::new();
        ask(&mut port, &argv).unwrap();
        assert_eq!(asked(&mut &port[..]).unwrap(), argv);
        let reply = Reply { code: 2, stdout: b"a\0b".to_vec(), stderr: Vec::new() };
        port.clear();
        answer(&mut port, &reply).unwrap();
        assert_eq!(answered(&mut &port[..]).unwrap(), reply);
        assert!(answered(&mut &port[..9]).is_err());
    }
}
