//! Whatever a guest writes: no panic, no remark out of bounds, bounded memory.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use proptest::prelude::*;
use solstice_annotate::{
    BadReport, Finder, Findings, MAX_LINE_BYTES, MAX_REPORT_BYTES, Workspace, junit, of_problem,
};
use solstice_model::annotation::{
    MAX_ANNOTATIONS, MAX_MESSAGE_BYTES, MAX_PATH_BYTES, MAX_TITLE_CHARS,
};
use solstice_model::{Annotation, AnnotationLevel};

fn workspace() -> Workspace {
    Workspace::new("/work/src").of_repository("ada/engine").in_dir("sub")
}

fn is_within_bounds(one: &Annotation) {
    assert!(!one.path.is_empty() && one.path.len() <= MAX_PATH_BYTES, "{one:?}");
    let odd = |part: &str| matches!(part, "" | "." | "..");
    assert!(!one.path.split('/').any(odd) && !one.path.contains(char::is_control), "{one:?}");
    assert!(one.line > 0 && one.end_line >= one.line && one.column != Some(0), "{one:?}");
    assert!(one.column.is_none() || one.line == one.end_line, "{one:?}");
    assert!(one.title.chars().count() <= MAX_TITLE_CHARS && !one.title.contains('\n'), "{one:?}");
    assert!(!one.message.is_empty() && one.message.len() <= MAX_MESSAGE_BYTES, "{one:?}");
}

fn found(lines: &[Vec<u8>], newline: bool) -> (Vec<Annotation>, u32) {
    let mut findings = Findings::default();
    let mut finder = Finder::new(workspace());
    for line in lines {
        finder.output(line, newline, &mut findings);
    }
    finder.end(&mut findings);
    findings.into_annotations()
}

/// Pieces of what tools print, so that what is made of them gets far.
const PIECES: [&str; 46] = [
    "error",
    "warning",
    "[E0308]",
    ": ",
    "  --> ",
    "src/a.rs",
    ":3",
    ":9",
    ":",
    "   | ",
    "^^^ x",
    "= note: `#[warn(",
    "thread 'a' ",
    "panicked at ",
    "a.go",
    "--- FAIL: ",
    "=== RUN   ",
    "FAIL\t",
    "    ",
    "::error ",
    "file=",
    "line=",
    ",",
    "::",
    "%0A",
    "%25",
    "==== FAILURES ====",
    "____ t ____",
    "E   ",
    "FAILED ",
    "t.py",
    "::t - ",
    "==== short test summary info ====",
    "not ok ",
    "---",
    "  file: ",
    "  line: ",
    "...",
    "#   Failed test '",
    "#   at ",
    " line 3.",
    "\u{1b}[31m",
    "ä",
    "make[1]: Entering directory '",
    "/work/src/../",
    "'",
];

fn hostile_line() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => proptest::sample::select(&PIECES[..]).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_output_is_survived(
        lines in proptest::collection::vec(hostile_line(), 0..40),
        newline in any::<bool>(),
    ) {
        let (annotations, _) = found(&lines, newline);
        annotations.iter().for_each(is_within_bounds);
        let text = String::from_utf8_lossy(&lines.concat()).into_owned();
        of_problem(&text).iter().for_each(is_within_bounds);
    }

    #[test]
    fn any_report_is_survived(
        pieces in proptest::collection::vec(proptest::sample::select(&[
            "<testsuite>", "<testcase name='a' file='a.py' line='3'>", "<failure message='m'>",
            "a.py:3: x", "</failure>", "</testcase>", "<error>", "&amp;", "&#0;", "&x;", "<![CDATA[",
            "]]>", "<!--", "-->", "<?x?>", "<!DOCTYPE a>", "\u{fffd}", "<failure/>", "<", "&",
        ][..]), 0..30),
    ) {
        if let Ok(found) = junit(pieces.concat().as_bytes(), &workspace()) {
            found.iter().for_each(is_within_bounds);
        }
    }
}

#[test]
fn a_long_log_with_many_errors_keeps_the_errors() {
    let mut findings = Findings::default();
    let mut finder = Finder::new(workspace());
    let (mut bytes, mut errors) = (0, 0);
    while bytes < 5 * 1024 * 1024 {
        let line = format!("[{bytes}] compiling something with many words, none of them wrong");
        bytes += line.len() + 1;
        finder.output(line.as_bytes(), true, &mut findings);
        if bytes / 17_000 > errors && errors < 300 {
            errors += 1;
            let line = format!("src/a.c:{errors}:7: error: expected ;");
            finder.output(line.as_bytes(), true, &mut findings);
        }
    }
    finder.end(&mut findings);
    let (annotations, omitted) = findings.into_annotations();
    assert_eq!((annotations.len(), omitted), (300, 0));
    let lines: Vec<u32> = annotations.iter().map(|one| one.line).collect();
    assert_eq!(lines, (1..=300).collect::<Vec<_>>());
    assert_eq!(annotations[0].path, "sub/src/a.c");
}

