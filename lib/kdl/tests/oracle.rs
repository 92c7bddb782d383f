//! Comparison with the reference implementation of KDL, the `kdl` crate.

use kdl::{KdlDocument, KdlValue};
use proptest::prelude::*;
use solstice_kdl::{Document, Limits, Reader, Refusal, Value, value};

/// Depth first: names of nodes and, after each, the values of its entries.
type Flat = Vec<String>;

fn ours(text: &str) -> Option<Flat> {
    let document = Document::parse("x.kdl", text.as_bytes(), Limits::default()).ok()?;
    let mut flat = Flat::new();
    // What is left unread (properties) is reported, which does not matter here.
    let _ = document.decode(|top| {
        visit(top, &mut flat);
        Some(())
    });
    Some(flat)
}

fn visit(reader: &mut Reader<'_>, flat: &mut Flat) {
    for mut child in reader.other_children() {
        flat.push(child.name().to_owned());
        flat.extend(child.args(show));
        visit(&mut child, flat);
    }
}

fn show(value: &Value) -> Result<String, Refusal> {
    let text = value::string(value).map(|text| format!("{text:?}"));
    text.or_else(|_| value::integer::<i128>(value).map(|number| number.to_string()))
        .or_else(|_| value::boolean(value).map(|yes| yes.to_string()))
        .or_else(|_| Ok("other".to_owned()))
}

fn theirs(document: &KdlDocument) -> Flat {
    let mut flat = Flat::new();
    for node in document.nodes() {
        flat.push(node.name().value().to_owned());
        let args = node.entries().iter().filter(|entry| entry.name().is_none());
        flat.extend(args.map(|entry| match entry.value() {
            KdlValue::String(text) => format!("{text:?}"),
            KdlValue::Integer(number) => number.to_string(),
            KdlValue::Bool(yes) => yes.to_string(),
            _ => "other".to_owned(),
        }));
        flat.extend(node.children().map(theirs).unwrap_or_default());
    }
    flat
}

/// The KDL 1 parser of the `kdl` crate panics on some texts that are not KDL 1.
fn theirs_v1(text: &str) -> Option<KdlDocument> {
    std::panic::catch_unwind(|| KdlDocument::parse_v1(text).ok()).ok().flatten()
}

fn pieces(of: &[&'static str], most: usize) -> impl Strategy<Value = String> + use<> {
    prop::collection::vec(prop::sample::select(of.to_vec()), 0..most)
        .prop_map(|pieces| pieces.concat())
}

/// One node of KDL 2, rightly written, with blanks, comments and `/-` in odd places.
fn node() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "-b", "é.ü", "\"q \\\" \\u{e9}\"", "<x>,"]);
    let entries = pieces(
        &[
            " 1",
            " -0x1F",
            "\t#true",
            " \"a\\tb\\s\\\\\"",
            " key=1",
            " k = \"\"",
            " /-dropped",
            " \\\n word",
            " /* \" { */ 2",
            " #\"C:\\x\"#",
            " ##\"a\"#b\"##",
            " \"a \\\n   b\"",
            " \"\"\"\n   one\n     two \\\n   three\n\n   \"\"\"",
            " #\"\"\"\n \\d\r\n  x\n \"\"\"#",
        ],
        6,
    );
    let end = prop::sample::select(vec![
        ";",
        "\n",
        "\r\n",
        " // c\n",
        " \u{2028}",
        " /-{ b }\n",
        "\n/- d 1 { e }\n",
    ]);
    (name, entries, end).prop_map(|(name, entries, end)| format!("{name}{entries}{end}"))
}

fn document() -> impl Strategy<Value = String> {
    node().prop_recursive(4, 40, 4, |inner| {
        let block = prop::collection::vec(inner, 0..4).prop_map(|nodes| nodes.concat());
        (node(), block)
            .prop_map(|(first, block)| format!("{first}b {{{block}}}\n/-c {{{block}}}\n"))
    })
}

/// Pieces that meet in every combination: most texts are not KDL at all.
fn soup() -> impl Strategy<Value = String> {
    let all = [
        "a",
        "b-1",
        "é",
        " ",
        " ",
        "\n",
        ";",
        "{",
        "}",
        " {",
        "}\n",
        "=",
        "\"x\"",
        "\"é \\n\"",
        "\"",
        "\"\"\"\n x\n \"\"\"",
        "#\"r\"#",
        "r#\"r\"#",
        "#true",
        "true",
        "1",
        "-1.5e3",
        "/-",
        "//c\n",
        "/*c*/",
        "/*",
        " \\\n",
        "(",
        ")",
        ",",
        "\u{a0}",
    ];
    pieces(&all, 16)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn kdl_2_means_the_same_to_both(text in document()) {
        let reference = KdlDocument::parse_v2(&text);
        prop_assert!(reference.is_ok(), "the test is wrong: {:?}", reference.unwrap_err().diagnostics);
        prop_assert_eq!(ours(&text), reference.ok().as_ref().map(theirs));
    }

    /// Where only one of the two takes a text, it is the reference that errs: it wants
    /// no comment after `/-`, and takes `#true"x"`.
    #[test]
    fn what_both_take_means_the_same(text in soup()) {
        let reference = KdlDocument::parse_v2(&text).ok().or_else(|| theirs_v1(&text));
        if let (Some(ours), Some(reference)) = (ours(&text), reference) {
            prop_assert_eq!(ours, theirs(&reference));
        }
    }

    /// Every span lies in the file, on the borders of characters.
    #[test]
    fn spans_are_byte_offsets(text in soup()) {
        if let Err(wrong) = Document::parse("x.kdl", text.as_bytes(), Limits::default()) {
            for one in wrong.list() {
                let (start, length) = (one.span().offset(), one.span().len());
                prop_assert!(text.get(start..start + length).is_some(), "{}", one.one_line());
            }
        }
    }
}

#[test]
fn kdl_1_means_the_same_to_both() {
    let text =
        "a r#\"C:\\x\"# true \"two\nlines \\/\" b=null 0x10\n\"é\" -1 { c; d 1 {}\n} // end\n";
    assert!(KdlDocument::parse_v2(text).is_err());
    assert_eq!(ours(text).unwrap(), theirs(&theirs_v1(text).unwrap()));
}
