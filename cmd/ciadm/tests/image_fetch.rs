//! `ciadm image fetch` as a process: killed at any point, the same command
//! finishes; what is wrong is said and not kept.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[allow(dead_code, reason = "what only the library's tests need of it")]
#[path = "../../../lib/image/tests/fetch/server.rs"]
mod server;

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use server::{Server, Way};
use solstice_image::{Boot, DiskFormat, Firmware, Lock, SeedFormat};
use solstice_model::Sha256Digest;

/// A disk that packs to about half a megabyte.
fn disk() -> Vec<u8> {
    let words = (0_u32..).map(|n| n.wrapping_mul(0x9E37_79B9).to_le_bytes());
    let mut disk: Vec<u8> = words.flatten().take(500_000).collect();
    disk.resize(2 << 20, 0);
    disk
}

struct World {
    _keep: tempfile::TempDir,
    store: Utf8PathBuf,
    packed: Vec<u8>,
    server: Server,
}

impl World {
    fn new(packed: Vec<u8>) -> Self {
        let keep = tempfile::tempdir().unwrap();
        let store = Utf8PathBuf::from_path_buf(keep.path().join("store")).unwrap();
        Self { _keep: keep, store, server: Server::new(packed.clone()), packed }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ciadm"));
        command
            .args(["image", "fetch", "--name", "stock", "--firmware", "uefi"])
            .args(["--sha256", &Sha256Digest::of(&self.packed).hex()])
            .args(["--store", self.store.as_str()])
            .arg(self.server.url())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self) -> Output {
        self.command().output().unwrap()
    }

    fn lock(&self) -> Lock {
        Lock::read(self.store.join("stock/current/image.lock")).unwrap()
    }

    /// The names of the files among the downloads.
    fn left(&self) -> Vec<String> {
        let entries = self.store.join(".downloads").read_dir_utf8().unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_owned()).collect()
    }
}

