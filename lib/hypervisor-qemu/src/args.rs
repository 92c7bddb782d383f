//! QEMU's command line and configuration, as pure functions of a machine.
//!
//! The machine is `q35` without what a guest does not need. A kernel beside the
//! disk is started by PVH through qboot, a disk by SeaBIOS or by UEFI firmware.
//! `microvm` boots no quicker, and some of its starts under TCG hang for ever
//! without a byte on the console (docs/images.md).

use camino::{Utf8Path, Utf8PathBuf};

use crate::card::{Card, USER_ENDPOINT, Wire, mac_text};

/// QEMU reads its configuration in lines of at most 1,023 bytes.
const LONGEST_CONFIG_LINE: usize = 1000;

/// What runs a guest's instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// The processor itself.
    Kvm,
    /// QEMU's translator: slow, and works everywhere.
    Tcg,
}

/// All that decides how QEMU is started, but for the kernel's command line.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) name: String,
    pub(crate) engine: Engine,
    pub(crate) cpus: u8,
    pub(crate) memory_mib: u32,
    pub(crate) boot: Boot,
    pub(crate) disk: Option<Utf8PathBuf>,
    /// A second disk, which the guest can only read.
    pub(crate) seed: Option<Utf8PathBuf>,
    pub(crate) card: Option<Card>,
    pub(crate) console: Utf8PathBuf,
    pub(crate) qmp: Utf8PathBuf,
}

/// What starts the guest.
#[derive(Clone, Debug)]
pub(crate) enum Boot {
    /// QEMU, which loads a kernel; its command line is read from standard input.
    Kernel { kernel: Utf8PathBuf, initrd: Option<Utf8PathBuf> },
    /// SeaBIOS, which loads the boot sector of the root disk.
    Bios,
    /// Firmware that loads what is on the EFI system partition of the root disk:
    /// its program, and the machine's own copy of its variables.
    Uefi { code: Utf8PathBuf, vars: Utf8PathBuf },
}

impl Start {
    /// The arguments behind the program's name.
    pub(crate) fn argv(&self) -> Vec<String> {
        let mut argv = self.machine();
        argv.extend(self.boot.args());
        argv.extend(self.disk.iter().flat_map(|disk| disk_args(disk)));
        argv.extend(self.seed.iter().flat_map(|seed| seed_args(seed)));
        argv.extend(self.card.iter().flat_map(card_args));
        argv.extend(words(&["-device", "virtio-rng-pci"]));
        argv.extend(self.channels());
        argv
    }

