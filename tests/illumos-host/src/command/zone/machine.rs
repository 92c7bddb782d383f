//! bhyve, which is QEMU's translator here.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

use super::brand::{Disk, Interface, Machine};
use super::kernel::Process;
use super::store::Store;
use crate::command::links::Tap;

const QEMU: &str = "/usr/bin/qemu-system-x86_64";
/// Where Debian has UEFI firmware for QEMU; the variables are in a file beside it.
const OVMF: [&str; 2] = ["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_CODE.fd"];
/// How long QEMU may take to answer on its control socket.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// What bhyve can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGTERM: the power button, which the guest may ignore.
    Terminate,
    /// SIGKILL.
    Kill,
}

/// All that QEMU is started with.
pub(super) struct Launch<'a> {
    pub(super) zone: &'a str,
    pub(super) machine: &'a Machine,
    /// The files of the machine's disks, in their order.
    pub(super) files: &'a [Utf8PathBuf],
    pub(super) taps: &'a [Tap],
    /// The socket of the zone's console, which is COM1.
    pub(super) console: &'a Utf8Path,
    pub(super) control: &'a Utf8Path,
    /// The zone's root.
    pub(super) root: &'a Utf8Path,
}

/// Where the control socket of a zone's bhyve is.
pub(super) fn control_socket(store: &Store, zone: &str) -> Utf8PathBuf {
    store.run.join(format!("{zone}.qmp"))
}

/// Sends a signal. A process that is gone has it already.
pub(super) fn signal(store: &Store, zone: &str, process: Process, signal: Signal) {
    match signal {
        Signal::Terminate => {
            // QEMU takes a SIGTERM for an order; bhyve presses the power button.
            let _gone = power_button(&control_socket(store, zone));
        }
        Signal::Kill => kill(process),
    }
}

fn kill(process: Process) {
    let Some(pid) = Pid::from_raw(process.pid) else { return };
    if let Ok(fd) = pidfd_open(pid, PidfdFlags::empty())
        && process.runs()
    {
        let _gone = pidfd_send_signal(fd, rustix::process::Signal::KILL);
    }
}

/// Waits for the end of a process.
pub(super) fn wait(process: Process) {
    let Some(pid) = Pid::from_raw(process.pid) else { return };
    if let Ok(fd) = pidfd_open(pid, PidfdFlags::empty()) {
        while process.runs() {
            let mut fds = [PollFd::new(&fd, PollFlags::IN)];
            let _interrupted = poll(&mut fds, None);
        }
    }
}

/// QEMU's machine protocol (docs/interop/qmp-spec): capabilities first, then the command.
fn power_button(control: &Utf8Path) -> io::Result<()> {
    let mut stream = UnixStream::connect(control)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    answers.read_line(&mut line)?;
    for command in ["qmp_capabilities", "system_powerdown"] {
        writeln!(stream, "{{\"execute\": \"{command}\"}}")?;
        loop {
            line.clear();
            let read = answers.read_line(&mut line)?;
            if read == 0 || line.contains("\"return\"") || line.contains("\"error\"") {
                break;
            }
        }
    }
    Ok(())
}