/// Waits until it has ended or the server has sent so much.
fn wait(child: &mut Child, server: &Server, sent: usize) -> bool {
    let started = Instant::now();
    while server.sent() < sent {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "it does not get on");
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

#[test]
fn a_download_that_is_killed_again_and_again_ends_whole() {
    let world = World::new(zstd::encode_all(disk().as_slice(), 1).unwrap());
    world.server.always(Way::Slow(8192));
    let mut kills = 0;
    loop {
        let mut child = world.command().spawn().unwrap();
        if wait(&mut child, &world.server, (kills + 1) * 90_000) {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            break;
        }
        // SIGKILL, at a moment of its own choice.
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        assert!(kills < 30);
    }
    assert!(kills >= 4, "{kills}");
    let asked = world.server.asked();
    assert!(asked[1..].iter().all(|asked| asked.range.is_some()), "{asked:?}");
    // What was on its way when a process died is sent again, no more.
    assert!(world.server.sent() < world.packed.len() * 2, "{}", world.server.sent());
    world.lock().verify().unwrap();
    assert_eq!(world.left(), [""; 0]);
}

#[test]
fn what_a_process_left_at_any_step_of_its_end_is_no_obstacle() {
    let packed = zstd::encode_all(disk().as_slice(), 1).unwrap();
    let world = World::new(packed.clone());
    let digest = Sha256Digest::of(&packed).hex();
    let downloads = world.store.join(".downloads");
    let part = downloads.join(format!("{digest}.part"));
    let draft = world.store.join("stock").join(format!(".{}.new", &digest[..12]));
    // Whole, but not looked at yet; linked into a draft; the draft half written.
    for rest in [None, Some("disk.raw.zst"), Some("image.lock")] {
        std::fs::create_dir_all(&downloads).unwrap();
        std::fs::write(&part, &packed).unwrap();
        let record = serde_json::json!({
            "url": world.server.url(), "validator": "\"1\"", "total": packed.len(),
        });
        std::fs::write(part.with_extension("json"), record.to_string()).unwrap();
        if let Some(name) = rest {
            std::fs::create_dir_all(&draft).unwrap();
            std::fs::hard_link(&part, draft.join(name)).unwrap();
        }
        let output = world.run();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        world.lock().verify().unwrap();
        assert_eq!(world.left(), [""; 0]);
        assert_eq!(world.server.asked(), [], "everything was there");
        std::fs::remove_dir_all(&world.store).unwrap();
    }
    // In the store, and the download still there.
    assert!(world.run().status.success());
    std::fs::write(&part, &packed).unwrap();
    let output = world.run();
    assert!(String::from_utf8_lossy(&output.stdout).contains("(current)"));
    assert_eq!(world.left(), [""; 0]);
}

#[test]
fn the_lock_of_a_download_is_that_of_a_stock_image() {
    let packed = zstd::encode_all(disk().as_slice(), 1).unwrap();
    let world = World::new(packed.clone());
    let agent = world.store.with_file_name("agent");
    std::fs::write(&agent, b"program").unwrap();
    let output = world.command().args(["--agent", agent.as_str()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "no bar where nobody watches");
    let lock = world.lock();
    let boot = Boot::Disk { firmware: Firmware::Uefi, seed: SeedFormat::NoCloud };
    assert_eq!(lock.boot, boot);
    let entry = &lock.files.disk;
    assert_eq!((entry.format, entry.sha256), (DiskFormat::RawZstd, Sha256Digest::of(&packed)));
    assert_eq!(entry.virtual_bytes, Some(2 << 20));
    assert_eq!(lock.files.agent.as_ref().unwrap().sha256, Sha256Digest::of(b"program"));
    assert!(lock.verify().unwrap().agent.is_some());
}

/// The header of a qcow2 file and something behind it.
fn qcow2(backing: u8, features: u8) -> Vec<u8> {
    let mut disk = vec![0; 4096];
    disk[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
    disk[15] = backing;
    disk[79] = features;
    disk
}

#[test]
fn a_packed_qcow2_disk_is_unpacked_and_locked_as_what_it_then_is() {
    let world = World::new(zstd::encode_all(qcow2(0, 0).as_slice(), 1).unwrap());
    assert!(world.run().status.success());
    let entry = world.lock().files.disk;
    assert_eq!((entry.format, entry.sha256), (DiskFormat::Qcow2, Sha256Digest::of(&qcow2(0, 0))));
    let folder = world.store.join("stock/current");
    let names = folder.read_dir_utf8().unwrap().map(|it| it.unwrap().file_name().to_owned());
    assert_eq!(names.collect::<std::collections::BTreeSet<_>>().len(), 2);
    // Once more is no more.
    assert!(world.run().status.success());
    assert_eq!(world.server.asked().len(), 1);
}

fn refused(body: Vec<u8>) -> String {
    let world = World::new(body);
    let output = world.run();
    assert_eq!(output.status.code(), Some(2));
    assert!(!world.store.join("stock/current").exists());
    assert!(no_versions(&world.store));
    String::from_utf8(output.stderr).unwrap()
}

fn no_versions(store: &Utf8Path) -> bool {
    store.join("stock").read_dir_utf8().map_or(true, |mut entries| entries.next().is_none())
}

#[test]
fn disks_that_refer_to_other_files_or_are_packed_unknown_are_refused() {
    let error = refused(qcow2(104, 0));
    assert!(error.contains("it has a backing file"), "{error}");
    let error = refused(qcow2(0, 4));
    assert!(error.contains("its data is in another file"), "{error}");
    let error = refused(b"\xfd7zXZ\0\0\0".to_vec());
    assert!(error.contains("packed by xz; unpack it"), "{error}");
}

#[test]
fn another_digest_is_told_and_nothing_is_kept() {
    let mut world = World::new(disk());
    world.packed = b"another".to_vec();
    let output = world.run();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("is not the wanted file: its digest is sha256:"), "{error}");
    assert_eq!(world.left(), [""; 0]);
    assert!(no_versions(&world.store));
}
