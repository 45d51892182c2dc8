use super::super::file::File;
use super::super::file::SyntaxFault;
use super::super::node::{Node, Place, Value};
use super::super::read::documents;
use super::*;
use proptest::prelude::*;

fn read_all(text: &str) -> (Vec<super::super::file::Document>, Vec<SyntaxFault>) {
    documents(0, &File { name: "a.yaml".to_owned(), text: text.to_owned() })
}

fn one(text: &str) -> Node {
    let (documents, faults) = read_all(text);
    assert!(faults.is_empty(), "{text}: {faults:?}");
    assert_eq!(documents.len(), 1, "{text}");
    documents.into_iter().next().unwrap().root
}

/// Each scalar and key with where it begins and what stands there.
fn written(text: &str) -> Vec<String> {
    let source = Source::new(text);
    let shown = |span: super::super::node::Span| -> String {
        let raw: String = source.between(source.index(span.start), source.index(span.end)).iter().collect();
        format!("{}:{} {raw}", span.start.line, span.start.column)
    };
    let mut list = Vec::new();
    let mut open = vec![one(text)];
    while let Some(node) = open.pop() {
        list.push(shown(node.span));
        list.extend(node.members().iter().map(|member| shown(member.key_span)));
        open.extend(node.members().iter().map(|member| member.value.clone()));
        open.extend(node.elements().iter().cloned());
    }
    list.sort();
    list.dedup();
    list
}

#[test]
fn values_are_where_they_are_written() {
    for (text, places) in [
        ("a: 1", &["1:1 a", "1:1 a: 1", "1:4 1"][..]),
        (
            "- é: \"b\\n\"\n-\n- 'c'\n",
            &["1:3 é", "1:3 é: \"b\\n\"", "1:3 é: \"b\\n\"\n-\n- 'c'", "1:6 \"b\\n\"", "2:2 ", "3:3 'c'"],
        ),
        ("a: &x {b: [1]}", &["1:1 a", "1:1 a: &x {b: [1]}", "1:11 [1]", "1:12 1", "1:7 {b: [1]}", "1:8 b"]),
        ("a: !!str &x 5 # c", &["1:1 a", "1:1 a: !!str &x 5", "1:13 5"]),
        ("a: \"x\\\"\" # c", &["1:1 a", "1:1 a: \"x\\\"\"", "1:4 \"x\\\"\""]),
        ("- 'x\'\'' # c", &["1:3 'x\'\''"]),
        ("a:\nb:  \n", &["1:1 a", "1:1 a:\nb:", "1:3 ", "2:1 b", "2:3 "]),
        (
            "a: # | c\n  |-\n  x\n  y\n\nb: >\n\n z\n",
            &["1:1 a", "1:1 a: # | c\n  |-\n  x\n  y\n\nb: >\n\n z", "2:3 |-\n  x\n  y", "6:1 b", "6:4 >\n\n z"],
        ),
        ("a: &x\n  b: 1\n", &["1:1 a", "1:1 a: &x\n  b: 1", "2:3 b", "2:3 b: 1", "2:6 1"]),
        ("{a: {}, b: [], c}", &["1:1 {a: {}, b: [], c}", "1:12 []", "1:16 c", "1:17 ", "1:2 a", "1:5 {}", "1:9 b"]),
        ("[a: 1]", &["1:1 [a: 1]", "1:2 a", "1:2 a: 1", "1:5 1"]),
    ] {
        assert_eq!(written(text), places, "{text}");
    }
}

