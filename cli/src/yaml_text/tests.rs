use super::*;
use proptest::prelude::*;
use saphyr_parser::{Event, Parser, ScalarStyle};

/// The value as saphyr reads it, and YAML 1.2's core schema.
fn read(text: &str) -> Value {
    let mut events = Parser::new_from_str(text).map(|event| event.unwrap().0);
    loop {
        match events.next().unwrap() {
            Event::StreamStart | Event::DocumentStart(_) => {}
            first => return value(first, &mut events),
        }
    }
}

fn value<'a>(first: Event<'a>, events: &mut impl Iterator<Item = Event<'a>>) -> Value {
    match first {
        Event::Scalar(text, ScalarStyle::Plain, ..) => match &*text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "" | "~" | "null" => Value::Null,
            text => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
        },
        Event::Scalar(text, ..) => Value::from(&*text),
        Event::SequenceStart(..) => {
            let mut elements = Vec::new();
            loop {
                match events.next().unwrap() {
                    Event::SequenceEnd => return Value::Array(elements),
                    first => elements.push(value(first, events)),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut members = Map::new();
            loop {
                let Event::Scalar(key, ..) = events.next().unwrap() else { return Value::Object(members) };
                let first = events.next().unwrap();
                members.insert(key.into(), value(first, events));
            }
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn members_stay_in_order_and_comments_stand_where_they_help() {
    let value = Yaml::object([
        (
            "providers",
            Yaml::array([Yaml::object([
                ("name", Yaml::text("main")),
                ("issuer", Yaml::text("https://idp.example.com/realms/a").with_comment("from the metadata\nnot here")),
                ("audiences", Yaml::texts(["a b", "orders"]).with_comment("ask")),
                ("claims", Yaml::object([("client_id", Yaml::texts::<&str>([]))])),
            ])
            .with_comment("the first")]),
        ),
        ("dpop", Yaml::object::<&str>([])),
        ("replies", Yaml::object([("retry_after", Yaml::text("10s")), ("x", Yaml::boolean(true))])),
        ("nested", Yaml::array([Yaml::array([Yaml::number(1).with_comment("one"), Yaml::number(-2)])])),
    ]);
    let expected = r#"providers:
# the first
- name: main
  issuer: https://idp.example.com/realms/a  # from the metadata�not here
  audiences:  # ask
  - "a b"
  - orders
  claims:
    client_id: []
dpop: {}
replies:
  retry_after: "10s"
  x: true
nested:
- - 1  # one
  - -2
"#;
    assert_eq!(block(&value, 0), expected);
    assert_eq!(read(expected), value.to_json());
    assert!(block(&value, 4).lines().all(|line| line.starts_with("    ")));
    assert_eq!(read(&block(&value, 4)), value.to_json());
}

/// One a line; those with line breaks or blanks at an end are in the test.
const AMBIGUOUS: &str = r#"null
Null
~
true
YES
off
y
1
-1
0x1f
1_000
1e3
.5
.inf
12:30
2026-01-01
10m
=
<<
- a
a: b
a:
a #b
#a
*a
&a
!a
|
>
%a
@a
`a
"a"
'a'
[a]
{a}
---
...
?
"#;

#[test]
fn what_another_reader_could_take_for_something_else_is_quoted() {
    let others = ["", " a", "a ", "a\nb", "\u{85}", "\u{feff}", "\u{2028}", "\0"];
    for text in AMBIGUOUS.lines().chain(others) {
        assert!(scalar(text).starts_with('"'), "{text:?}");
        assert_eq!(read(&block(&Yaml::text(text), 0)), Value::from(text));
    }
    for text in ["main", "https://idp.example.com/x", "/orders/", "api.example.com", "client_id", "x-agw-", "nope"] {
        assert_eq!(scalar(text), text);
    }
}

fn any_yaml() -> impl Strategy<Value = Yaml> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Yaml::boolean),
        any::<i64>().prop_map(Yaml::number),
        any::<String>().prop_map(Yaml::text),
        "[-a-z0-9:#~.!&*|>'\"%@ ]{0,6}".prop_map(Yaml::text),
    ];
    let tree = leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Yaml::array),
            prop::collection::btree_map("\\PC{0,8}|[-a-z:# ]{0,4}", inner, 0..4).prop_map(Yaml::object),
        ]
    });
    (tree, prop::option::of(any::<String>())).prop_map(|(value, comment)| match comment {
        Some(comment) => value.with_comment(comment),
        None => value,
    })
}

proptest! {
    #[test]
    fn it_reads_back_equal(value in any_yaml(), comment: String, indent in 0_usize..5) {
        let around = Yaml::object([("a", Yaml::array([value.clone().with_comment(&comment)])), ("b", value)]);
        let text = block(&around.clone().with_comment(comment), indent);
        prop_assert_eq!(read(&text), around.to_json(), "{}", text);
    }
}
