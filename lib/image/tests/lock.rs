//! The lock fails closed (invariant I11): what is not exactly the locked file
//! starts no machine, and what is not exactly a lock locks nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;

use camino::Utf8PathBuf;
use serde_json::{Value, json};
use solstice_image::{ImageError, Lock, Renewed, VerifiedImage, renew};
use solstice_model::Sha256Digest;

const FILES: [&str; 4] = ["disk", "kernel", "initrd", "agent"];

/// An image of four files, each of which says what it is.
struct Image {
    _keep: tempfile::TempDir,
    folder: Utf8PathBuf,
    lock: Value,
}

impl Image {
    fn new() -> Self {
        let keep = tempfile::tempdir().unwrap();
        let folder = Utf8PathBuf::from_path_buf(keep.path().to_owned()).unwrap();
        let mut files = json!({});
        for name in FILES {
            let content = format!("golden {name}");
            std::fs::write(folder.join(name), &content).unwrap();
            files[name] = json!({
                "path": name,
                "sha256": Sha256Digest::of(content.as_bytes()),
                "bytes": content.len(),
            });
        }
        let boot = json!({"kind": "direct_kernel", "cmdline": "quiet"});
        let lock = json!({"name": "tiny", "files": files, "boot": boot});
        Self { _keep: keep, folder, lock }
    }

    fn read(&self) -> Result<Lock, ImageError> {
        let path = self.folder.join("image.lock");
        std::fs::write(&path, self.lock.to_string()).unwrap();
        Lock::read(path)
    }

    fn verify(&self) -> Result<VerifiedImage, ImageError> {
        self.read().unwrap().verify()
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.folder.join(name), content).unwrap();
    }

    /// Puts something else in the place of a file.
    fn replace(&self, name: &str, by: impl FnOnce(&Utf8PathBuf)) {
        let path = self.folder.join(name);
        std::fs::remove_file(&path).unwrap();
        by(&path);
    }
}

#[test]
fn the_locked_files_are_taken() {
    let image = Image::new();
    let verified = image.verify().unwrap();
    assert_eq!(verified.disk.path, image.folder.join("disk"));
    assert!(verified.kernel.is_some() && verified.initrd.is_some() && verified.agent.is_some());
    verified.recheck().unwrap();
}

#[test]
fn one_changed_byte_of_any_file_is_refused_with_both_digests() {
    for name in FILES {
        let image = Image::new();
        let verified = image.verify().unwrap();
        let forged = format!("Golden {name}");
        image.write(name, &forged);
        for refused in [image.verify().map(|_| ()), verified.recheck()] {
            let Err(ImageError::Differs { path, found, locked }) = refused else {
                panic!("{name}")
            };
            assert_eq!(path, image.folder.join(name));
            let golden = format!("golden {name}");
            assert_eq!(found, Sha256Digest::of(forged.as_bytes()));
            assert_eq!(locked, Sha256Digest::of(golden.as_bytes()));
        }
    }
}

#[test]
fn a_truncated_or_longer_file_is_refused_by_its_size() {
    for name in FILES {
        for content in ["", "golden", "golden disk and more"] {
            let image = Image::new();
            let verified = image.verify().unwrap();
            image.write(name, content);
            for refused in [image.verify().map(|_| ()), verified.recheck()] {
                let Err(ImageError::Size { found, .. }) = refused else { panic!("{refused:?}") };
                assert_eq!(found, content.len() as u64);
            }
        }
    }
}

