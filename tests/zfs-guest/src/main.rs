//! Inside the guest: runs commands for the host, one after the other.

use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::time::Duration;

use zfs_guest::wire::{self, Reply};

/// Where the kernel lists virtio serial ports, each with the name that QEMU gave it.
const PORTS: &str = "/sys/class/virtio-ports";

fn main() -> std::io::Result<()> {
    let mut port = open()?;
    loop {
        match wire::asked(&mut port) {
            Ok(argv) => wire::answer(&mut port, &run(&argv))?,
            // Nobody is connected on the other side.
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Opens the port of the name `zfs`.
fn open() -> std::io::Result<File> {
    for port in std::fs::read_dir(PORTS)? {
        let port = port?;
        if std::fs::read_to_string(port.path().join("name"))?.trim() == "zfs" {
            let device = std::path::Path::new("/dev").join(port.file_name());
            return File::options().read(true).write(true).open(device);
        }
    }
    Err(std::io::Error::other("there is no port named zfs"))
}

fn run(argv: &[String]) -> Reply {
    let Some((program, arguments)) = argv.split_first() else {
        return Reply { code: 0, stdout: Vec::new(), stderr: Vec::new() };
    };
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            let signal = output.status.signal().map(|signal| 128 + signal);
            let code = output.status.code().or(signal).unwrap_or(125);
            let code = u32::try_from(code).unwrap_or(125);
            Reply { code, stdout: output.stdout, stderr: output.stderr }
        }
        Err(error) => {
            Reply { code: 127, stdout: Vec::new(), stderr: error.to_string().into_bytes() }
        }
    }
}
