//! A network of its own for each test, so that bridges and filters meet nobody else's.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use tokio::runtime::{Handle, RuntimeFlavor};

/// How long a thread is kept busy so that another one takes the next task.
const PAUSE: Duration = Duration::from_millis(2);

/// Moves this test into a new network namespace. Namespaces belong to threads,
/// and a new thread gets its maker's: so each thread of the runtime moves.
pub(crate) fn enter() {
    let remedy = "namespaces and libvirtd are root's: run these tests as root";
    unshare(CloneFlags::CLONE_NEWNET).expect(remedy);
    let namespace = Arc::new(File::open("/proc/thread-self/ns/net").unwrap());
    let runtime = Handle::current();
    if runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
        return;
    }
    // A task cannot choose its thread: they are made until each has had one.
    let moved = Arc::new(Mutex::new(HashSet::new()));
    let begun = Instant::now();
    while moved.lock().unwrap().len() < runtime.metrics().num_workers() {
        assert!(begun.elapsed() < Duration::from_secs(30), "a thread of the runtime does nothing");
        let (namespace, moved) = (Arc::clone(&namespace), Arc::clone(&moved));
        runtime.spawn(async move {
            setns(&*namespace, CloneFlags::CLONE_NEWNET).unwrap();
            moved.lock().unwrap().insert(std::thread::current().id());
            // Blocking on purpose: the next one is for another thread.
            std::thread::sleep(PAUSE);
        });
        std::thread::sleep(PAUSE);
    }
}

/// Mounts a small file system at a new folder, for this thread and what it starts.
pub(crate) fn mount_little_room(at: &Path) {
    std::fs::create_dir(at).unwrap();
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    let nothing = None::<&str>;
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing).unwrap();
    mount(Some("tmpfs"), at, Some("tmpfs"), MsFlags::empty(), Some("size=16m,mode=700")).unwrap();
}
