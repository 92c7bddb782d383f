//! zoneadmd(8): the daemon of one zone. It brings the zone up and down, one
//! request after the other, and owns its console.
//!
//! Source: illumos-gate usr/src/cmd/zoneadmd/{zoneadmd.c,vplat.c,zcons.c}.

mod console;
mod life;
mod server;

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use super::door;
use super::store::{Stage, Store};
use crate::command::rbac::Caller;
use crate::{Reply, World, WorldError, state_dir};

use console::{Console, Event};

/// How long a new daemon waits for one that is going away.
const TURN_LIMIT: Duration = Duration::from_secs(10);

/// What the threads of the daemon share.
struct Daemon {
    store: Store,
    zone: String,
    /// Held over every request. Whether no more are taken: the daemon is going away.
    lock: Mutex<bool>,
    /// Whether a request for a shutdown is under way, which does not hold the lock.
    shutting_down: Mutex<bool>,
    /// To the console, a byte an event.
    events: UnixStream,
}

/// Runs the daemon until its zone is down and its console is not used.
pub(super) fn run(arguments: &[String]) -> Result<Reply, WorldError> {
    let [flag, zone] = arguments else {
        return Ok(Reply::fail(2, "usage: zoneadmd -z zone"));
    };
    let store = Store::host();
    if let Some(refusal) = refusal(&store, flag, zone)? {
        return Ok(Reply { code: 1, ..Reply::out(refusal + "\n") });
    }
    match start(store, zone) {
        Ok(Some((daemon, console, door))) => {
            serve(&daemon, console, door);
            Ok(Reply::ok())
        }
        // Another one was quicker, and serves.
        Ok(None) => Ok(Reply::out(door::READY)),
        Err(error) => Ok(Reply { code: 1, ..Reply::out(format!("console setup: {error}\n")) }),
    }
}

/// Why this zone cannot be managed.
fn refusal(store: &Store, flag: &str, zone: &str) -> Result<Option<String>, WorldError> {
    let stage = store.entry(zone).map(|entry| entry.stage);
    let privileged = World::with(state_dir(), |world| Caller::current(world).all_privileges())?;
    Ok(match stage {
        _ if flag != "-z" => Some("usage: zoneadmd -z zone".to_owned()),
        None => Some(format!("could not manage {zone}: No such zone configured")),
        Some(Stage::Configured) => {
            Some("cannot manage a zone which is in state 'configured'".to_owned())
        }
        Some(_) if !privileged => Some(
            "You lack sufficient privilege to run this command (all privs required)".to_owned(),
        ),
        Some(_) => None,
    })
}

type Started = (Arc<Daemon>, Console, UnixListener);

/// Becomes the one daemon of the zone and says so to whoever started it.
fn start(store: Store, zone: &str) -> std::io::Result<Option<Started>> {
    rustix::process::setsid()?;
    let Some(lock) = exclusive(&store, zone)? else { return Ok(None) };
    // Held until the process ends.
    std::mem::forget(lock);
    let (events, console_events) = UnixStream::pair()?;
    events.set_nonblocking(true)?;
    let console = Console::open(&store, zone, console_events)?;
    let path = door::path(&store, zone);
    let stale = path.exists();
    let _stale = fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    let daemon = Daemon {
        store,
        zone: zone.to_owned(),
        lock: Mutex::new(false),
        shutting_down: Mutex::new(false),
        events,
    };
    let mut text = String::new();
    if stale && let Some(status) = daemon.status() {
        text = format!(
            "zone '{zone}': WARNING: zone is in state '{}', but zoneadmd does not appear to be \
             available; restarted zoneadmd to recover.\n",
            status.name()
        );
    }
    detach(&(text + door::READY))?;
    Ok(Some((Arc::new(daemon), console, listener)))
}

/// The lock of the zone's one daemon; `None` if another one serves.
fn exclusive(store: &Store, zone: &str) -> std::io::Result<Option<File>> {
    let file = File::create(store.run.join(format!("{zone}.zoneadmd.lock")))?;
    let since = Instant::now();
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(file)),
            Err(_) if door::is_open(store, zone) => return Ok(None),
            Err(error) if since.elapsed() > TURN_LIMIT => return Err(error.into()),
            // Another one is on its way out.
            Err(_) => thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// Prints the last words and lets go of the streams of whoever started it.
fn detach(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

fn serve(daemon: &Arc<Daemon>, mut console: Console, door: UnixListener) {
    daemon.resume();
    let server = Arc::clone(daemon);
    thread::spawn(move || server.answer_all(&door));
    loop {
        console.serve();
        let mut dying = daemon.lock.lock().expect("no thread panics with the lock");
        if daemon.status().is_none() {
            *dying = true;
            break;
        }
    }
    // From here on a client finds no door and starts another daemon.
    let _gone = fs::remove_file(door::path(&daemon.store, &daemon.zone));
    console.close();
}

impl Daemon {
    /// Tells the console.
    fn tell(&self, event: Event) {
        // A console that is that far behind has other worries.
        let _full = (&self.events).write(&[event as u8]);
    }
}
