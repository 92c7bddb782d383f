//! UEFI firmware for machines: where distributions put it.

use camino::{Utf8Path, Utf8PathBuf};

use crate::error::QemuError;

/// What to do where there is none.
pub(crate) const INSTALL: &str = "install it (Debian: apt-get install ovmf; Fedora: dnf install \
     edk2-ovmf), or name its two files by `uefi_code` and `uefi_vars` in the configuration";

/// Where firmware lies: the program, and its variables as they are at first.
/// Only such as takes every boot loader: no Secure Boot.
const PLACES: [(&str, &str); 6] = [
    // Debian, Ubuntu; the second one older.
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    // Fedora.
    ("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
    // Arch.
    ("/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
    // openSUSE.
    ("/usr/share/qemu/ovmf-x86_64-4m-code.bin", "/usr/share/qemu/ovmf-x86_64-4m-vars.bin"),
    // QEMU's own, where it was built from its sources.
    ("/usr/share/qemu/edk2-x86_64-code.fd", "/usr/share/qemu/edk2-i386-vars.fd"),
];

/// The two files of UEFI firmware for x86.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UefiFirmware {
    /// The program, as a flash memory that is only read.
    pub code: Utf8PathBuf,
    /// The variables as they are at first; each machine gets a copy.
    pub vars: Utf8PathBuf,
}

impl UefiFirmware {
    /// The first of the usual places where both files are.
    fn usual() -> Option<Self> {
        let found = PLACES.iter().find(|(code, vars)| is_file(code) && is_file(vars));
        found.map(|(code, vars)| Self { code: code.into(), vars: vars.into() })
    }
}

fn is_file(path: &&str) -> bool {
    Utf8Path::new(path).is_file()
}

/// The firmware of the configuration, or else that of the usual places.
pub(crate) fn find(configured: Option<&UefiFirmware>) -> Result<UefiFirmware, QemuError> {
    let Some(firmware) = configured else {
        return UefiFirmware::usual().ok_or_else(|| {
            let looked: Vec<_> = PLACES.iter().map(|(code, _)| *code).collect();
            QemuError::NoFirmware { looked: looked.join(", ") }
        });
    };
    match [&firmware.code, &firmware.vars].into_iter().find(|path| !path.is_file()) {
        Some(missing) => Err(QemuError::NoFirmware { looked: missing.to_string() }),
        None => Ok(firmware.clone()),
    }
}
