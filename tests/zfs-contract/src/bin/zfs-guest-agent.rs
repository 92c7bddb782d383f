//! Inside the guest: runs commands for the host, one after the other.

use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::time::Duration;

use zfs_contract::wire::{self, Reply};

/// The serial port that QEMU names `zfs`.
const PORT: &str = "/dev/vport0p1";

fn main() -> std::io::Result<()> {
    let mut port = loop {
        // mdev makes it when it is told.
        match File::options().read(true).write(true).open(PORT) {
            Ok(port) => break port,
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    loop {
        match wire::asked(&mut port) {
            Ok(argv) => wire::answer(&mut port, &run(&argv))?,
            // Nobody is connected on the other side.
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
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
