//! Files of strangers: refused fast, never with a panic or a full stack (I12).

use std::time::{Duration, Instant};

use proptest::prelude::*;
use solstice_kdl::{Document, Limits};

/// Far above what any of these takes without optimisation on a busy machine.
const FAST: Duration = Duration::from_secs(10);

/// The first message, once the file was refused in time.
fn refused(bytes: &[u8]) -> String {
    let started = Instant::now();
    let wrong = Document::parse("hostile.kdl", bytes, Limits::default()).expect_err("hostile");
    assert!(started.elapsed() < FAST, "it took {:?}", started.elapsed());
    wrong.list()[0].message().to_owned()
}

#[test]
fn ten_megabytes_are_refused_unread() {
    assert_eq!(
        refused(&vec![b'a'; 10 << 20]),
        "the file has 10485760 bytes; at most 1048576 are taken"
    );
}

#[test]
fn a_hundred_thousand_blocks_inside_each_other_are_refused() {
    assert_eq!(refused("a{".repeat(100_000).as_bytes()), "blocks are nested deeper than 16");
    let dropped = "/-a{".repeat(100_000);
    assert_eq!(refused(dropped.as_bytes()), "blocks are nested deeper than 16");
}

#[test]
fn a_hundred_thousand_comments_inside_each_other_are_refused() {
    assert_eq!(refused("/*".repeat(100_000).as_bytes()), "comments are nested deeper than 16");
}

#[test]
fn many_nodes_and_many_values_are_refused() {
    let message = "the file has more than 20000 nodes and values";
    assert_eq!(refused("a;".repeat(500_000).as_bytes()), message);
    assert_eq!(refused(format!("a {}", "1 ".repeat(500_000)).as_bytes()), message);
    assert_eq!(refused(format!("a {}", "/-1 ".repeat(250_000)).as_bytes()), message);
}

/// Each of these, repeated, overflows the stack of a parser that recovers by recursion.
#[test]
fn repeated_syntax_errors_cost_one_diagnostic() {
    let units =
        ["}", "{}", "a{}", ")", "a)", "a=", "\"a\"=", "a \"x\" }", "/-", "(a)", "\\", "[", "="];
    for unit in units {
        let text = unit.repeat(1_000_000 / unit.len());
        refused(text.as_bytes());
    }
}

#[test]
fn a_comment_of_stars_and_a_long_string_are_read_in_time() {
    let started = Instant::now();
    let text = format!("/*{}*/ a \"{}\"", "*/ /* ".repeat(60_000), "é".repeat(250_000));
    Document::parse("long.kdl", text.as_bytes(), Limits::default()).unwrap();
    assert!(started.elapsed() < FAST, "it took {:?}", started.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Document::parse("x.kdl", &bytes, Limits::default());
    }
}