#[test]
fn a_wrong_size_in_the_lock_is_refused() {
    let mut image = Image::new();
    image.lock["files"]["disk"]["bytes"] = json!(12);
    let error = image.verify().unwrap_err();
    assert!(error.to_string().contains("it has 11 bytes, the lock says 12"), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    for name in FILES {
        let image = Image::new();
        let verified = image.verify().unwrap();
        image.replace(name, |_| {});
        for refused in [image.verify().map(|_| ()), verified.recheck()] {
            let error = refused.unwrap_err().to_string();
            assert_eq!(error, format!("cannot read {}", image.folder.join(name)));
        }
    }
}

#[test]
fn what_is_no_plain_file_is_refused_at_once() {
    let fifo = |path: &Utf8PathBuf| {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    let link = |path: &Utf8PathBuf| {
        // To the very file that is locked: it could lead elsewhere a moment later.
        std::fs::write(path.with_extension("real"), "golden disk").unwrap();
        symlink(path.with_extension("real"), path).unwrap();
    };
    let socket = |path: &Utf8PathBuf| drop(UnixListener::bind(path).unwrap());
    let folder = |path: &Utf8PathBuf| std::fs::create_dir(path).unwrap();
    let device = |path: &Utf8PathBuf| symlink("/dev/zero", path).unwrap();
    type Make<'a> = &'a dyn Fn(&Utf8PathBuf);
    let cases: [(&str, Make<'_>); 5] = [
        ("a FIFO", &fifo),
        ("a symbolic link", &link),
        ("a socket", &socket),
        ("a folder", &folder),
        ("a symbolic link", &device),
    ];
    for (what, make) in cases {
        let image = Image::new();
        let verified = image.verify().unwrap();
        image.replace("disk", make);
        for refused in [image.verify().map(|_| ()), verified.recheck()] {
            let Err(ImageError::NotAFile { what: found, .. }) = refused else {
                panic!("{what}: {refused:?}")
            };
            assert_eq!(found, what);
        }
    }
}

#[test]
fn a_file_that_is_swapped_after_the_check_is_noticed_before_the_boot() {
    let image = Image::new();
    let verified = image.verify().unwrap();
    // Another file of the same size and times, by a rename.
    let (golden, forged) = (image.folder.join("disk"), image.folder.join("forged"));
    std::fs::write(&forged, "GOLDEN DISK").unwrap();
    let times = ["-r", golden.as_str(), forged.as_str()];
    assert!(Command::new("touch").args(times).status().unwrap().success());
    std::fs::rename(&forged, &golden).unwrap();
    assert!(matches!(verified.recheck(), Err(ImageError::Differs { .. })));
    // And written in place, with its time of change set back.
    let image = Image::new();
    let (golden, stamp) = (image.folder.join("disk"), image.folder.join("stamp"));
    let verified = image.verify().unwrap();
    assert!(
        Command::new("cp")
            .args(["-p", golden.as_str(), stamp.as_str()])
            .status()
            .unwrap()
            .success()
    );
    std::fs::write(&golden, "GOLDEN DISK").unwrap();
    let times = ["-r", stamp.as_str(), golden.as_str()];
    assert!(Command::new("touch").args(times).status().unwrap().success());
    assert!(matches!(verified.recheck(), Err(ImageError::Differs { .. })));
}

#[test]
fn a_file_that_was_only_touched_is_taken() {
    let image = Image::new();
    let verified = image.verify().unwrap();
    image.write("disk", "golden disk");
    verified.recheck().unwrap();
}

#[test]
fn a_lock_cannot_name_files_elsewhere() {
    for name in FILES {
        for outside in ["../disk", "/etc/passwd", "a/b", "..", ".", "", "./disk", "disk/"] {
            let mut image = Image::new();
            image.lock["files"][name]["path"] = json!(outside);
            let refused = image.read().unwrap_err();
            assert!(matches!(refused, ImageError::OutsideFolder { .. }), "{outside:?}");
        }
    }
}

#[test]
fn a_lock_says_all_that_it_has_to_and_nothing_else() {
    let golden = Sha256Digest::of(b"golden disk").to_string();
    let upper = format!("sha256:{}", golden["sha256:".len()..].to_ascii_uppercase());
    let cases: &[(&str, Value)] = &[
        ("", json!({})),
        ("/name", Value::Null),
        ("/name", json!("../tiny")),
        ("/files", json!({})),
        ("/files/disk", Value::Null),
        ("/files/disk/path", Value::Null),
        ("/files/disk/sha256", Value::Null),
        ("/files/disk/sha256", json!("")),
        ("/files/disk/sha256", json!(upper)),
        ("/files/disk/sha256", json!(&golden["sha256:".len()..])),
        ("/files/disk/sha256", json!(&golden[..golden.len() - 1])),
        ("/files/disk/sha256", json!(format!("{golden}00"))),
        ("/files/disk/sha256", json!(golden.replace("sha256", "sha1"))),
        ("/files/disk/bytes", Value::Null),
        ("/files/disk/bytes", json!(-11)),
        ("/files/disk/bytes", json!("11")),
        ("/files/disk/format", json!("vmdk")),
        ("/files/disk/url", json!("http://127.0.0.1/")),
        ("/files/kernel/mode", json!(493)),
        ("/files/script", json!({"path": "disk", "sha256": golden, "bytes": 11})),
        ("/boot", Value::Null),
        ("/boot/kind", json!("network")),
        ("/boot/firmware", json!("bios")),
        ("/latest", json!(true)),
        ("/packages", json!([{"name": "make"}])),
    ];
    for (place, value) in cases {
        let mut image = Image::new();
        if place.is_empty() {
            image.lock = value.clone();
        } else {
            let (parent, field) = place.rsplit_once('/').unwrap();
            let parent = image.lock.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            match value {
                Value::Null => parent.remove(field),
                value => parent.insert(field.to_owned(), value.clone()),
            };
        }
        let refused = image.read();
        assert!(matches!(refused, Err(ImageError::Syntax { .. })), "{place} {value}: {refused:?}");
    }
}

#[test]
fn a_lock_file_is_a_plain_file_of_json_and_not_too_large() {
    let image = Image::new();
    image.read().unwrap();
    let path = image.folder.join("image.lock");
    let text = std::fs::read_to_string(&path).unwrap();
    let twice = text.replacen("\"name\":", "\"name\":\"other\",\"name\":", 1);
    for bad in [String::new(), format!("{text}{text}"), text[..text.len() - 1].to_owned(), twice] {
        std::fs::write(&path, bad).unwrap();
        assert!(matches!(Lock::read(path.clone()), Err(ImageError::Syntax { .. })));
    }
    std::fs::File::create(&path).unwrap().set_len(4 * 1024 * 1024 + 1).unwrap();
    assert!(matches!(Lock::read(path.clone()), Err(ImageError::TooLarge { .. })));
    std::fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(matches!(Lock::read(path), Err(ImageError::NotAFile { what: "a FIFO", .. })));
}

#[test]
fn a_lock_is_written_anew_only_when_that_is_asked_for() {
    let mut image = Image::new();
    image.lock["files"]["disk"]["format"] = json!("raw");
    image.lock["packages"] = json!([]);
    image.read().unwrap();
    let path = image.folder.join("image.lock");
    assert_eq!(renew(&path).unwrap(), []);
    image.write("agent", "another agent");
    image.write("disk", "a larger disk");
    assert!(Lock::read(path.clone()).unwrap().verify().is_err());
    let changed = |name: &str, to: &str| Renewed {
        path: name.into(),
        from: Sha256Digest::of(format!("golden {name}").as_bytes()),
        to: Sha256Digest::of(to.as_bytes()),
    };
    let expected = [changed("agent", "another agent"), changed("disk", "a larger disk")];
    assert_eq!(renew(&path).unwrap(), expected);
    let verified = Lock::read(path.clone()).unwrap().verify().unwrap();
    assert_eq!(verified.disk_bytes, Some(13));
    // What is no plain file is not vouched for.
    image.replace("disk", |path| symlink("kernel", path).unwrap());
    let before = std::fs::read(&path).unwrap();
    assert!(renew(&path).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), before);
}
