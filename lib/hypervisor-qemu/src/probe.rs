//! Which engine runs guests here: KVM only if a guest was seen to run on it.
//!
//! `/dev/kvm` may open, answer and make a machine whose guest never executes an
//! instruction (nested virtualisation that is there only in name). So a guest is
//! started on it, the kernel of one of the host's own images or else a boot sector,
//! by SeaBIOS: its first byte on the console is the proof. A kernel of a hundred
//! bytes, started by PVH, is none: there are computers on which that prints, and
//! no firmware ever does. The verdict is kept
//! until the kernel, QEMU, the device or the image's kernel changes, or somebody
//! removes the file `accelerator.json`.

use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};
use solstice_exec::Command;
use solstice_hypervisor::folders::{make_private_dir, write_private_file};
use solstice_image::{Boot, VerifiedImage};

use crate::args::{Boot as Firmware, Engine, Start, config};
use crate::config::QemuConfig;
use crate::error::QemuError;
use crate::folder::Folder;
use crate::launch::filled_pipe;
use crate::process::{MARK, end_all};

const KVM: &str = "/dev/kvm";
/// How long the probe's guest may take to print what it is waited for; a real
/// one takes a fifth of it.
const PROBE_LIMIT: Duration = Duration::from_secs(5);
/// The version of the way in which it is found out.
const PROBE: u32 = 1;
/// What the boot sector prints, a byte per two ticks of the timer (18.2 Hz).
const TICKS: u8 = 6;
/// What it prints once it has counted to 2^26: where KVM is there in name only,
/// a guest prints and gets its ticks, but its own instructions crawl.
const COUNTED: u8 = b'!';
/// Kernel parameters that make it print as early as it can.
const TALK: &str = " earlyprintk=ttyS0 loglevel=7";

/// Which engine is used, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The engine.
    pub engine: Engine,
    /// A sentence for the operator.
    pub why: String,
}

/// A verdict with what it was reached from.
#[derive(Serialize, Deserialize)]
struct Kept {
    from: Circumstances,
    verdict: Verdict,
}

#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Circumstances {
    /// How it was found out: grows when that changes.
    probe: u32,
    kernel: String,
    qemu: String,
    device_changed: (i64, i64),
    image: Option<String>,
}

/// Finds out which engine to use, by the verdict that is kept in the state
/// directory or by a guest, of one of these images if one has a kernel.
pub(crate) async fn probe(
    config: &QemuConfig,
    qemu_version: &str,
    images: &[VerifiedImage],
) -> Result<Verdict, QemuError> {
    let tcg = |why: String| Ok(Verdict { engine: Engine::Tcg, why });
    if let Err(error) = OpenOptions::new().read(true).write(true).open(KVM) {
        return tcg(format!("{KVM} cannot be opened: {error}"));
    }
    let path = config.state_dir.join("accelerator.json");
    let image = images.iter().find(|image| kernel_of(image).is_some());
    let from = circumstances(qemu_version, image)?;
    if let Ok(text) = std::fs::read(&path)
        && let Ok(kept) = serde_json::from_slice::<Kept>(&text)
        && kept.from == from
    {
        return Ok(kept.verdict);
    }
    let verdict = try_kvm(config, image).await?;
    let kept = serde_json::to_vec_pretty(&Kept { from, verdict: verdict.clone() });
    let kept = kept.expect("a verdict can be written as JSON");
    std::fs::write(&path, kept).map_err(QemuError::file("write", &path))?;
    Ok(verdict)
}

fn circumstances(qemu: &str, image: Option<&VerifiedImage>) -> Result<Circumstances, QemuError> {
    let release = Utf8Path::new("/proc/sys/kernel/osrelease");
    let kernel = std::fs::read_to_string(release).map_err(QemuError::file("read", release))?;
    let meta = std::fs::metadata(KVM).map_err(QemuError::file("read", Utf8Path::new(KVM)))?;
    Ok(Circumstances {
        probe: PROBE,
        kernel: kernel.trim().to_owned(),
        qemu: qemu.to_owned(),
        device_changed: (meta.mtime(), meta.mtime_nsec()),
        image: image.and_then(|image| Some(image.kernel.as_ref()?.sha256.to_string())),
    })
}

