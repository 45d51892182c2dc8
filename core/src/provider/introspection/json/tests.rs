use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Option<Value> {
    serde_json::from_str::<Json<'_>>(text).ok().map(|json| match json {
        Json::Text(text) => Value::String(text.into_owned()),
        Json::Other(other) => other,
    })
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
        let json: Json<'_> = serde_json::from_str(text).unwrap();
        assert_eq!(matches!(json, Json::Text(Cow::Borrowed(_))), borrowed, "{text}");
        assert!(json.as_text().is_some());
    }
}
