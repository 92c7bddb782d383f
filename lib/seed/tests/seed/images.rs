//! The images as file systems and archives.

use std::io::{Cursor, Read, Write};
use std::process::{Command, Stdio};

use fatfs::{FileSystem, FsOptions};
use solstice_image::SeedFormat;
use solstice_seed::{MAX_AGENT_BYTES, Seed, make, metadata_agent, no_cloud};

use crate::{WORDS, noise, seed, token};

/// What a file of a FAT image says.
fn read(image: &[u8], name: &str) -> String {
    let system = FileSystem::new(Cursor::new(image.to_vec()), FsOptions::new()).unwrap();
    let mut text = String::new();
    system.root_dir().open_file(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// Lets `fsck.fat` of Debian's dosfstools look at an image.
fn check(image: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seed.img");
    std::fs::write(&path, image).unwrap();
    let output = Command::new("/usr/sbin/fsck.fat").arg("-nv").arg(path).output();
    let output = output.expect("apt-get install dosfstools");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Runs GNU cpio over an archive and returns what it prints.
fn cpio(archive: &[u8], arguments: &[&str], folder: &std::path::Path) -> String {
    let mut child = Command::new("/usr/bin/cpio")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("apt-get install cpio");
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(archive).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_no_cloud_seed_is_a_small_fat_file_system() {
    let image = no_cloud(&seed(&token())).unwrap();
    assert_eq!(image.len(), 64 * 1024);
    check(&image);
    let system = FileSystem::new(Cursor::new(image.clone()), FsOptions::new()).unwrap();
    assert_eq!(system.volume_label_as_bytes(), b"cidata");
    assert_eq!(system.read_volume_label_from_root_dir().unwrap().unwrap(), "cidata");
    let mut names: Vec<_> = system.root_dir().iter().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["meta-data", "network-config", "solstice.cfg", "user-data"]);

    assert_eq!(read(&image, "solstice.cfg"), WORDS);
    let data: serde_json::Value = serde_json::from_str(&read(&image, "meta-data")).unwrap();
    assert_eq!(data["instance-id"], "019a2f60-7c1e-7000-8000-000000000001");
    assert_eq!(data["local-hostname"], "solstice");
    assert!(read(&image, "user-data").starts_with("#!/bin/sh\n"));
}

#[test]
fn network_and_script_are_as_reviewed() {
    let token = token();
    let image = no_cloud(&seed(&token)).unwrap();
    let golden = |name: &str, text: &str| {
        expectorate::assert_contents(format!("tests/golden/{name}"), text);
    };
    golden("network-config.yaml", &read(&image, "network-config"));
    golden("user-data.sh", &read(&image, "user-data"));

    let mut alone = seed(&token);
    alone.network.gateway = None;
    let image = no_cloud(&alone).unwrap();
    golden("network-config-without-gateway.yaml", &read(&image, "network-config"));
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let token = token();
    for format in [SeedFormat::NoCloud, SeedFormat::MetadataAgent] {
        let with = Seed { agent: Some(b"agent"), ..seed(&token) };
        assert!(make(format, &with).unwrap() == make(format, &with).unwrap());
        let other = Seed { instance: "other", ..with };
        assert!(make(format, &with).unwrap() != make(format, &other).unwrap());
    }
}

#[test]
fn the_largest_agent_fits() {
    let (token, agent) = (token(), noise(MAX_AGENT_BYTES));
    let image = no_cloud(&Seed { agent: Some(&agent), ..seed(&token) }).unwrap();
    check(&image);
    assert!(image.len() < MAX_AGENT_BYTES * 3 / 2, "{}", image.len());
}

#[test]
fn a_metadata_agent_seed_is_a_portable_cpio_archive() {
    let token = token();
    let archive = metadata_agent(&seed(&token)).unwrap();
    assert_eq!(&archive[..6], b"070707");
    assert_eq!(archive.len() % 512, 0);
    let folder = tempfile::tempdir().unwrap();
    let listed = cpio(&archive, &["--quiet", "-itv", "-H", "odc"], folder.path());
    let lines: Vec<Vec<&str>> =
        listed.lines().map(|line| line.split_ascii_whitespace().collect()).collect();
    let listed: Vec<_> = lines.iter().map(|line| (line[0], line[2], line[8])).collect();
    assert_eq!(
        listed,
        [
            ("-rw-------", "root", "config.toml"),
            ("-rwx------", "root", "firstboot.sh"),
            ("-rw-------", "root", "nodename"),
        ]
    );
    cpio(&archive, &["--quiet", "-i"], folder.path());
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("config.toml"), "[network]\nskip = true\n");
    assert_eq!(read("nodename"), "solstice\n");
    assert_eq!(
        read("firstboot.sh"),
        user_data(&seed(&token)).replace("addressing='done'", "addressing='ipadm'")
    );
}

fn user_data(seed: &Seed<'_>) -> String {
    read(&no_cloud(seed).unwrap(), "user-data")
}
