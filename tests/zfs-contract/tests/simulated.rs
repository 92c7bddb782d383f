//! The contract, on the simulated illumos host: a case per test would be a host
//! per case, so they share one and each has a dataset of its own.

use illumos_host::enter;
use zfs_contract::{CASES, Flavor, Ground};

#[test]
fn the_simulated_host_keeps_the_contract() {
    if enter::this_test("the_simulated_host_keeps_the_contract").is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for case in CASES {
        eprintln!("{}", case.0);
        runtime.block_on(Ground::run(case, Flavor::Illumos)).unwrap();
    }
}