#[test]
fn an_alias_stands_where_its_value_is() {
    let node = one("a: &x {b: 1}\nc: *x\n<<: *x\n");
    assert_eq!(node.get("c").unwrap().get("b").unwrap().span.start, Place { line: 1, column: 11 });
    assert_eq!(node.to_json_text(), r#"{"a":{"b":1},"c":{"b":1},"<<":{"b":1}}"#);
}

#[test]
fn keys_are_texts_and_stay_where_they_are_repeated() {
    let node = one("1: a\nnull: b\ntrue: c\n1: d\n\"\": e\n");
    assert_eq!(node.to_json_text(), r#"{"1":"a","null":"b","true":"c","1":"d","":"e"}"#);
    assert_eq!(&*node.members()[0].key, "1");
    assert_eq!(node.get("1").unwrap().text(), Some("d"));
}

#[test]
fn documents_are_counted_and_hide_none() {
    for (text, numbers, faults) in [
        ("", &[][..], &[][..]),
        ("# only a comment\n", &[], &[]),
        ("---\n", &[1], &[]),
        ("# c\n---\na: 1\n---\n---\nb: 2\n", &[1, 2, 3], &[]),
        ("%YAML 1.2\n---\na: 1\n...\n# c\n%YAML 1.2\n---\nb: 2\n...\n", &[1, 2], &[]),
        ("a: 1\n--- {b: 2}\n--- |\n  ---\n", &[1, 2, 3], &[]),
        ("a: [\n---\nb: 1\n---\nc: \"x\n---\nd: 2\n", &[2, 4], &[(1, 2, 1), (3, 5, 4)]),
        ("a: 1\n b: 2\n---\nc: *x\n---\nd: 3\n", &[3], &[(1, 2, 3), (2, 4, 4)]),
        ("a: &x 1\n---\nb: *x\n", &[1], &[(2, 3, 4)]),
        ("? [a]\n: b\n", &[], &[(1, 1, 3)]),
        ("a: &x [*x]\n", &[], &[(1, 1, 8)]),
    ] {
        let (read, wrong) = read_all(text);
        assert_eq!(read.iter().map(|document| document.number).collect::<Vec<_>>(), numbers, "{text}");
        let wrong: Vec<_> = wrong.iter().map(|fault| (fault.document, fault.place.line, fault.place.column)).collect();
        assert_eq!(wrong, faults, "{text}");
    }
}

#[test]
fn tabs_stand_between_tokens_and_stay_in_texts() {
    for (text, json) in [
        ("a:\tb\nc:\t-1\nd:\t\te # x\n", r#"{"a":"b","c":-1,"d":"e"}"#),
        ("{a:\tb, \"c\":\td}", r#"{"a":"b","c":"d"}"#),
        (
            "a:\tb\nc: |\n  x:\ty\nd: >\n  x:\ty\ne: \"p:\tq\"\nf: 'r:\ts'\ng: {h:\ti}\n",
            r#"{"a":"b","c":"x:\ty\n","d":"x:\ty\n","e":"p:\tq","f":"r:\ts","g":{"h":"i"}}"#,
        ),
    ] {
        assert_eq!(one(text).to_json_text(), json, "{text}");
    }
    assert_eq!(written("a:\tb"), ["1:1 a", "1:1 a:\tb", "1:4 b"]);
    for (text, column) in [("a:\tb: c", 5), ("a:\t- b", 4), ("a:\tb\n\tc: d", 4)] {
        let faults = read_all(text).1;
        assert_eq!(faults.iter().map(|fault| fault.place.column).collect::<Vec<_>>(), [column], "{text}: {faults:?}");
    }
    let many: String = (0..20_000).map(|number| format!("k{number}:\tv\n")).collect();
    assert_eq!(one(&many).members().len(), 20_000);
}

#[test]
fn documents_may_begin_with_a_byte_order_mark() {
    for text in [
        "a: 1\n\u{feff}---\nb: 2\nc: 3\n",
        "a: 1\n---\n\u{feff}b: 2\nc: 3\n",
        "a: 1\n---\n\u{feff}# c\nb: 2\nc: 3\n",
        "a: 1\n...\n\u{feff}b: 2\nc: 3\n",
        "a: 1\r\n...\r\n\u{feff}%YAML 1.2\r\n---\r\nb: 2\r\nc: 3\r\n",
        "\u{feff}a: 1\n\u{feff}--- {b: 2, c: 3}\n",
    ] {
        let (documents, faults) = read_all(text);
        assert!(faults.is_empty(), "{text}: {faults:?}");
        let read: Vec<String> = documents.iter().map(|document| document.root.to_json_text()).collect();
        assert_eq!(read, [r#"{"a":1}"#, r#"{"b":2,"c":3}"#], "{text}");
    }
    let faults = read_all("a: 1\n\u{feff}b: 2\n").1;
    assert_eq!(faults.len(), 1, "in content it is none");
}

#[test]
fn aliases_cannot_stand_for_everything() {
    let levels: String =
        (0..40).map(|level| format!("a{}: &a{} [*a{level}, *a{level}]\n", level + 1, level + 1)).collect();
    let (_, faults) = read_all(&format!("a0: &a0 [x]\n{levels}"));
    assert_eq!(faults[0].message, "is no YAML: aliases stand for too much");
    let levels: String = (0..500).map(|level| format!("a{}: &a{} [*a{level}]\n", level + 1, level + 1)).collect();
    let (_, faults) = read_all(&format!("a0: &a0 [x]\n{levels}"));
    assert_eq!(faults[0].message, "is no YAML: aliases stand for too much");
    for deep in ["[".repeat(100_000), "- ".repeat(10_000), "{a: ".repeat(5_000)] {
        assert_eq!(read_all(&deep).1.len(), 1);
    }
}

#[test]
fn a_file_that_is_named_json_is_json() {
    let file = |name: &str| File { name: name.to_owned(), text: "{\"a\": 1,}".to_owned() };
    assert!(documents(0, &file("a.yaml")).1.is_empty());
    let (read, faults) = documents(0, &file("a.json"));
    assert!(read.is_empty());
    assert_eq!(faults[0].place, Place { line: 1, column: 9 });
}

#[test]
fn the_text_of_a_fault_stays_one_line() {
    for text in ["a: \"\u{1b}\n", "@\n", "a: \u{7}", "%FOO\u{1b}\n---\n\u{1b}: [", "\u{fffe}[: {"] {
        for fault in read_all(text).1 {
            assert!(!fault.message.contains(char::is_control), "{fault:?}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_to_its_end(text in "(\\PC|[\\n\\t :&*!|>'\"\\[\\]{},?#%-]){0,40}") {
        let _ = read_all(&text);
    }

    #[test]
    fn json_is_yaml(text in "[a-c\"\\[\\]{}:, 0-9]{0,16}") {
        if let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) {
            let (read, _) = documents(0, &File { name: String::new(), text: format!("--- {text}") });
            prop_assert!(matches!(&read[0].root.value, Value::Number(_)) || read[0].root.to_json() == value);
        }
    }
}
