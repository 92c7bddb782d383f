//! The namespaces in which the host is simulated: mounts, so that its programs
//! are at their true paths, network, so that its links are its own, and
//! processes, so that nothing of it outlives it.
//!
//! ```text
//! /                    a tmpfs that binds what the machine has there: /rpool, /zones, … appear beside it
//! /usr                 an overlay: the programs of `command::PROGRAMS` are this program
//! /run/illumos-host    the state directory given by whoever enters
//! /dev/zvol/{dsk,rdsk} the volumes, as sparse files
//! /etc/zones           zone configurations, as illumos writes them
//! /var/run/zones       root's only, as illumos has it
//! /proc                the processes of the host
//! lo                   up; every etherstub becomes a bridge, every guest VNIC a tap
//! ```
//!
//! Nothing of it touches the machine's own file systems but the state
//! directory. Root needs nothing else; an ordinary user becomes root of a user
//! namespace in which only he exists.

mod init;
mod mounts;
mod namespaces;

use std::convert::Infallible;
use std::env;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

use crate::state_dir;

pub use init::{inside, run};
pub use namespaces::here;

/// The variable that tells a test that it is the inner run.
const INNER: &str = "ILLUMOS_HOST_TEST";

/// What cannot be done to enter.
#[derive(Debug, thiserror::Error)]
#[error("cannot enter the simulated host: {what}")]
pub struct EnterError {
    /// What, and the remedy.
    what: String,
    /// Why not.
    #[source]
    source: io::Error,
}

impl EnterError {
    fn new(what: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self { what: what.into(), source: source.into() }
    }
}

/// Makes the namespaces for a host whose state is below `dir` (made if need
/// be, with a pool `rpool` of 20 GiB), and executes `command` in them in place
/// of this process. Several may enter the same `dir` one after the other; they
/// find each other's world, not each other's links.
///
/// The process that is left in the place of this one waits for the command,
/// passes SIGTERM and SIGHUP on to it and ends as it ends (128 and the signal's
/// number if a signal ended it); whatever the command left running ends then.
///
/// # Errors
///
/// [`EnterError`]; on success it does not return.
pub fn exec(dir: &Utf8Path, command: &[String]) -> Result<Infallible, EnterError> {
    let mut entering = self::command(dir, command);
    let program = entering.get_program().to_string_lossy().into_owned();
    Err(EnterError::new(format!("cannot execute {program}"), entering.exec()))
}

/// The command that does the same as [`exec`], to be spawned.
pub fn command<S: AsRef<std::ffi::OsStr>>(dir: &Utf8Path, command: &[S]) -> Command {
    let mut entering = Command::new(program());
    entering.args(["enter", dir.as_str(), "--"]).args(command);
    entering
}

/// Where the simulator's program is: itself; in the directory
/// `SOLSTICE_TEST_PROGRAMS`; or where cargo puts it next to a test's program.
pub fn program() -> Utf8PathBuf {
    const NAME: &str = "illumos-host";
    if let Some(dir) = env::var_os("SOLSTICE_TEST_PROGRAMS")
        && let Ok(dir) = Utf8PathBuf::from_os_string(dir)
    {
        return dir.join(NAME);
    }
    let exe = env::current_exe().expect("a running program has a path");
    let exe = Utf8PathBuf::try_from(exe).expect("cargo's target directory is UTF-8");
    if exe.file_name() == Some(NAME) {
        return exe;
    }
    let mut above = exe.ancestors().skip(1).map(|dir| dir.join(NAME));
    above.find(|path| path.is_file()).unwrap_or_else(|| {
        panic!(
            "{NAME} is not built: run `cargo build -p illumos-host`, or set SOLSTICE_TEST_PROGRAMS"
        )
    })
}

/// Runs the calling test again inside a fresh simulated host, and says whether
/// this already is that run. `name` is the test's full path as the test harness
/// prints it. A test begins with
/// `let Some(host) = enter::this_test("module::name") else { return };`.
///
/// # Panics
///
/// With the output of the inner run if that failed, or if there is no test of
/// that name.
pub fn this_test(name: &str) -> Option<Utf8PathBuf> {
    if env::var_os(INNER).is_some_and(|inner| inner == name) {
        return Some(state_dir().to_owned());
    }
    let dir = tempfile::Builder::new().prefix("illumos-host.").tempdir();
    let dir = dir.expect("the directory for temporary files can be written");
    let path = Utf8Path::from_path(dir.path()).expect("temporary directories are UTF-8");
    let exe = env::current_exe().expect("a running program has a path");
    let exe = exe.to_str().expect("cargo's target directory is UTF-8");
    let again = [exe, name, "--exact", "--nocapture", "--include-ignored"];
    let output = command(path, &again).env(INNER, name).output();
    let output = output.expect("the simulator's program can be executed");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "inside the simulated host {name} failed ({}):\n{stdout}{stderr}",
        output.status
    );
    assert!(stdout.contains("1 passed"), "there is no test {name} to run inside: {stdout}{stderr}");
    None
}
