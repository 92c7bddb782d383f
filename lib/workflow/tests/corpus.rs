//! The laws of `fuzz/laws.rs` for every file that the fuzzer keeps, and every golden file.

#[path = "../fuzz/laws.rs"]
mod laws;

use std::fs;
use std::path::Path;

#[test]
fn the_laws_hold_for_the_corpus() {
    let mut count = 0;
    for folder in ["fuzz/corpus/parse", "tests/good", "tests/bad"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in fs::read_dir(folder).expect("the folder is part of the repository") {
            laws::hold_for(&fs::read(entry.expect("readable").path()).expect("readable"));
            count += 1;
        }
    }
    assert!(count > 100, "there are only {count} files");
}