impl Launch<'_> {
    /// Starts QEMU. What it says goes to the log of the zone's init.
    pub(super) fn start(&self) -> io::Result<Child> {
        let _stale = fs::remove_file(self.control);
        let log = File::create(self.root.join("tmp/init.log"))?;
        let mut command = Command::new(QEMU);
        command.args(self.argv()?).env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.spawn()
    }

    fn argv(&self) -> io::Result<Vec<String>> {
        let mut argv = self.board();
        if self.machine.uefi {
            argv.extend(self.firmware()?);
        }
        for (number, (disk, file)) in self.machine.disks.iter().zip(self.files).enumerate() {
            argv.extend(drive(number, disk, file));
        }
        for (number, tap) in self.taps.iter().enumerate() {
            argv.extend(network(number, tap));
        }
        if self.machine.rng {
            argv.extend(words(&["-device", "virtio-rng-pci"]));
        }
        argv.extend([
            "-chardev".to_owned(),
            format!("socket,id=console,path={}", escape(self.console.as_str())),
            "-serial".to_owned(),
            "chardev:console".to_owned(),
            "-chardev".to_owned(),
            format!("socket,id=control,path={},server=on,wait=off", escape(self.control.as_str())),
            "-mon".to_owned(),
            "chardev=control,mode=control".to_owned(),
        ]);
        Ok(argv)
    }

    fn board(&self) -> Vec<String> {
        let Machine { cpus, memory_bytes, uuid, manufacturer, serial, .. } = self.machine;
        let mut smp = cpus.total.to_string();
        for (name, count) in
            [("sockets", cpus.sockets), ("cores", cpus.cores), ("threads", cpus.threads)]
        {
            if let Some(count) = count {
                smp += &format!(",{name}={count}");
            }
        }
        let mut argv =
            vec!["-name".to_owned(), format!("guest={},process=bhyve", escape(self.zone))];
        argv.extend(words(&["-nodefaults", "-no-user-config", "-display", "none"]));
        argv.extend(words(&["-machine", "q35,accel=tcg,vmport=off", "-cpu", "max"]));
        argv.extend(["-smp".to_owned(), smp]);
        argv.extend(["-m".to_owned(), format!("{}k", memory_bytes / 1024)]);
        argv.extend(["-uuid".to_owned(), uuid.clone()]);
        argv.push("-smbios".to_owned());
        argv.push(format!(
            "type=1,manufacturer={manufacturer},product={manufacturer} HVM,version=1.0,\
             serial={},sku=001,family=Virtual Machine",
            escape(serial)
        ));
        argv
    }

    /// The firmware, and the machine's own copy of its variables.
    fn firmware(&self) -> io::Result<Vec<String>> {
        let Some(code) = OVMF.iter().find(|path| Utf8Path::new(path).is_file()) else {
            let text = "illumos-host: UEFI firmware is not installed: apt-get install ovmf";
            fs::write(self.root.join("tmp/init.log"), format!("{text}\n"))?;
            return Err(io::Error::other(text));
        };
        let variables = self.root.join("etc/uefivars");
        if !variables.exists() {
            fs::copy(code.replace("_CODE", "_VARS"), &variables)?;
        }
        let flash = |number: u8, file: &str, rest: &str| {
            format!("if=pflash,unit={number},format=raw,file={}{rest}", escape(file))
        };
        Ok(vec![
            "-drive".to_owned(),
            flash(0, code, ",readonly=on"),
            "-drive".to_owned(),
            flash(1, variables.as_str(), ""),
        ])
    }
}

fn drive(number: usize, disk: &Disk, file: &Utf8Path) -> Vec<String> {
    let read_only = if disk.read_only { "on" } else { "off" };
    let cd = disk.interface == Interface::AhciCd;
    let drive = format!(
        "if=none,id=disk{number},format=raw,file={},readonly={read_only},cache=unsafe,\
         discard=unmap{}",
        escape(file.as_str()),
        if cd { ",media=cdrom" } else { "" }
    );
    let device = match disk.interface {
        Interface::VirtioBlk => "virtio-blk-pci",
        Interface::AhciDisk => "ide-hd",
        Interface::AhciCd => "ide-cd",
        Interface::Nvme => "nvme",
    };
    let mut device = format!("{device},drive=disk{number},bootindex={number}");
    match &disk.serial {
        Some(serial) => device += &format!(",serial={}", escape(serial)),
        None if disk.interface == Interface::Nvme => device += &format!(",serial=disk{number}"),
        None => {}
    }
    vec!["-drive".to_owned(), drive, "-device".to_owned(), device]
}

fn network(number: usize, tap: &Tap) -> Vec<String> {
    vec![
        "-netdev".to_owned(),
        format!("tap,id=net{number},ifname={},script=no,downscript=no", escape(&tap.device)),
        "-device".to_owned(),
        format!("virtio-net-pci,netdev=net{number},mac={},romfile=", tap.mac.padded()),
    ]
}

/// A value inside a QEMU option list: commas are doubled.
fn escape(value: &str) -> String {
    value.replace(',', ",,")
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}
