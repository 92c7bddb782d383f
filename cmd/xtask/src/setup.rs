//! What has to be on the computer, and how it gets there.

use std::process::Command;

use crate::run::{Failure, Step, on_path};

/// A Debian package, and a file by which it is known to be there; a name without
/// a slash is that of a program anywhere on the path, which people often have by
/// other means.
struct Package {
    name: &'static str,
    file: &'static str,
}

impl Package {
    fn is_there(&self) -> bool {
        if self.file.contains('/') {
            std::path::Path::new(self.file).exists()
        } else {
            on_path(self.file)
        }
    }
}

/// What it takes to make the image and to run machines.
const MACHINES: &[Package] = &[
    Package { name: "qemu-system-x86", file: "/usr/bin/qemu-system-x86_64" },
    Package { name: "qemu-utils", file: "/usr/bin/qemu-img" },
    Package { name: "qemu-system-data", file: "/usr/share/qemu/qboot.rom" },
    Package { name: "busybox-static", file: "/usr/share/doc/busybox-static" },
    Package { name: "cpio", file: "/usr/bin/cpio" },
    Package { name: "e2fsprogs", file: "/usr/sbin/mke2fs" },
    Package { name: "git", file: "/usr/bin/git" },
    Package { name: "grub-common", file: "/usr/bin/grub-mkimage" },
    Package { name: "iproute2", file: "/usr/sbin/ip" },
    Package { name: "lz4", file: "/usr/bin/lz4" },
    Package { name: "nftables", file: "/usr/sbin/nft" },
    Package { name: "ovmf", file: "/usr/share/OVMF/OVMF_CODE_4M.fd" },
    Package { name: "util-linux", file: "/usr/bin/setpriv" },
    Package { name: "xz-utils", file: "/usr/bin/xz" },
    Package { name: "zstd", file: "/usr/bin/zstd" },
];

/// What it takes to make and boot debian-12 besides.
const IMAGES: &[Package] = &[
    Package { name: "mmdebstrap", file: "/usr/bin/mmdebstrap" },
    Package { name: "mtools", file: "/usr/bin/mcopy" },
];

/// What tests need besides: what others say of the files that we write.
const TESTS: &[Package] = &[
    Package { name: "chromium", file: "/usr/bin/chromium" },
    Package { name: "chromium-driver", file: "/usr/bin/chromedriver" },
    Package { name: "dnsmasq-base", file: "/usr/sbin/dnsmasq" },
    Package { name: "dosfstools", file: "/usr/sbin/fsck.fat" },
    Package { name: "fonts-dejavu-core", file: "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf" },
    Package { name: "iptables", file: "/usr/sbin/ebtables" },
    Package { name: "ksh93u+m", file: "/usr/bin/ksh93" },
    Package { name: "libvirt-daemon", file: "/usr/sbin/libvirtd" },
    Package { name: "libvirt-dev", file: "/usr/include/libvirt/libvirt.h" },
    Package { name: "libxml2-utils", file: "/usr/bin/xmllint" },
    Package { name: "nodejs", file: "node" },
    Package { name: "npm", file: "npm" },
    Package { name: "pkg-config", file: "/usr/bin/pkg-config" },
    Package { name: "python3-venv", file: "/usr/share/doc/python3-venv" },
    Package { name: "systemd", file: "/usr/bin/systemd-analyze" },
];

/// What `bench` needs besides.
const BENCH: &[Package] = &[Package { name: "wrk", file: "wrk" }];

/// What `ci` needs besides.
const CHECKS: &[Package] = &[
    Package { name: "mandoc", file: "/usr/bin/mandoc" },
    Package { name: "python3-pip", file: "/usr/bin/pip3" },
    Package { name: "shellcheck", file: "/usr/bin/shellcheck" },
];

/// What `illumos-check` needs: a compiler that comes with the source of its
/// standard library.
const ILLUMOS: &[Package] = &[
    Package { name: "cargo-web", file: "/usr/bin/cargo" },
    Package { name: "gcc", file: "/usr/bin/gcc" },
    Package { name: "rust-web-src", file: "/usr/share/doc/rust-web-src" },
    Package { name: "rustc-web", file: "/usr/bin/rustc" },
];

/// What `zfs-check` needs besides: what compiles kernel modules.
const ZFS: &[Package] = &[
    Package { name: "gcc-12", file: "/usr/bin/gcc-12" },
    Package { name: "libelf1", file: "/usr/lib/x86_64-linux-gnu/libelf.so.1" },
    Package { name: "make", file: "/usr/bin/make" },
];

/// Installs all that any verb needs.
pub(crate) fn for_everything() -> Result<(), Failure> {
    let others = TESTS.iter().chain(BENCH).chain(CHECKS).chain(ILLUMOS).chain(ZFS);
    install(MACHINES.iter().chain(IMAGES).chain(others))
}