    fn machine(&self) -> Vec<String> {
        let (accel, cpu) = match self.engine {
            Engine::Kvm => ("kvm", "host"),
            Engine::Tcg => ("tcg", "max"),
        };
        // QEMU starts the relay, and in a session of its own: `spawn=deny` and
        // `elevateprivileges=deny` (which forbids setsid(2)) would kill it.
        let relays = matches!(&self.card, Some(Card { wire: Wire::User { .. }, .. }));
        let more = if relays { "" } else { ",spawn=deny,elevateprivileges=deny" };
        let mut argv = vec!["-name".to_owned(), name_arg(&self.name)];
        argv.extend(words(&["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]));
        argv.extend([
            "-sandbox".to_owned(),
            format!("on,obsolete=deny,resourcecontrol=deny{more}"),
        ]);
        argv.push("-machine".to_owned());
        let flash = if matches!(self.boot, Boot::Uefi { .. }) { UEFI_FLASH } else { "" };
        argv.push(format!("q35,accel={accel},sata=off,smbus=off,vmport=off,i8042=off{flash}"));
        argv.extend(words(&["-cpu", cpu]));
        argv.extend(["-smp".to_owned(), self.cpus.to_string()]);
        argv.extend(["-m".to_owned(), self.memory_mib.to_string()]);
        argv
    }

    fn channels(&self) -> Vec<String> {
        let console = escape(self.console.as_str());
        let qmp = escape(self.qmp.as_str());
        vec![
            "-chardev".to_owned(),
            format!("file,id=console,path={console},append=on"),
            "-serial".to_owned(),
            "chardev:console".to_owned(),
            "-chardev".to_owned(),
            format!("socket,id=qmp,path={qmp},server=on,wait=off"),
            "-mon".to_owned(),
            "chardev=qmp,mode=control".to_owned(),
        ]
    }
}

/// The flash memories of UEFI firmware, as properties of the machine.
const UEFI_FLASH: &str = ",pflash0=code,pflash1=vars";

impl Boot {
    fn args(&self) -> Vec<String> {
        match self {
            Boot::Kernel { kernel, initrd } => {
                let mut argv = words(&["-bios", "qboot.rom", "-kernel", kernel.as_str()]);
                argv.extend(initrd.iter().flat_map(|it| ["-initrd".to_owned(), it.to_string()]));
                // The kernel's command line holds the token, and a process's arguments
                // can be read by everybody: it comes through a pipe, see `config`.
                argv.extend(words(&["-readconfig", "/dev/stdin"]));
                argv
            }
            Boot::Bios => Vec::new(),
            Boot::Uefi { code, vars } => {
                let (code, vars) = (escape(code.as_str()), escape(vars.as_str()));
                vec![
                    "-blockdev".to_owned(),
                    format!("driver=file,node-name=code,read-only=on,filename={code}"),
                    "-blockdev".to_owned(),
                    format!("driver=file,node-name=vars,filename={vars}"),
                ]
            }
        }
    }
}

/// The value behind `-name` for a machine of this name.
pub(crate) fn name_arg(name: &str) -> String {
    format!("guest={}", escape(name))
}

fn disk_args(disk: &Utf8Path) -> Vec<String> {
    let file = escape(disk.as_str());
    vec![
        "-blockdev".to_owned(),
        // The overlay does not outlive the machine, so nothing is flushed for safety's sake.
        format!(
            "driver=qcow2,node-name=root,discard=unmap,cache.no-flush=on,\
             file.driver=file,file.filename={file},file.discard=unmap"
        ),
        "-device".to_owned(),
        // A full host pauses the guest instead of failing its build; see the module `watch`.
        "virtio-blk-pci,drive=root,bootindex=1,werror=enospc,rerror=report".to_owned(),
    ]
}

fn seed_args(seed: &Utf8Path) -> Vec<String> {
    let file = escape(seed.as_str());
    vec![
        "-blockdev".to_owned(),
        format!("driver=raw,node-name=seed,read-only=on,file.driver=file,file.filename={file}"),
        "-device".to_owned(),
        "virtio-blk-pci,drive=seed".to_owned(),
    ]
}

fn card_args(card: &Card) -> Vec<String> {
    let netdev = match &card.wire {
        Wire::User { relay } => {
            let command = escape(&command_line(relay));
            format!("user,id=net,restrict=on,ipv6=off,guestfwd=tcp:{USER_ENDPOINT}-cmd:{command}")
        }
        Wire::Tap { name } => {
            format!("tap,id=net,ifname={},script=no,downscript=no", escape(name))
        }
    };
    let mac = mac_text(card.mac);
    vec![
        "-netdev".to_owned(),
        netdev,
        "-device".to_owned(),
        format!("virtio-net-pci,netdev=net,mac={mac},romfile="),
    ]
}

/// The configuration that QEMU reads from its standard input.
///
/// # Errors
///
/// A sentence for people if QEMU's format cannot hold this command line.
pub(crate) fn config(cmdline: &str) -> Result<String, String> {
    if let Some(bad) = cmdline.chars().find(|c| *c == '"' || c.is_control()) {
        return Err(format!("a kernel command line cannot contain {bad:?}"));
    }
    let line = format!("  append = \"{cmdline}\"");
    if line.len() > LONGEST_CONFIG_LINE {
        let most = LONGEST_CONFIG_LINE - (line.len() - cmdline.len());
        return Err(format!(
            "a kernel command line has at most {most} bytes, not {}",
            cmdline.len()
        ));
    }
    Ok(format!("[machine]\n{line}\n"))
}

/// A value inside a QEMU option list: commas are doubled.
pub(crate) fn escape(value: &str) -> String {
    value.replace(',', ",,")
}

/// A command line for g_shell_parse_argv(3), by which slirp takes it apart: it
/// knows a shell's quotes and executes nothing.
fn command_line(words: &[String]) -> String {
    let quoted = words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''")));
    quoted.collect::<Vec<_>>().join(" ")
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use solstice_hypervisor::Subnet;

    use super::*;
    use crate::names::Names;

    fn start() -> Start {
        let folder = Utf8Path::new("/var/lib/solstice/a,b/machines/0");
        Start {
            name: "solstice-moon-0".to_owned(),
            engine: Engine::Tcg,
            cpus: 2,
            memory_mib: 1024,
            boot: Boot::Kernel {
                kernel: "/images/linux-mini/vmlinux".into(),
                initrd: Some("/images/linux-mini/initrd".into()),
            },
            disk: Some(folder.join("overlay.qcow2")),
            seed: None,
            card: Some(Card::user(&["/usr/bin/relay", "it's, a", "socket"].map(str::to_owned))),
            console: folder.join("console.log"),
            qmp: folder.join("qmp.sock"),
        }
    }

    fn probe() -> Start {
        let kernel = "/images/linux-mini/vmlinux".into();
        let boot = Boot::Kernel { kernel, initrd: None };
        Start { engine: Engine::Kvm, boot, disk: None, card: None, ..start() }
    }

    fn bridged() -> Start {
        let names = Names::of(&"moon".parse().unwrap());
        let subnet = Subnet::new([10, 79, 0, 0].into(), 24).unwrap();
        Start { card: Some(Card::bridged(&names, subnet, 17)), ..start() }
    }

    fn from_disk(boot: Boot) -> Start {
        Start { boot, seed: Some("/var/lib/solstice/machines/0/seed.img".into()), ..start() }
    }

    #[test]
    fn the_command_line_is_the_golden_one() {
        let uefi = Boot::Uefi {
            code: "/usr/share/OVMF/OVMF_CODE_4M.fd".into(),
            vars: "/var/lib/solstice/machines/0/vars.fd".into(),
        };
        let cases = [
            ("a job's machine under TCG", start()),
            ("a probe under KVM, without disk, network and initrd", probe()),
            ("a machine that SeaBIOS starts from its disk", from_disk(Boot::Bios)),
            ("a machine on the bridge", bridged()),
            ("a machine that UEFI firmware starts from its disk", from_disk(uefi)),
        ];
        let text: String = cases
            .iter()
            .map(|(what, start)| format!("# {what}\n{}\n\n", start.argv().join("\n")))
            .collect();
        expectorate::assert_contents("tests/golden/argv.txt", &text);
    }

    #[test]
    fn commas_are_doubled() {
        for (value, escaped) in [("", ""), ("a", "a"), ("a,b", "a,,b"), (",,", ",,,,")] {
            assert_eq!(escape(value), escaped);
        }
    }

    #[test]
    fn the_configuration_holds_the_command_line_or_says_why_not() {
        assert_eq!(config("quiet a=b").unwrap(), "[machine]\n  append = \"quiet a=b\"\n");
        assert!(config("a=\"b\"").unwrap_err().contains("'\"'"));
        assert!(config("a\n[device]").is_err());
        assert!(config(&"x".repeat(2000)).unwrap_err().contains("2000"));
    }
}
