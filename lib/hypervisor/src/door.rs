//! The guests' way to the agent API: a listener on an address that only one
//! machine, or the machines of one private network, can reach.
//!
//! The agent API itself listens on loopback, where it may move to another port
//! at each start and writes it to a file. A door reads that file for every
//! connection, so it never points to where nobody is any more.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How long an agent API that is away is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many connections one address has at a time, so that no guest takes those
/// of the others.
const OF_ONE: usize = 16;
/// The pause between tries, and after a connection that could not be taken.
const PAUSE: Duration = Duration::from_millis(100);

/// A listener whose connections are passed on. Dropping it closes it and ends
/// every connection.
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Door {
    /// Listens on `address` and passes up to `connections` at a time on to
    /// where `endpoint_file` says, a file that holds `ADDRESS:PORT`. More of
    /// them wait; more than sixteen from one address are turned away. Whoever comes from another address than `guest`, if that is
    /// given, is turned away: a host may take packets for one of its addresses
    /// on any of its links (RFC 1122, 3.3.4.2).
    ///
    /// # Errors
    ///
    /// If nobody can listen on that address.
    pub async fn open(
        address: SocketAddr,
        guest: Option<IpAddr>,
        endpoint_file: Utf8PathBuf,
        connections: usize,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, guest, endpoint_file.into(), connections));
        Ok(Self { address, _tasks: tasks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(
    listener: TcpListener,
    only: Option<IpAddr>,
    endpoint_file: Arc<Utf8Path>,
    connections: usize,
) {
    let places = Arc::new(Semaphore::new(connections));
    let mut of_each: HashMap<IpAddr, Arc<Semaphore>> = HashMap::new();
    let mut passing = JoinSet::new();
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("it is never closed");
        // Without this, what has ended would be kept until the door closes.
        while passing.try_join_next().is_some() {}
        let Ok((guest, from)) = listener.accept().await else {
            // Out of descriptors; the guest's connection stays in the queue.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        if only.is_some_and(|only| only != from.ip()) {
            continue;
        }
        // As many as there are addresses of guests, which the network bounds.
        let own = of_each.entry(from.ip()).or_insert_with(|| Arc::new(Semaphore::new(OF_ONE)));
        let Ok(own) = Arc::clone(own).try_acquire_owned() else { continue };
        let endpoint_file = Arc::clone(&endpoint_file);
        passing.spawn(async move {
            // A broken connection is the business of its two ends.
            let _broken = pass(guest, &endpoint_file).await;
            drop((place, own));
        });
    }
}

async fn pass(mut guest: TcpStream, endpoint_file: &Utf8Path) -> io::Result<()> {
    let mut host = connect(endpoint_file).await?;
    host.set_nodelay(true)?;
    guest.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut guest, &mut host).await?;
    Ok(())
}

async fn connect(endpoint_file: &Utf8Path) -> io::Result<TcpStream> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match try_to_connect(endpoint_file).await {
            Err(_) if Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
            tried => return tried,
        }
    }
}

async fn try_to_connect(endpoint_file: &Utf8Path) -> io::Result<TcpStream> {
    let text = tokio::fs::read_to_string(endpoint_file).await?;
    let address: SocketAddr = text.trim().parse().map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidData, format!("{endpoint_file} holds no address"))
    })?;
    TcpStream::connect(address).await
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const ANYWHERE: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    #[tokio::test]
    async fn a_connection_follows_the_endpoint_to_its_new_port() {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8Path::from_path(folder.path()).unwrap().join("endpoint");
        let door = Door::open(ANYWHERE, None, file.clone(), 2).await.unwrap();
        for greeting in ["first", "second"] {
            let host = TcpListener::bind(ANYWHERE).await.unwrap();
            std::fs::write(&file, format!("{}\n", host.local_addr().unwrap())).unwrap();
            let mut guest = TcpStream::connect(door.address()).await.unwrap();
            guest.write_all(greeting.as_bytes()).await.unwrap();
            guest.shutdown().await.unwrap();
            let (mut taken, _) = host.accept().await.unwrap();
            let mut said = String::new();
            taken.read_to_string(&mut said).await.unwrap();
            assert_eq!(said, greeting);
            taken.write_all(b"answer").await.unwrap();
            drop(taken);
            let mut answer = String::new();
            guest.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, "answer");
        }
    }

    #[tokio::test]
    async fn a_closed_door_ends_its_connections() {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8Path::from_path(folder.path()).unwrap().join("endpoint");
        let host = TcpListener::bind(ANYWHERE).await.unwrap();
        std::fs::write(&file, host.local_addr().unwrap().to_string()).unwrap();
        let door = Door::open(ANYWHERE, None, file, 2).await.unwrap();
        let address = door.address();
        let mut guest = TcpStream::connect(address).await.unwrap();
        let (_taken, _) = host.accept().await.unwrap();
        drop(door);
        assert_eq!(guest.read(&mut [0; 1]).await.unwrap_or(0), 0);
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn a_guest_does_not_take_the_connections_of_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8Path::from_path(folder.path()).unwrap().join("endpoint");
        let host = TcpListener::bind(ANYWHERE).await.unwrap();
        std::fs::write(&file, host.local_addr().unwrap().to_string()).unwrap();
        let door = Door::open(ANYWHERE, None, file, 2 * OF_ONE).await.unwrap();
        let connect = async |from: &str| {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
            socket.connect(door.address()).await.unwrap()
        };
        let mut all = Vec::new();
        for _ in 0..OF_ONE {
            all.push((connect("127.0.0.2").await, host.accept().await.unwrap()));
        }
        let mut refused = connect("127.0.0.2").await;
        assert_eq!(refused.read(&mut [0; 1]).await.unwrap_or(0), 0);
        let _other = connect("127.0.0.3").await;
        host.accept().await.unwrap();
        // What has ended makes room, as soon as the door has noticed.
        all.pop();
        loop {
            let (mut again, mut byte) = (connect("127.0.0.2").await, [0]);
            tokio::select! {
                _ = again.read(&mut byte) => {}
                _ = host.accept() => break,
            }
        }
    }

    #[tokio::test]
    async fn a_stranger_is_turned_away() {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8Path::from_path(folder.path()).unwrap().join("endpoint");
        let host = TcpListener::bind(ANYWHERE).await.unwrap();
        std::fs::write(&file, host.local_addr().unwrap().to_string()).unwrap();
        for (only, let_in) in [("127.0.0.1", true), ("127.0.0.9", false)] {
            let only = Some(only.parse().unwrap());
            let door = Door::open(ANYWHERE, only, file.clone(), 2).await.unwrap();
            let mut guest = TcpStream::connect(door.address()).await.unwrap();
            let mut byte = [0];
            let taken = tokio::select! {
                taken = host.accept() => taken.is_ok(),
                _ = guest.read(&mut byte) => false,
            };
            assert_eq!(taken, let_in);
        }
    }
}