/// Installs what it takes to run the tests.
pub(crate) fn for_tests() -> Result<(), Failure> {
    install(MACHINES.iter().chain(TESTS))
}

/// Installs what it takes to measure.
pub(crate) fn for_bench() -> Result<(), Failure> {
    install(MACHINES.iter().chain(TESTS).chain(BENCH))
}

/// Installs what it takes to compile for illumos.
pub(crate) fn for_illumos() -> Result<(), Failure> {
    install(ILLUMOS)
}

/// Installs what it takes to make every image and to boot it.
pub(crate) fn for_images() -> Result<(), Failure> {
    install(MACHINES.iter().chain(IMAGES))
}

/// Installs what it takes to make the image and to run machines.
pub(crate) fn for_machines() -> Result<(), Failure> {
    install(MACHINES)
}

/// Installs what it takes to make the guest with a real ZFS and to run it.
pub(crate) fn for_zfs() -> Result<(), Failure> {
    install(MACHINES.iter().chain(ZFS))
}

fn install<'a>(packages: impl IntoIterator<Item = &'a Package>) -> Result<(), Failure> {
    let missing: Vec<&str> = packages
        .into_iter()
        .filter(|package| !package.is_there())
        .map(|package| package.name)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !on_path("apt-get") {
        return Err(Failure::Needs(format!(
            "this computer has no apt-get; install what Debian calls {} by its own means",
            missing.join(" ")
        )));
    }
    let release = qemu_release();
    let calls = apt_calls(&missing, release.as_deref());
    if !rustix::process::geteuid().is_root() {
        let typed: String =
            calls.iter().map(|call| format!(" && sudo apt-get {}", call.join(" "))).collect();
        return Err(Failure::Needs(format!(
            "some Debian packages are missing, and only root may install them. Type\n\n    \
             sudo apt-get update{typed}\n\nand then the same command again"
        )));
    }
    eprintln!("installing {}", missing.join(" "));
    if let Some(release) = &release {
        add_release(release)?;
    }
    Step::new("apt-get", ["update", "-qq"]).run()?;
    for call in calls {
        Step::new("apt-get", call).env("DEBIAN_FRONTEND", "noninteractive").run()?;
    }
    Ok(())
}

/// The calls of apt-get that install what is missing: QEMU's packages from
/// their release, all others from the system's own.
fn apt_calls(missing: &[&str], release: Option<&str>) -> Vec<Vec<String>> {
    let (qemu, others): (Vec<&str>, Vec<&str>) =
        missing.iter().partition(|name| name.starts_with("qemu-"));
    let call = |names: Vec<&str>, release: Option<&str>| {
        let options = ["install", "-qq", "-y", "--no-install-recommends"];
        let from = release.into_iter().flat_map(|release| ["-t", release]);
        let words = options.into_iter().chain(from).chain(names.iter().copied());
        (!names.is_empty()).then(|| words.map(str::to_owned).collect())
    };
    call(qemu, release).into_iter().chain(call(others, None)).collect()
}

/// QEMU's packages must all be of one version. Where one of them already came
/// from backports, the others have to come from there too.
fn qemu_release() -> Option<String> {
    let query = ["-W", "-f=${Version}", "qemu-utils"];
    let output = Command::new("dpkg-query").args(query).output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    if !version.contains("~bpo") {
        return None;
    }
    let release = std::fs::read_to_string("/etc/os-release").ok()?;
    let name = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    Some(format!("{name}-backports"))
}

/// Adds the backports suite if apt does not know it yet.
fn add_release(release: &str) -> Result<(), Failure> {
    let known = Command::new("apt-cache").arg("policy").output();
    if known.is_ok_and(|known| String::from_utf8_lossy(&known.stdout).contains(release)) {
        return Ok(());
    }
    let file = "/etc/apt/sources.list.d/solstice-backports.list";
    eprintln!("adding {release} to apt's sources in {file}, because qemu-utils comes from there");
    let line = format!("deb http://deb.debian.org/debian {release} main\n");
    std::fs::write(file, line)
        .map_err(|error| Failure::Needs(format!("cannot write {file}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(missing: &[&str], release: Option<&str>) -> Vec<String> {
        apt_calls(missing, release).iter().map(|call| call.join(" ")).collect()
    }

    #[test]
    fn only_packages_of_a_backported_qemu_come_from_backports() {
        let release = Some("bookworm-backports");
        let both = calls(&["git", "qemu-system-x86", "libvirt-daemon"], release);
        let install = "install -qq -y --no-install-recommends";
        assert_eq!(
            both,
            [
                format!("{install} -t bookworm-backports qemu-system-x86"),
                format!("{install} git libvirt-daemon"),
            ]
        );
    }

    #[test]
    fn an_ordinary_debian_is_asked_plainly() {
        let plain = calls(&["git", "cpio"], None);
        assert_eq!(plain, ["install -qq -y --no-install-recommends git cpio"]);
    }
}
