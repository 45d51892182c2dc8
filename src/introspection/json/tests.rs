use super::*;
use proptest::prelude::*;
use serde_json::Value;

/// The same value as `serde_json` has it.
fn plain(value: &Json<'_>) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => Value::Number(number.clone()),
        Json::Text(text) => Value::String(text.to_string()),
        Json::List(list) => list.iter().map(plain).collect(),
        Json::Object(members) => members.iter().map(|(name, value)| (name.to_string(), plain(value))).collect(),
    }
}

/// Near-miss pieces of JSON: hostile numbers, escapes, names that stand twice.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-c/~é\u{1f511}]{0,3}",
        r#"\\["\\/bfnrtu]"#,
        r"\\u00[46][1-3]",
        r"\\ud83d(\\udd11)?",
        "[\u{0}-\u{1f}]"
    ];
    let string = prop::collection::vec(piece, 0..3).prop_map(|parts| format!("\"{}\"", parts.concat()));
    let scalar = prop_oneof![
        Just("null".to_owned()),
        "true|false|nul|-|01|[.]5|1[.]|[+]1",
        "-?(0|[1-9][0-9]{0,25})([.][0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        string.clone(),
    ];
    let space = "[ \n\t]{0,1}";
    scalar.prop_recursive(4, 24, 4, move |inner| {
        let member = (string.clone(), space, inner.clone()).prop_map(|(name, gap, value)| format!("{name}:{gap}{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|list| format!("[{}]", list.join(","))),
            prop::collection::vec(member, 0..4).prop_map(|members| format!("{{{}}}", members.join(" ,"))),
        ]
    })
}

fn names() -> impl Strategy<Value = String> {
    "(/([a-c]{0,2}|~0|~1|0|1|01|[+]1|~)){0,3}|a"
}

proptest! {
    #[test]
    fn reads_and_points_as_serde_json_does(text in text(), pointer in names()) {
        let expected = serde_json::from_str::<Value>(&text);
        let read = serde_json::from_str::<Json<'_>>(&text);
        prop_assert_eq!(read.is_ok(), expected.is_ok(), "{}", text);
        if let (Ok(read), Ok(expected)) = (&read, &expected) {
            prop_assert_eq!(&plain(read), expected);
            prop_assert_eq!(read.pointer(&pointer).map(plain), expected.pointer(&pointer).cloned());
        }
    }
}

#[test]
fn strings_without_escapes_are_borrowed() {
    let read: Json<'_> = serde_json::from_str(r#"["é", "\u00e9"]"#).unwrap();
    let Json::List(list) = &read else { panic!("{read:?}") };
    assert!(matches!(&list[..], [Json::Text(Cow::Borrowed("é")), Json::Text(Cow::Owned(_))]), "{list:?}");
}

#[test]
fn nothing_is_read_that_is_nested_too_deeply_to_be_dropped() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [100, 127, 128, 5000] {
        let read = serde_json::from_str::<Json<'_>>(&nested(depth)).is_ok();
        assert_eq!(read, serde_json::from_str::<Value>(&nested(depth)).is_ok(), "{depth}");
    }
}
