//! A guest that is a folder: dash as its shell, busybox for the tools, and
//! fakes for what would reach beyond the folder. The script runs in it as root
//! of a user namespace, with the folder as its root directory.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// The tools that every guest has. Decoders are added by the tests.
const TOOLS: [&str; 9] = ["cat", "chmod", "gzip", "mkdir", "mv", "rm", "sed", "touch", "uname"];

/// What the fake agent does: it tells of its call and shows what it was given.
pub(crate) const AGENT: &str = "#!/bin/sh\n\
    echo \"solstice-agent $*\" >>/calls\n\
    cat \"$2\" >/taken\n";

/// Such a guest, without the script.
pub(crate) struct Guest {
    root: tempfile::TempDir,
}

impl Guest {
    /// A guest of these tools besides the usual ones.
    pub(crate) fn new(tools: &[&str]) -> Self {
        let guest = Self { root: tempfile::tempdir().unwrap() };
        for folder in ["dev", "etc", "usr/bin"] {
            std::fs::create_dir_all(guest.path(folder)).unwrap();
        }
        symlink("usr/bin", guest.path("bin")).unwrap();
        std::fs::copy("/bin/busybox", guest.path("bin/busybox"))
            .expect("apt install busybox-static");
        for tool in TOOLS.iter().chain(tools) {
            symlink("busybox", guest.path("bin").join(tool)).unwrap();
        }
        guest.bring("/bin/dash");
        symlink("dash", guest.path("bin/sh")).unwrap();
        guest.fake("poweroff", "touch /off");
        // Ordinary files do here for devices.
        for device in ["dev/console", "dev/null"] {
            std::fs::write(guest.path(device), "").unwrap();
        }
        guest
    }

    /// Copies a program with the libraries that it is linked to.
    fn bring(&self, program: &str) {
        let output = Command::new("ldd").arg(program).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let libraries = text.split_ascii_whitespace().filter(|word| word.starts_with('/'));
        for path in libraries.chain([program]) {
            let to = self.path(path.trim_start_matches('/'));
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(path, to).unwrap();
        }
    }

    /// Puts a program there that tells of its call and then does this.
    pub(crate) fn fake(&self, name: &str, script: &str) {
        let text = format!("#!/bin/sh\necho \"{name} $*\" >>/calls\n{script}\n");
        self.program(&format!("bin/{name}"), &text);
    }

    /// Puts a program there.
    pub(crate) fn program(&self, path: &str, text: &str) {
        let path = self.path(path);
        if path.is_symlink() {
            std::fs::remove_file(&path).unwrap();
        }
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Where a path of the guest is.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// What is in a file of the guest.
    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    /// Who may do what with a file of the guest.
    pub(crate) fn mode(&self, path: &str) -> u32 {
        self.path(path).metadata().unwrap().permissions().mode() & 0o7777
    }

    /// Runs a script by this shell.
    pub(crate) fn run(&self, shell: &[&str], script: &[u8]) -> Output {
        std::fs::write(self.path("script"), script).unwrap();
        let output = Command::new("unshare")
            .args(["--user", "--map-root-user", "--root"])
            .arg(self.root.path())
            .args(shell)
            .arg("/script")
            .env_clear()
            .output()
            .unwrap();
        println!("{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// Waits until the machine would be off, and returns what was called till then.
    pub(crate) fn calls_until_off(&self) -> String {
        let started = Instant::now();
        while !self.path("off").exists() {
            assert!(started.elapsed() < Duration::from_secs(20), "calls: {}", self.read("calls"));
            std::thread::sleep(Duration::from_millis(5));
        }
        self.read("calls")
    }
}
