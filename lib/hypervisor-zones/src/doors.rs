//! The doors that this process holds open: one per machine, on the host's
//! address of the machine's own network.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use camino::Utf8PathBuf;
use solstice_hypervisor::Door;
use solstice_model::AttemptId;
use tokio::time::Instant;

use crate::error::ZonesError;
use crate::links::Addresses;
use crate::network::GUEST_PORT;

/// How many connections of a guest are passed on at a time.
const CONNECTIONS: usize = 16;
/// How long an address may take to be usable (a new one is first looked for on
/// its network, ipadm(8)), or the previous orchestrator to let it go.
const PATIENCE: Duration = Duration::from_secs(5);
/// The pause between tries.
const PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct Doors {
    endpoint_file: Utf8PathBuf,
    /// Guards nothing but the map itself; never held across an await.
    open: Mutex<HashMap<AttemptId, Door>>,
}

impl Doors {
    pub(crate) fn new(endpoint_file: Utf8PathBuf) -> Self {
        Self { endpoint_file, open: Mutex::default() }
    }

    /// Opens a machine's door to its guest alone, unless it is open.
    pub(crate) async fn open(&self, id: AttemptId, addresses: Addresses) -> Result<(), ZonesError> {
        let address = SocketAddr::from((addresses.host, GUEST_PORT));
        if self.map().get(&id).is_some_and(|door| door.address() == address) {
            return Ok(());
        }
        let door = self.bind(address, addresses.guest).await;
        let door = door.map_err(|source| ZonesError::Door { address, source })?;
        self.map().insert(id, door);
        Ok(())
    }

    async fn bind(&self, address: SocketAddr, guest: Ipv4Addr) -> io::Result<Door> {
        let guest = Some(guest.into());
        let deadline = Instant::now() + PATIENCE;
        loop {
            match Door::open(address, guest, self.endpoint_file.clone(), CONNECTIONS).await {
                Err(error) if is_early(&error) && Instant::now() < deadline => {
                    tokio::time::sleep(PAUSE).await;
                }
                other => return other,
            }
        }
    }

    /// Closes a machine's door, if it is open.
    pub(crate) fn close(&self, id: AttemptId) {
        self.map().remove(&id);
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<AttemptId, Door>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_early(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::AddrNotAvailable)
}
