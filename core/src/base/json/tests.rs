use super::*;
use proptest::prelude::*;
use serde_json::Value;

/// As the standard reader has it, the last of what is given twice included.
fn plain(json: Json<'_>) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Boolean(flag) => flag.into(),
        Json::Number(number) => number.into(),
        Json::Text(text) => text.into_owned().into(),
        Json::Array(list) => list.into_iter().map(plain).collect(),
        Json::Object(mut object) => {
            object.take_repeated();
            object.0.into_iter().map(|(name, value)| (name.into_owned(), plain(value))).collect()
        }
    }
}

fn read(text: &str) -> Option<Value> {
    Json::read(text.as_bytes()).ok().map(plain)
}

fn object(text: &str) -> Object<'_> {
    Object::read(text.as_bytes(), &|_| true).unwrap()
}

/// What is JSON and what only nearly is: escapes, surrogates, control characters, numbers of every form and size.
fn object_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        20 => "[a-c/é\u{1f511}]{0,9}",
        5 => r#"\\["\\/bfnrt]"#,
        5 => r"\\u00[46][1-3]",
        5 => r"\\ud83d\\udd11",
        1 => r"\\ud83d",
        1 => "[\u{0}-\u{20}\\\\\"]",
    ];
    let string = prop::collection::vec(piece, 0..3).prop_map(|parts| format!("\"{}\"", parts.concat())).boxed();
    let number = "-?(0|[1-9][0-9]{0,21})([.][0-9]{1,20})?([eE][+-]?[0-9]{1,3})?";
    let scalar = prop_oneof![
        20 => "null|true|false",
        1 => "truex|nul|-|0[0-9]|[.]5|1[.]|1e|[+]1|NaN|",
        5 => "1844674407370955161[0-9]",
        40 => number,
        40 => string.clone(),
    ];
    let after = prop_oneof![40 => Just(""), 1 => Just("\u{b}"), 1 => Just("\u{a0}"), 1 => Just(",")];
    let member = move |value: BoxedStrategy<String>| {
        (string.clone(), "[ \n\r\t]?", value, after.clone())
            .prop_map(|(name, gap, value, after)| format!("{gap}{name}{gap}:{gap}{value}{after}"))
    };
    let nested = scalar.prop_recursive(3, 12, 3, {
        let member = member.clone();
        move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(|list| format!("[{}]", list.join(","))),
                prop::collection::vec(member(inner.boxed()), 0..3).prop_map(|list| format!("{{{}}}", list.join(","))),
            ]
        }
    });
    (prop::collection::vec(member(nested.boxed()), 0..5), "[ \n]?", prop_oneof![8 => "[ \n]?", 1 => "[}x]"])
        .prop_map(|(list, gap, end)| format!("{gap}{{{}{gap}}}{end}", list.join(",")))
}

proptest! {
    #[test]
    fn a_value_is_what_serde_json_makes_of_it(text in object_text()) {
        prop_assert_eq!(read(&text), serde_json::from_str(&text).ok());
        let members = serde_json::from_str::<std::collections::BTreeMap<String, Value>>(&text).unwrap_or_default();
        for value in members.into_values() {
            let text = value.to_string();
            prop_assert_eq!(read(&text), serde_json::from_str(&text).ok());
        }
    }
}

#[test]
fn strings_without_escapes_are_borrowed() {
    for (text, borrowed) in [(r#""a é""#, true), (r#""\u0061""#, false)] {
        let json = Json::read(text.as_bytes()).unwrap();
        assert_eq!(matches!(json, Json::Text(Cow::Borrowed(_))), borrowed, "{text}");
        assert!(json.as_text().is_some());
    }
}

#[test]
fn what_is_read_is_given_once_at_any_depth() {
    let read = |text: &str| Object::read(text.as_bytes(), &|name| name != "other").map(|object| object.iter().count());
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"b":2,"\u0061":3}"#,
        r#"{"a":{"b":1,"b":2}}"#,
        r#"{"a":[0,[{"b":{},"c":1,"b":null}]]}"#,
    ] {
        assert_eq!(read(text), Err(ObjectError::GivenTwice), "{text}");
    }
    assert_eq!(read(r#"{"other":{"b":1,"b":2},"a":[{"b":1},{"b":1}],"other":1e400,"c":{"a":1}}"#), Ok(2));
}

#[test]
fn what_is_not_one_object_in_utf_8_is_not_read() {
    for text in [&b""[..], b"[]", b"null", b"\"a\"", b"{}x", b"{} {}", b"{\"a\":1,}", b"{\"other\":\"\xff\"}"] {
        let read = Object::read(text, &|name| name != "other");
        assert_eq!(read, Err(ObjectError::NotAnObject), "{}", String::from_utf8_lossy(text));
    }
    let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    assert_eq!(Object::read(deep.as_bytes(), &|_| true), Err(ObjectError::NotAnObject));
}

#[test]
fn of_members_that_are_given_twice_the_last_is_left() {
    let Ok(Json::Object(mut object)) = Json::read(br#"{"b":1,"a":2,"b":3,"c":4,"b":5}"#) else { panic!() };
    assert_eq!(object.take_repeated(), ["b", "b"]);
    assert_eq!(serde_json::to_string(&Json::Object(object)).unwrap(), r#"{"a":2,"b":5,"c":4}"#);
}

#[test]
fn a_string_of_the_wrong_type_is_named() {
    let object = object(r#"{"a":"x","b":null,"c":7}"#);
    assert_eq!(object.text("a"), Ok(Some("x")));
    assert_eq!((object.text("b"), object.text("d")), (Ok(None), Ok(None)));
    assert_eq!(object.text("c"), Err(UnusableMember("c")));
    assert_eq!(UnusableMember("c").to_string(), "\"c\" has a type or value of no use");
}

#[test]
fn a_pointer_leads_through_objects_and_arrays() {
    let object = object(r#"{"a":{"b":[1,{"c/d":2,"~":3}],"":4},"/a":5}"#);
    for (pointer, found) in [
        ("/a/b/0", Some("1")),
        ("/a/b/1/c~1d", Some("2")),
        ("/a/b/1/~0", Some("3")),
        ("/a/", Some("4")),
        ("/~1a", Some("5")),
        ("/a/b/2", None),
        ("/a/b/00", None),
        ("/a/b/01", None),
        ("/a/b/+1", None),
        ("/a/b/-", None),
        ("/a/b/0/", None),
        ("/b", None),
        ("a", None),
        ("", None),
    ] {
        let shown = object.pointed(pointer).map(|value| serde_json::to_string(value).unwrap());
        assert_eq!(shown.as_deref(), found, "{pointer}");
    }
}

proptest! {
    #[test]
    fn a_pointer_leads_where_the_standard_reader_has_it(text in object_text(), pointer in "(/[a-c0-2~]{0,2}){1,3}") {
        if let Ok(object) = Object::read(text.as_bytes(), &|_| true) {
            let value: Value = serde_json::from_str(&text).unwrap();
            let found = object.pointed(&pointer).cloned().map(plain);
            prop_assert_eq!(found.as_ref(), value.pointer(&pointer));
        }
    }
}
