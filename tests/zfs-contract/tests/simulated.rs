//! The contract, on the simulated illumos host: a case per test would be a host
//! per case, so they share one and each has a dataset of its own.

use camino::Utf8Path;
use illumos_host::enter;
use zfs_contract::{CASES, Flavor, Ground};

/// Says that this is the run inside the host.
const INSIDE: &str = "ZFS_CONTRACT_INSIDE";

#[test]
fn the_simulated_host_keeps_the_contract() {
    if std::env::var_os(INSIDE).is_none() {
        return run_inside("the_simulated_host_keeps_the_contract");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for case in CASES {
        eprintln!("{}", case.0);
        runtime.block_on(Ground::run(case, Flavor::Illumos)).unwrap();
    }
}

/// Runs a test of this program again, in a fresh host, as its root: the cases
/// are about ZFS, not about delegation.
fn run_inside(test: &str) {
    let host = tempfile::tempdir().expect("temporary files can be made");
    let this = std::env::current_exe().expect("a test has a program");
    let (simulator, this) = (enter::program(), this.to_str().expect("its path is UTF-8"));
    let command = [simulator.as_str(), "as-root", this, test, "--exact", "--nocapture"];
    let host = Utf8Path::from_path(host.path()).expect("its path is UTF-8");
    let output =
        enter::command(host, &command).env(INSIDE, "1").output().expect("the host can be entered");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}{said}", String::from_utf8_lossy(&output.stdout));
}
