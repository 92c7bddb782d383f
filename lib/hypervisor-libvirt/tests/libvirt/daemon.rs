//! A libvirtd of the test's own, with all that it starts.

use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};

/// What these tests need on a Debian.
const REMEDY: &str = "these tests start libvirtd: run `cargo xtask setup`, or \
    apt-get install libvirt-daemon dnsmasq-base iptables iproute2 qemu-system-x86 qemu-utils";

/// It ends with this value, its machines too.
pub(crate) struct Daemon {
    namespaces: Child,
    folder: Utf8PathBuf,
}

impl Daemon {
    /// Starts it with its files below this folder, in the network namespace of the caller.
    pub(crate) fn start(folder: &Utf8Path) -> Self {
        for program in ["libvirtd", "virtlogd", "dnsmasq", "iptables", "ebtables"] {
            assert!(Utf8Path::new("/usr/sbin").join(program).exists(), "no {program}: {REMEDY}");
        }
        let cache = Utf8Path::new(env!("CARGO_TARGET_TMPDIR")).join("libvirt-cache");
        std::fs::create_dir_all(&cache).unwrap();
        for name in ["run", "layers"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/libvirt/inside.sh");
        let namespaces = Command::new("setsid")
            .args([
                "unshare",
                "--mount",
                "--propagation",
                "private",
                "--pid",
                "--fork",
                "--kill-child",
            ])
            .args(["/bin/sh", script, folder.as_str(), cache.as_str()])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let daemon = Self { namespaces, folder: folder.to_owned() };
        daemon.wait();
        daemon
    }

    fn socket(&self) -> Utf8PathBuf {
        self.folder.join("run/libvirt-sock")
    }

    /// Waits until somebody answers.
    fn wait(&self) {
        let begun = Instant::now();
        while UnixStream::connect(self.socket()).is_err() {
            let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(30), "no libvirtd: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn uri(&self) -> String {
        format!("qemu+unix:///system?socket={}", self.socket())
    }

    /// The process, whose root is where the files that only it sees are.
    pub(crate) fn pid(&self) -> i32 {
        let own = std::fs::read_link("/proc/thread-self/ns/net").unwrap();
        let entries = std::fs::read_dir("/proc").unwrap();
        let mut pids =
            entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        let is_it = |pid: &i32| {
            let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            let namespace = std::fs::read_link(format!("/proc/{pid}/ns/net"));
            comm == "libvirtd\n" && namespace.is_ok_and(|namespace| namespace == own)
        };
        pids.find(is_it).expect("libvirtd runs")
    }

    /// Kills libvirtd, which is started again, and returns when that answers.
    pub(crate) fn restart(&self) {
        let before = self.pid();
        let status = Command::new("/bin/kill").args(["-9", &before.to_string()]).status();
        assert!(status.unwrap().success());
        let begun = Instant::now();
        while Utf8Path::new("/proc").join(before.to_string()).exists() {
            assert!(begun.elapsed() < Duration::from_secs(10), "libvirtd does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        self.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.namespaces.kill().unwrap();
        self.namespaces.wait().unwrap();
    }
}
