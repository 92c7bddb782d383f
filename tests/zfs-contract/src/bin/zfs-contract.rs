//! `cargo xtask zfs-check`: the contract against a real OpenZFS.
//!
//! Starts the guest, enters the simulated host, where the shim takes the place
//! of its zfs, and runs every case. Prints a line per case; exits with 1 if one
//! fails.

use std::io;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Parser, Subcommand};
use illumos_host::enter;
use zfs_contract::{CASES, Flavor, Ground};
use zfs_guest::wire;

/// How long the guest may take to boot and make its pool.
const BOOT_LIMIT: Duration = Duration::from_secs(180);
/// The size of the pool's disk; a sparse file.
const DISK_BYTES: u64 = 4 << 30;

/// The contract with ZFS, against a real one.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Start the guest and run every case
    Run {
        /// The folder with `vmlinuz` and `initrd.gz`
        #[arg(long)]
        guest: Utf8PathBuf,
    },
    /// Run every case; inside the simulated host, with the guest running
    #[command(hide = true)]
    Inside {
        /// What takes the place of zfs
        shim: Utf8PathBuf,
    },
}

fn main() -> ExitCode {
    let done = match Args::parse().verb {
        Verb::Run { guest } => run(&guest),
        Verb::Inside { shim } => inside(&shim),
    };
    done.unwrap_or_else(|error| {
        eprintln!("zfs-contract: {error}");
        ExitCode::from(3)
    })
}

fn run(guest: &Utf8Path) -> io::Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("zfs-contract.").tempdir()?;
    let folder = Utf8Path::from_path(folder.path()).ok_or_else(|| io::Error::other("no UTF-8"))?;
    let this = Utf8PathBuf::try_from(std::env::current_exe()?).map_err(io::Error::other)?;
    let begun = Instant::now();
    let _guest = Guest::start(guest, folder)?;
    eprintln!("the guest is up after {:.1} s", begun.elapsed().as_secs_f32());
    let shim = this.with_file_name("zfs-shim");
    let status = enter::command(folder, &[this.as_str(), "inside", shim.as_str()]).status()?;
    eprintln!("{:.1} s in all", begun.elapsed().as_secs_f32());
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The running guest. Dropping it ends it.
struct Guest {
    qemu: Child,
}

impl Drop for Guest {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.qemu.kill();
        let _ended = self.qemu.wait();
    }
}

impl Guest {
    fn start(files: &Utf8Path, folder: &Utf8Path) -> io::Result<Self> {
        let (disk, socket, console) =
            (folder.join("disk.raw"), folder.join("zfs.sock"), folder.join("console"));
        std::fs::File::create(&disk)?.set_len(DISK_BYTES)?;
        let qemu = Command::new("qemu-system-x86_64")
            .args(["-machine", "q35,accel=tcg", "-cpu", "qemu64", "-smp", "1", "-m", "512"])
            .args(["-nodefaults", "-display", "none", "-no-reboot"])
            .args(["-kernel", files.join("vmlinuz").as_str()])
            .args(["-initrd", files.join("initrd.gz").as_str()])
            .args(["-append", "console=ttyS0 quiet panic=-1 mitigations=off"])
            .args(["-serial", &format!("file:{console}")])
            .args(["-drive", &format!("file={disk},if=none,id=d,format=raw,cache=unsafe")])
            .args(["-device", "virtio-blk-pci,drive=d", "-device", "virtio-serial-pci"])
            .args(["-chardev", &format!("socket,id=c,path={socket},server=on,wait=off")])
            .args(["-device", "virtserialport,chardev=c,name=zfs"])
            .stdin(Stdio::null())
            .spawn()?;
        let mut guest = Self { qemu };
        if let Err(error) = guest.answers(&socket) {
            let said = std::fs::read_to_string(&console).unwrap_or_default();
            return Err(io::Error::other(format!("{error}; the guest said: {said}")));
        }
        Ok(guest)
    }

    /// Asks for nothing, and waits for the answer.
    fn answers(&mut self, socket: &Utf8Path) -> io::Result<()> {
        let begun = Instant::now();
        let mut port = loop {
            match UnixStream::connect(socket) {
                Ok(port) => break port,
                Err(error) if begun.elapsed() > BOOT_LIMIT => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
            if let Some(status) = self.qemu.try_wait()? {
                return Err(io::Error::other(format!("QEMU ended with {status}")));
            }
        };
        port.set_read_timeout(Some(BOOT_LIMIT))?;
        wire::ask(&mut port, &[])?;
        wire::answered(&mut port).map(|_| ())
    }
}

fn inside(shim: &Utf8Path) -> io::Result<ExitCode> {
    for program in ["/usr/sbin/zfs", "/usr/sbin/zpool"] {
        rustix::mount::mount_bind(shim.as_str(), program)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // A case that fails says why itself; the next one has other ground.
    let failed: Vec<_> = CASES.iter().filter(|case| !passes(&runtime, case)).collect();
    println!("{} cases, {} failed", CASES.len(), failed.len());
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn passes(runtime: &tokio::runtime::Runtime, case: &zfs_contract::Case) -> bool {
    let begun = Instant::now();
    let run = || runtime.block_on(Ground::run(case, Flavor::Linux));
    let passed = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            eprintln!("{error:?}");
            false
        }
        Err(_) => false,
    };
    let word = if passed { "ok" } else { "FAILED" };
    println!("{word:<7} {:5.1} s  {}", begun.elapsed().as_secs_f32(), case.0);
    passed
}
