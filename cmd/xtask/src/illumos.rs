//! `cargo xtask illumos-check`: does the workspace compile for illumos?
//!
//! A type-check: it proves types, the code under `cfg(target_os = "illumos")`
//! and that the dependencies know illumos. Nothing is linked, nothing runs.
//! The standard library for the target is compiled from Debian's copy of its
//! source, by Debian's own compiler, into a target folder of its own.

use std::os::unix::fs::PermissionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};

use crate::run::{Failure, Step, target};
use crate::setup;

const TARGET: &str = "x86_64-unknown-illumos";

/// Stands in for a C compiler: what a dependency has in C would need illumos'
/// headers, and a check never looks into an object file.
const COMPILER: &str = r#"#!/bin/sh
# Compiles nothing: writes an empty object where one is asked for.
compile=
for word do
    case $previous in -o) out=$word ;; esac
    case $word in -c) compile=yes ;; esac
    previous=$word
done
[ "$compile" ] || exec gcc "$@"
: | gcc -x c -c -o "$out" -
"#;

/// Checks every program and library.
pub(crate) fn check() -> Result<(), Failure> {
    setup::for_illumos()?;
    let folder = target().join("illumos");
    let compiler = write_compiler(&folder)?;
    let arguments = [
        "check",
        "--workspace",
        // They use means that only Linux has.
        "--exclude=illumos-host",
        "--exclude=solstice-bench",
        "--exclude=zfs-contract",
        "--quiet",
        "--keep-going",
        "--target",
        TARGET,
        "-Z",
        "build-std=std,panic_abort,panic_unwind",
    ];
    // By path: rustup's programs of the same names come first on PATH.
    Step::new("/usr/bin/cargo", arguments)
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-D warnings")
        .env("CARGO_TARGET_DIR", folder.as_str())
        .env("CC_x86_64_unknown_illumos", compiler.as_str())
        .env("AR_x86_64_unknown_illumos", "ar")
        .without_env("RUSTUP_TOOLCHAIN")
        .run()
}

fn write_compiler(folder: &Utf8Path) -> Result<Utf8PathBuf, Failure> {
    let path = folder.join("cc");
    let write = || {
        std::fs::create_dir_all(folder)?;
        std::fs::write(&path, COMPILER)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
    };
    write().map_err(|error| Failure::Needs(format!("cannot write {path}: {error}")))?;
    Ok(path)
}
