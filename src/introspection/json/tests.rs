use super::*;
use proptest::prelude::*;
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use std::fmt;

/// The members whose names `serde_json` reads with an even number of bytes; it skips the others.
type Even = Vec<(String, Value)>;

fn is_wanted(name: &str) -> bool {
    name.len().is_multiple_of(2)
}

struct Reference;

impl<'de> Visitor<'de> for Reference {
    type Value = Even;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Even, A::Error> {
        let mut found = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            match is_wanted(&name) {
                true => found.push((name, map.next_value()?)),
                false => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}

impl<'de> DeserializeSeed<'de> for Reference {
    type Value = Even;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Even, D::Error> {
        deserializer.deserialize_map(self)
    }
}

fn by_serde_json(text: &str) -> Option<Even> {
    let mut deserializer = Deserializer::from_slice(text.as_bytes());
    let members = Reference.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok().map(|()| members)
}

fn read(text: &str) -> Option<Vec<(Cow<'_, str>, Json<'_>)>> {
    let mut found = Vec::new();
    object(text, |name, reader| {
        if !is_wanted(&name) {
            return reader.skip();
        }
        found.push((name, reader.value()?));
        Some(())
    })
    .map(|()| found)
}

fn plain(members: Vec<(Cow<'_, str>, Json<'_>)>) -> Even {
    let value = |value| match value {
        Json::Text(text) => Value::String(text.into_owned()),
        Json::Other(other) => other,
    };
    members.into_iter().map(|(name, json)| (name.into_owned(), value(json))).collect()
}

fn assert_agrees(text: &str) {
    assert_eq!(read(text).map(plain), by_serde_json(text), "{text:?}");
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
    fn objects_are_read_as_serde_json_reads_them(text in object_text()) {
        assert_agrees(&text);
    }

    #[test]
    fn a_damaged_object_is_read_as_serde_json_reads_it(text in object_text(), at: prop::sample::Index, with in "[\u{0}-\u{7f}]?") {
        let mut characters: Vec<char> = text.chars().collect();
        let at = at.index(characters.len());
        characters.splice(at..=at, with.chars());
        assert_agrees(&characters.into_iter().collect::<String>());
    }
}

#[test]
fn every_border_of_the_plain_values_is_where_serde_json_has_it() {
    for value in [
        "0",
        "00",
        "01",
        "-0",
        "-1",
        "0.0",
        "1.",
        "1e2",
        "1E+2",
        "1e400",
        "-1e400",
        "12x",
        "1 2",
        "true",
        "tru",
        "truex",
        "false",
        "fals",
        "null",
        "nul",
        "\"\"",
        "\"",
        "\"\\",
        "\"\\\"",
        "\"\\\"\"",
        "\"\u{1f}\"",
        "\" \"",
        "\"\u{7f}\"",
        "18446744073709551615",
        "18446744073709551616",
        "9223372036854775808",
        "-9223372036854775809",
        "",
        ",",
        "}",
        ":",
        "\"\\ud800\"",
        "\"\\u00e9\"",
        "[1,2",
        "[1]]",
        "{}",
        "{\"a\":1,\"a\":2}",
        "\"a\"\"b\"",
        "1\"b\"",
        "[]1",
    ] {
        for name in ["a", "ab"] {
            for text in [
                format!("{{\"{name}\":{value}}}"),
                format!("{{\"{name}\":{value},\"x\":1}}"),
                format!("{{\"{name}\":{value}"),
            ] {
                assert_agrees(&text);
            }
        }
    }
    for text in
        ["", "{", "}", "{}", "{ }", "{,}", "{\"ab\"}", "{\"ab\":1,}", "{1:1}", "{}{}", "{} x", "[]", "\u{feff}{}"]
    {
        assert_agrees(text);
    }
}

#[test]
fn strings_without_escapes_are_borrowed() {
    let members = read(r#"{"plain1":"é","\u0070lain2":"\u00e9"}"#).unwrap();
    let [(one, first), (two, second)] = &members[..] else { panic!("{members:?}") };
    assert!(matches!((one, first), (Cow::Borrowed("plain1"), Json::Text(Cow::Borrowed("é")))), "{members:?}");
    assert!(matches!((two, second), (Cow::Owned(_), Json::Text(Cow::Owned(_)))), "{members:?}");
    assert_eq!((&**two, second.as_text()), ("plain2", Some("é")));
}

#[test]
fn what_is_kept_may_not_be_nested_deeply_and_what_is_skipped_may() {
    let nested = |name: &str, depth: usize| format!("{{\"{name}\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(&nested("ab", 100)).is_some());
    assert!(read(&nested("ab", 200)).is_none());
    assert!(read(&nested("a", 100_000)).is_some());
}
