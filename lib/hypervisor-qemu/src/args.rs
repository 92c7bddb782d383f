//! QEMU's command line and configuration, as pure functions of a machine.
//!
//! The machine is `q35` without what a guest does not need, and an uncompressed
//! kernel started by PVH through qboot. `microvm` boots no quicker, and some
//! of its starts under TCG hang for ever without a byte on the console (docs/images.md).

use camino::{Utf8Path, Utf8PathBuf};

/// Where a guest reaches its agent endpoint; nothing else answers (invariant I8).
pub const GUEST_ENDPOINT: &str = "http://10.0.2.100:80";
/// The address and port behind [`GUEST_ENDPOINT`].
const ENDPOINT_ADDRESS: &str = "10.0.2.100:80";
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
    pub(crate) kernel: Utf8PathBuf,
    pub(crate) initrd: Option<Utf8PathBuf>,
    pub(crate) disk: Option<Utf8PathBuf>,
    pub(crate) console: Utf8PathBuf,
    pub(crate) qmp: Utf8PathBuf,
    /// The program that serves one connection of the guest's, if it gets a network.
    pub(crate) relay: Vec<String>,
}

impl Start {
    /// The arguments behind the program's name.
    pub(crate) fn argv(&self) -> Vec<String> {
        let mut argv = self.machine();
        argv.extend(["-kernel".to_owned(), self.kernel.to_string()]);
        if let Some(initrd) = &self.initrd {
            argv.extend(["-initrd".to_owned(), initrd.to_string()]);
        }
        // The kernel's command line holds the token, and a process's arguments
        // can be read by everybody: it comes through a pipe, see `config`.
        argv.extend(words(&["-readconfig", "/dev/stdin"]));
        if let Some(disk) = &self.disk {
            argv.extend(disk_args(disk));
        }
        if !self.relay.is_empty() {
            argv.extend(network_args(&self.relay));
        }
        argv.extend(words(&["-device", "virtio-rng-pci"]));
        argv.extend(self.channels());
        argv
    }

    fn machine(&self) -> Vec<String> {
        let (accel, cpu) = match self.engine {
            Engine::Kvm => ("kvm", "host"),
            Engine::Tcg => ("tcg", "max"),
        };
        let mut argv = vec!["-name".to_owned(), name_arg(&self.name)];
        argv.extend(words(&["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]));
        // QEMU starts the relay, and in a session of its own: `spawn=deny` and
        // `elevateprivileges=deny` (which forbids setsid(2)) would kill it.
        argv.push("-sandbox".to_owned());
        argv.push("on,obsolete=deny,resourcecontrol=deny".to_owned());
        argv.push("-machine".to_owned());
        argv.push(format!("q35,accel={accel},sata=off,smbus=off,vmport=off,i8042=off"));
        argv.extend(words(&["-bios", "qboot.rom", "-cpu", cpu]));
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
        "virtio-blk-pci,drive=root,werror=enospc,rerror=report".to_owned(),
    ]
}

fn network_args(relay: &[String]) -> Vec<String> {
    let command = escape(&command_line(relay));
    vec![
        "-netdev".to_owned(),
        format!("user,id=net,restrict=on,ipv6=off,guestfwd=tcp:{ENDPOINT_ADDRESS}-cmd:{command}"),
        "-device".to_owned(),
        "virtio-net-pci,netdev=net,romfile=".to_owned(),
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
    use super::*;

    fn start() -> Start {
        let folder = Utf8Path::new("/var/lib/solstice/a,b/machines/0");
        Start {
            name: "solstice-moon-0".to_owned(),
            engine: Engine::Tcg,
            cpus: 2,
            memory_mib: 1024,
            kernel: "/images/linux-mini/vmlinux".into(),
            initrd: Some("/images/linux-mini/initrd".into()),
            disk: Some(folder.join("overlay.qcow2")),
            console: folder.join("console.log"),
            qmp: folder.join("qmp.sock"),
            relay: ["/usr/bin/relay", "it's, a", "socket"].map(str::to_owned).to_vec(),
        }
    }

    #[test]
    fn the_command_line_is_the_golden_one() {
        let mut text = String::new();
        for (what, start) in [
            ("a job's machine under TCG", start()),
            (
                "a probe under KVM, without disk, network and initrd",
                Start {
                    engine: Engine::Kvm,
                    initrd: None,
                    disk: None,
                    relay: Vec::new(),
                    ..start()
                },
            ),
        ] {
            text += &format!("# {what}\n{}\n\n", start.argv().join("\n"));
        }
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
