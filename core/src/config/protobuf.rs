//! `google.protobuf.Struct` on the wire, as far as a configuration needs it: read once at start, and small.
//!
//! The messages are those of `google/protobuf/struct.proto`; a field that is not theirs is skipped, as the encoding
//! asks.

use crate::base::json::{Json, Object};
use crate::base::protobuf::{Content, Fields};

/// Deepest nesting; the configuration needs seven levels.
const MAX_DEPTH: usize = 64;

/// The value of a `Struct`; `None` when the bytes are not one.
pub(super) fn read_struct(bytes: &[u8]) -> Option<Json<'_>> {
    object(bytes, MAX_DEPTH)
}

/// `Struct { map<string, Value> fields = 1; }`
fn object(bytes: &[u8], depth: usize) -> Option<Json<'_>> {
    let mut members = Vec::new();
    for field in Fields(bytes) {
        if let (1, Content::Bytes(entry)) = field? {
            let (mut name, mut value) = ("", Json::Null);
            for field in Fields(entry) {
                match field? {
                    (1, Content::Bytes(text)) => name = std::str::from_utf8(text).ok()?,
                    (2, Content::Bytes(inner)) => value = any(inner, depth.checked_sub(1)?)?,
                    _ => {}
                }
            }
            members.push((name.into(), value));
        }
    }
    let mut object = Object::new(members);
    // Of several entries with the same key, the last one counts.
    object.take_repeated();
    Some(Json::Object(object))
}

/// `Value { oneof kind { null = 1, number = 2, string = 3, bool = 4, struct = 5, list = 6 } }`; the last one counts.
fn any(bytes: &[u8], depth: usize) -> Option<Json<'_>> {
    let mut value = Json::Null;
    for field in Fields(bytes) {
        value = match field? {
            (1, Content::Varint(_)) => Json::Null,
            (2, Content::Fixed64(bits)) => f64::from_le_bytes(bits).into(),
            (3, Content::Bytes(text)) => Json::Text(std::str::from_utf8(text).ok()?.into()),
            (4, Content::Varint(flag)) => Json::Boolean(flag != 0),
            (5, Content::Bytes(inner)) => object(inner, depth.checked_sub(1)?)?,
            (6, Content::Bytes(inner)) => list(inner, depth.checked_sub(1)?)?,
            _ => value,
        };
    }
    Some(value)
}

/// `ListValue { repeated Value values = 1; }`
fn list(bytes: &[u8], depth: usize) -> Option<Json<'_>> {
    let mut values = Vec::new();
    for field in Fields(bytes) {
        if let (1, Content::Bytes(inner)) = field? {
            values.push(any(inner, depth.checked_sub(1)?)?);
        }
    }
    Some(Json::Array(values))
}
