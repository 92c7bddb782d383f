//! A network of its own for each test, so that bridges and filters meet nobody else's.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Barrier};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use tokio::runtime::{Handle, RuntimeFlavor};

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
    // Nobody leaves before all have come: no thread runs two of these.
    let barrier = Arc::new(Barrier::new(runtime.metrics().num_workers() + 1));
    for _ in 0..runtime.metrics().num_workers() {
        let (namespace, barrier) = (Arc::clone(&namespace), Arc::clone(&barrier));
        runtime.spawn(async move {
            setns(&*namespace, CloneFlags::CLONE_NEWNET).unwrap();
            barrier.wait();
        });
    }
    barrier.wait();
}

/// Mounts a small file system at a new folder, for this thread and what it starts.
pub(crate) fn mount_little_room(at: &Path) {
    std::fs::create_dir(at).unwrap();
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    let nothing = None::<&str>;
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing).unwrap();
    mount(Some("tmpfs"), at, Some("tmpfs"), MsFlags::empty(), Some("size=16m,mode=700")).unwrap();
}
