//! A `google.protobuf.Struct` says the same as the JSON it stands for.

use super::example::full;
use super::{env, smallest, with};
use proptest::prelude::*;
use prost::Message;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct};
use serde_json::{Value, json};

fn encoded(value: &Value) -> Vec<u8> {
    let Some(Kind::StructValue(fields)) = protobuf(value).kind else { panic!("not an object: {value}") };
    fields.encode_to_vec()
}

fn protobuf(value: &Value) -> prost_types::Value {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(*flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(elements) => Kind::ListValue(ListValue { values: elements.iter().map(protobuf).collect() }),
        Value::Object(members) => Kind::StructValue(Struct {
            fields: members.iter().map(|(name, value)| (name.clone(), protobuf(value))).collect(),
        }),
    };
    prost_types::Value { kind: Some(kind) }
}

fn read(bytes: &[u8]) -> String {
    match super::super::read(bytes, &env) {
        Ok(settings) => format!("{settings:?}"),
        Err(problems) => {
            let mut lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            lines.sort();
            lines.join("\n")
        }
    }
}

#[test]
fn a_struct_means_what_its_json_means() {
    let faulty = with(full(), "/cache/entries", json!(2.5));
    for configuration in [smallest(), full(), faulty, json!({"providers": null})] {
        assert_eq!(read(&encoded(&configuration)), read(configuration.to_string().as_bytes()));
    }
    assert!(read(&encoded(&full())).starts_with("Settings"));
}

#[test]
fn an_empty_struct_is_an_empty_configuration() {
    assert!(encoded(&json!({})).is_empty());
    assert!(read(&[]).starts_with("configuration: is empty"));
}

#[test]
fn json_may_begin_with_a_line_feed() {
    assert!(read(format!("\n{}", smallest()).as_bytes()).starts_with("Settings"));
}

#[test]
fn a_value_without_a_kind_and_a_number_without_end_are_null() {
    let fields = [
        ("providers".to_owned(), prost_types::Value { kind: None }),
        ("apis".to_owned(), prost_types::Value { kind: Some(Kind::NumberValue(f64::NAN)) }),
    ];
    assert_eq!(
        read(&Struct { fields: fields.into() }.encode_to_vec()),
        "apis: must be an array, got null\nproviders: must be an array, got null"
    );
}

proptest! {
    #[test]
    fn a_damaged_struct_is_refused_or_read_without_a_panic(
        at in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encoded(&full());
        let index = at.index(bytes.len());
        bytes[index] = byte;
        let _ = read(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        let _ = read(&bytes);
    }
}
