//! What a reader takes, and what it says of the rest.

use solstice_kdl::{Diagnostics, Document, Limits, Problem, Reader, Refusal, value};

/// Reads the only node of a text, then finishes it.
fn read<T>(text: &str, read: impl FnOnce(&mut Reader<'_>) -> Option<T>) -> Result<T, Vec<String>> {
    let document = Document::parse("x", text.as_bytes(), Limits::default()).map_err(lines)?;
    let read = |top: &mut Reader<'_>| {
        let mut node = top.required_child("node")?;
        let value = read(&mut node);
        node.finish();
        value
    };
    document.decode(read).map_err(lines)
}

fn lines(wrong: Diagnostics) -> Vec<String> {
    wrong.list().iter().map(|one| one.one_line()).collect()
}

#[test]
fn arguments_are_read_in_order_around_properties() {
    let got = read("node 1 key=#true \"two\" 3", |node| {
        let first = node.arg(value::integer::<u8>);
        let key = node.prop("key", value::boolean);
        let second = node.required_arg("a word", value::string);
        Some((first, key, second, node.args(value::integer::<u8>)))
    });
    assert_eq!(got, Ok((Some(1), Some(true), Some("two".to_owned()), vec![3])));
}

#[test]
fn a_setting_is_a_property_or_a_child() {
    for text in ["node keep=\"4GiB\"", "node { keep \"4GiB\"; }"] {
        assert_eq!(read(text, |node| node.required_setting("keep", value::size)), Ok(4 << 30));
    }
    assert_eq!(
        read("node keep=1 { keep 2; }", |node| node.setting("keep", value::size)).unwrap_err(),
        ["x:1:15: `keep` is given twice (remove one of them)"]
    );
    assert_eq!(
        read("node { keep 1 2 b=3; }", |node| node.setting("keep", value::size)).unwrap_err().len(),
        2
    );
}

#[test]
fn a_list_is_a_property_with_what_follows_or_a_child() {
    let list = |node: &mut Reader<'_>| {
        let list = node.list("only", value::string)?;
        Some((list, node.args(value::string)))
    };
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        read("node x only=a b k=1 c", |n| {
            n.prop("k", value::integer::<u8>)?;
            list(n)
        }),
        Ok((words("a b"), words("x c")))
    );
    assert_eq!(read("node x { only a b; }", list), Ok((words("a b"), words("x"))));
    assert_eq!(
        read("node only=a { only b; }", list).unwrap_err(),
        ["x:1:15: `only` is given twice (remove one of them)"]
    );
}

#[test]
fn all_that_is_wrong_is_reported_at_once_in_order() {
    let wrong = read("node size=\"4 apples\" knid=\"é\" 7 {\n  child; child; other 1\n}", |node| {
        node.setting("size", value::size);
        node.prop("kind", value::string);
        node.required_prop("name", value::string);
        node.child("child").map(Reader::finish)
    });
    assert_eq!(
        wrong.unwrap_err(),
        [
            "x:1:1: `node` has no `name` (write name=\"…\" after `node`)",
            "x:1:11: `4 apples` is not a size: there is no unit `apples` \
             (write a whole number and a unit, such as \"512MiB\" or \"4GiB\")",
            "x:1:22: `node` has no property `knid` (did you mean `kind`?)",
            "x:1:31: `node` takes no further argument \
             (remove it, or write it as a property; known here: kind, name, size)",
            "x:2:10: `child` is given twice (remove one of them)",
            "x:2:17: `node` has no node `other` (known here: child, size)",
        ]
    );
}

#[test]
fn a_missing_part_that_is_only_misspelt_is_reported_once() {
    let wrong = read("node nmae=\"x\"", |node| node.required_prop("name", value::string));
    assert_eq!(wrong.unwrap_err(), ["x:1:6: `node` has no property `nmae` (did you mean `name`?)"]);
}

#[test]
fn a_caller_adds_rules_and_problems_of_its_own() {
    let wrong = read("node port=0 seed=1", |node| {
        node.prop("port", |given| match value::integer::<u16>(given)? {
            0 => Err(Refusal::because("port 0 means any port").help("choose one")),
            port => Ok(port),
        });
        let seed = node.prop("seed", value::spanned(value::integer::<u8>))?;
        node.report(Problem::new(seed.span, "a seed must be random").help("roll a die"));
        Some(())
    });
    assert_eq!(
        wrong.unwrap_err(),
        [
            "x:1:11: port 0 means any port (choose one)",
            "x:1:18: a seed must be random (roll a die)"
        ]
    );
}

#[test]
fn an_optional_part_that_is_wrong_fails_the_whole() {
    let wrong = read("node keep=\"soon\"", |node| {
        Some(node.prop("keep", value::duration).unwrap_or_default())
    });
    assert_eq!(wrong.unwrap_err().len(), 1);
}

#[test]
fn columns_and_spans_are_right_after_letters_of_several_bytes() {
    for text in ["node \"äöü€😀\" nope=1", "node r\"äöü€😀\" nope=1"] {
        let document = Document::parse("x", text.as_bytes(), Limits::default()).unwrap();
        let wrong = document.decode(|top| {
            let mut node = top.required_child("node")?;
            node.arg(value::string);
            node.finish();
            Some(())
        });
        let wrong = wrong.unwrap_err();
        let one = &wrong.list()[0];
        let span = one.span().offset()..one.span().offset() + one.span().len();
        assert_eq!(&text[span.clone()], "nope");
        assert_eq!(one.column(), text[..span.start].chars().count() + 1);
    }
}

#[test]
fn a_decoder_that_says_nothing_still_fails() {
    let wrong = read("node", |_| None::<()>);
    assert_eq!(wrong.unwrap_err(), ["x:1:1: the file cannot be understood"]);
}
