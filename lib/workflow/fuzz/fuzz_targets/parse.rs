//! Workflow files as libFuzzer makes them, from the golden files and a dictionary.
//!
//! ```sh
//! cd lib/workflow
//! cargo +nightly fuzz run parse fuzz/corpus/parse tests/good tests/bad -- \
//!     -dict=fuzz/parse.dict -max_len=4096 -timeout=10 -rss_limit_mb=1024
//! ```
//!
//! `tests/corpus.rs` asks the same of every file of the corpus, without nightly.

#![no_main]

#[path = "../laws.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| laws::hold_for(bytes));