/// Boots a kernel on KVM and waits for a sign of life.
async fn try_kvm(config: &QemuConfig, image: Option<&VerifiedImage>) -> Result<Verdict, QemuError> {
    let folder = Folder::at(config.state_dir.join("probe"));
    clear(&folder).await?;
    make_private_dir(folder.path())?;
    let command = probe_command(config, image, &folder)?;
    // A kernel prints only after much has worked.
    let wanted = if image.and_then(kernel_of).is_some() { 1 } else { u64::from(TICKS) + 1 };
    let printed = async {
        while folder.console_bytes() < wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let verdict = tokio::select! {
        () = printed => Verdict { engine: Engine::Kvm, why: "a guest ran on KVM".to_owned() },
        ended = command.run() => {
            let why = match ended {
                Ok(_) => "QEMU with KVM ended before its guest printed anything".to_owned(),
                Err(solstice_exec::ExecError::TimedOut { .. }) => format!(
                    "{KVM} opens, but a guest made no progress on it in {} s",
                    PROBE_LIMIT.as_secs()
                ),
                Err(error) => format!("QEMU cannot use KVM: {}", reason(&error)),
            };
            Verdict { engine: Engine::Tcg, why }
        }
    };
    clear(&folder).await?;
    Ok(verdict)
}

/// The last line that QEMU printed, or the whole error.
fn reason(error: &solstice_exec::ExecError) -> String {
    let last = error.stderr().and_then(|text| text.trim().lines().last());
    last.filter(|line| !line.is_empty()).map_or_else(|| error.to_string(), str::to_owned)
}

fn probe_command(
    qemu: &QemuConfig,
    image: Option<&VerifiedImage>,
    folder: &Folder,
) -> Result<Command, QemuError> {
    let (boot, cmdline, disk) = match image.and_then(kernel_of) {
        Some((boot, cmdline)) => (boot, cmdline, None),
        None => {
            let disk = folder.path().join("disk");
            write_private_file(&disk, &sign_of_life())?;
            (Firmware::Bios, "", Some(disk))
        }
    };
    let start = Start {
        name: format!("solstice-{}-probe", qemu.host),
        engine: Engine::Kvm,
        cpus: 1,
        memory_mib: 512,
        boot,
        disk: None,
        seed: disk,
        card: None,
        console: folder.console(),
        qmp: folder.qmp(),
    };
    let text = config(&format!("{cmdline}{TALK}")).map_err(|why| QemuError::Image { why })?;
    let pipe = filled_pipe(&text).map_err(QemuError::file("talk to", &qemu.qemu))?;
    Ok(Command::new(&qemu.qemu)
        .args(start.argv())
        .env_clear()
        .env(MARK, folder.path())
        .stdin_from(File::from(OwnedFd::from(pipe)))
        .timeout(PROBE_LIMIT))
}

/// A disk of 1 MiB whose boot sector prints [`TICKS`] bytes on the serial port,
/// waits for two ticks of the timer after each, counts, prints [`COUNTED`], and stays.
fn sign_of_life() -> Vec<u8> {
    // The BIOS counts ticks at 0040:006c.
    let mut disk = vec![
        0x31, 0xc0, //              xor ax, ax
        0x8e, 0xd8, //              mov ds, ax
        0xfb, //                    sti
        0xb9, TICKS, 0x00, //       mov cx, TICKS
        0xba, 0xf8, 0x03, //  next: mov dx, 0x3f8
        0xb0, b'.', //              mov al, '.'
        0xee, //                    out dx, al
        0x8b, 0x1e, 0x6c, 0x04, //  mov bx, [0x46c]
        0x83, 0xc3, 0x02, //        add bx, 2
        0xf4, //              wait: hlt
        0x39, 0x1e, 0x6c, 0x04, //  cmp [0x46c], bx
        0x72, 0xf9, //              jb wait
        0xe2, 0xea, //              loop next
        0x66, 0xb9, 0x00, 0x00, 0x00, 0x04, // mov ecx, 1 << 26
        0x66, 0x49, //       count: dec ecx
        0x75, 0xfc, //              jnz count
        0xba, 0xf8, 0x03, //        mov dx, 0x3f8
        0xb0, COUNTED, //           mov al, COUNTED
        0xee,    //                    out dx, al
        0xf4,    //              stay: hlt
        0xeb, 0xfd, //              jmp stay
    ];
    disk.resize(510, 0);
    disk.extend([0x55, 0xaa]);
    disk.resize(1 << 20, 0);
    disk
}

/// How an image with a kernel beside its disk is booted, and with which command line.
pub(crate) fn kernel_of(image: &VerifiedImage) -> Option<(Firmware, &str)> {
    match (&image.boot, &image.kernel) {
        (Boot::DirectKernel { cmdline }, Some(kernel)) => {
            let initrd = image.initrd.as_ref().map(|file| file.path.clone());
            Some((Firmware::Kernel { kernel: kernel.path.clone(), initrd }, cmdline))
        }
        _ => None,
    }
}

/// Removes what a probe leaves, this one or one that was killed.
async fn clear(folder: &Folder) -> Result<(), QemuError> {
    end_all(folder.path(), true).await?;
    folder.remove()
}