#[test]
fn a_line_without_an_end_is_cut() {
    let mut lines = vec![b"a.c:3: error: ".to_vec()];
    lines.extend(std::iter::repeat_n(vec![b'x'; 32 * 1024], 3_000));
    let (annotations, _) = found(&lines, false);
    assert_eq!(annotations.len(), 1);
    assert!(annotations[0].message.len() <= MAX_MESSAGE_BYTES);
    let far = [vec![b' '; MAX_LINE_BYTES], b"a.c:3: error: x".to_vec()].concat();
    assert_eq!(found(&[far], true).0, []);
}

#[test]
fn too_many_are_counted() {
    let line = |n: usize| format!("a.c:{}: warning: w", n + 1).into_bytes();
    let mut lines: Vec<Vec<u8>> = (0..MAX_ANNOTATIONS + 50).map(line).collect();
    lines.push(b"a.c:7: error: e".to_vec());
    let (annotations, omitted) = found(&lines, true);
    assert_eq!((annotations.len(), omitted), (MAX_ANNOTATIONS, 51));
    let last = annotations.last().unwrap();
    assert_eq!((last.line, last.level), (7, AnnotationLevel::Failure));
}

#[test]
fn workflow_commands_are_unescaped_and_bounded() {
    let said = |line: &str| found(&[line.as_bytes().to_vec()], true).0;
    let all = "::error file=a%3Ab%2C.c,line=3,endLine=5,col=2,title=T%251::one%0Atwo, %3A three";
    let one = said(all).remove(0);
    assert_eq!((one.path.as_str(), one.line, one.end_line), ("sub/a:b,.c", 3, 5));
    assert_eq!((one.column, one.title.as_str()), (None, "T%1"));
    assert_eq!((one.message.as_str(), one.level), ("one\ntwo, : three", AnnotationLevel::Failure));
    let warning = said("  ::Warning file=/work/src/a.c,col=7::w").remove(0);
    assert_eq!((warning.line, warning.column), (1, Some(7)));
    assert_eq!(warning.level, AnnotationLevel::Warning);
    assert_eq!(said("::notice file=a.c::n").remove(0).level, AnnotationLevel::Notice);
    for none in [
        "::error::no place",
        "::error file=/etc/passwd::x",
        "::error file=../../x::x",
        "::error file=a.c,line=0::x",
        "::error file=a.c::",
        "::group::x",
        "error file=a.c::x",
    ] {
        assert_eq!(said(none), [], "{none}");
    }
}

#[test]
fn a_report_that_could_grow_or_look_elsewhere_is_refused() {
    let bad = |report: &[u8]| junit(report, &workspace()).unwrap_err();
    let bomb = b"<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><x>&b;</x>";
    assert!(matches!(bad(bomb), BadReport::Entities { .. }));
    assert!(matches!(bad(b"<x>&lol;</x>"), BadReport::Entities { .. }));
    assert!(matches!(
        bad(b"<x a='&lol;'><testcase name='&lol;'/></x>"),
        BadReport::Malformed { .. }
    ));
    assert!(matches!(bad("<a>".repeat(100).as_bytes()), BadReport::TooDeep));
    assert!(matches!(bad(b"<x></y>"), BadReport::Malformed { .. }));
    assert!(matches!(bad(b"\xff"), BadReport::NotUtf8(_)));
    let large = vec![b' '; MAX_REPORT_BYTES + 1];
    assert!(matches!(bad(&large), BadReport::TooLarge { .. }));
}

#[test]
fn a_report_s_own_places_are_taken_where_its_texts_name_none() {
    let report = "<testsuite><testcase name='t' classname='example.org/ada/engine/gear'>\
        <failure message='Failed'>    gear_test.go:7: wrong &lt; right</failure></testcase>\
        <testcase name='u' file='a/b.rb' line='4'><error>no place</error></testcase>\
        <testcase name='v' file='../../../x' line='4'><error>no place</error></testcase>\
        <testcase name='w' file='a/b.rb'><skipped/><error>later</error></testcase>\
        <testcase name='x'><failure>Foo.java:3 says nothing</failure></testcase></testsuite>";
    let found = junit(report.as_bytes(), &workspace()).unwrap();
    let seen: Vec<_> =
        found.iter().map(|one| (one.path.as_str(), one.line, one.title.as_str())).collect();
    assert_eq!(seen, [("gear/gear_test.go", 7, "t"), ("sub/a/b.rb", 4, "u")]);
}
